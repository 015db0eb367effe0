//! Logins.

use diesel::prelude::*;

use super::{
    Connection,
    schema::{sessions, users},
    users as accounts,
    values::stored,
};
use crate::{
    domain::{
        Timestamp, UserId,
        user::{Session, User},
    },
    error::Result,
};

#[derive(Queryable, Insertable)]
#[diesel(table_name = sessions, check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
struct Row {
    id: String,
    user_id: String,
    generation: i64,
    rotated_at: i64,
    created_at: i64,
    last_used_at: i64,
    expires_at: i64,
    revoked_at: Option<i64>,
}

impl Row {
    fn session(self) -> Result<Session> {
        Ok(Session {
            id: self.id,
            user: stored("sessions.user_id", &self.user_id)?,
            generation: self.generation,
            rotated_at: Timestamp(self.rotated_at),
            created_at: Timestamp(self.created_at),
            expires_at: Timestamp(self.expires_at),
            revoked_at: self.revoked_at.map(Timestamp),
        })
    }
}

pub fn insert(conn: &mut Connection, session: &Session) -> Result<()> {
    let row = Row {
        id: session.id.clone(),
        user_id: session.user.to_string(),
        generation: session.generation,
        rotated_at: session.rotated_at.millis(),
        created_at: session.created_at.millis(),
        last_used_at: session.created_at.millis(),
        expires_at: session.expires_at.millis(),
        revoked_at: session.revoked_at.map(Timestamp::millis),
    };
    diesel::insert_into(sessions::table).values(row).execute(conn)?;
    Ok(())
}

/// The session and its user.
pub fn find(conn: &mut Connection, id: &str) -> Result<Option<(Session, User)>> {
    let found = sessions::table
        .inner_join(users::table.on(users::id.eq(sessions::user_id)))
        .filter(sessions::id.eq(id))
        .select((sessions::all_columns, users::all_columns))
        .first::<(Row, accounts::Row)>(conn)
        .optional()?;
    found.map(|(session, user)| Ok((session.session()?, user.user()?))).transpose()
}

/// Moves the session to its next refresh token; false when another request was faster.
pub fn rotate(conn: &mut Connection, session: &Session, now: Timestamp, expires_at: Timestamp) -> Result<bool> {
    let moved = diesel::update(sessions::table.find(&session.id).filter(sessions::generation.eq(session.generation)))
        .set((
            sessions::generation.eq(session.generation + 1),
            sessions::rotated_at.eq(now.millis()),
            sessions::last_used_at.eq(now.millis()),
            sessions::expires_at.eq(expires_at.millis()),
        ))
        .execute(conn)?;
    Ok(moved > 0)
}

pub fn revoke(conn: &mut Connection, id: &str, now: Timestamp) -> Result<()> {
    diesel::update(sessions::table.find(id).filter(sessions::revoked_at.is_null()))
        .set(sessions::revoked_at.eq(Some(now.millis())))
        .execute(conn)?;
    Ok(())
}

/// Removes the user's sessions that have ended: nothing asks for them any more.
pub fn remove_ended(conn: &mut Connection, user: &UserId, now: Timestamp) -> Result<()> {
    let ended = sessions::revoked_at.is_not_null().or(sessions::expires_at.le(now.millis()));
    diesel::delete(sessions::table.filter(sessions::user_id.eq(user.as_str())).filter(ended)).execute(conn)?;
    Ok(())
}

/// The same for everybody.
pub fn remove_all_ended(conn: &mut Connection, now: Timestamp) -> Result<()> {
    let ended = sessions::revoked_at.is_not_null().or(sessions::expires_at.le(now.millis()));
    diesel::delete(sessions::table.filter(ended)).execute(conn)?;
    Ok(())
}

/// Ends every session of the user but `keep`.
pub fn revoke_all(conn: &mut Connection, user: &UserId, keep: Option<&str>, now: Timestamp) -> Result<()> {
    diesel::update(
        sessions::table
            .filter(sessions::user_id.eq(user.as_str()))
            .filter(sessions::id.ne(keep.unwrap_or("")))
            .filter(sessions::revoked_at.is_null()),
    )
    .set(sessions::revoked_at.eq(Some(now.millis())))
    .execute(conn)?;
    Ok(())
}
