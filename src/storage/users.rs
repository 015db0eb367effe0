//! Accounts.

use diesel::prelude::*;

use super::{Connection, connection::each, error::on_duplicate, schema::users, values::stored};
use crate::{
    domain::{Timestamp, UserId, user::User},
    error::{Error, Result},
};

#[derive(Queryable, Insertable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
pub(super) struct Row {
    id: String,
    username: String,
    username_folded: String,
    email: Option<String>,
    email_folded: Option<String>,
    full_name: Option<String>,
    profile_picture: Option<String>,
    password_hash: Option<String>,
    role: String,
    active: bool,
    verified: bool,
    created_at: i64,
    updated_at: i64,
}

/// Rows in one INSERT: 13 parameters each must stay below SQLite's limit of 32,766 for a statement.
const ROWS_PER_INSERT: usize = 1000;

impl Row {
    fn new(user: &User, password_hash: Option<String>) -> Self {
        Self {
            id: user.id.to_string(),
            username: user.username.clone(),
            username_folded: user.username.to_lowercase(),
            email: user.email.clone(),
            email_folded: user.email.as_ref().map(|e| e.to_lowercase()),
            full_name: user.full_name.clone(),
            profile_picture: user.profile_picture.clone(),
            password_hash,
            role: user.role.as_str().to_owned(),
            active: user.active,
            verified: user.verified,
            created_at: user.created_at.millis(),
            updated_at: user.updated_at.millis(),
        }
    }

    pub(super) fn user(self) -> Result<User> {
        Ok(User {
            id: stored("users.id", &self.id)?,
            username: self.username,
            email: self.email,
            full_name: self.full_name,
            profile_picture: self.profile_picture,
            role: stored("users.role", &self.role)?,
            active: self.active,
            verified: self.verified,
            created_at: Timestamp(self.created_at),
            updated_at: Timestamp(self.updated_at),
        })
    }
}

/// Adds the account; [`Error::AlreadyExists`] when its name or address is taken (without regard to case).
pub fn insert(conn: &mut Connection, user: &User, password_hash: Option<String>) -> Result<()> {
    let inserted = diesel::insert_into(users::table).values(Row::new(user, password_hash)).execute(conn);
    on_duplicate(inserted.map(drop), taken)
}

/// Keeps the row as it is until the transaction ends, for changes that depend on it; nothing happens when there is none.
pub fn lock(conn: &mut Connection, id: &UserId) -> Result<()> {
    diesel::update(users::table.find(id.as_str())).set(users::updated_at.eq(users::updated_at)).execute(conn)?;
    Ok(())
}

/// Writes everything but the password; [`Error::AlreadyExists`] as for [`insert`].
pub fn update(conn: &mut Connection, user: &User) -> Result<()> {
    let row = Row::new(user, None);
    let updated = diesel::update(users::table.find(row.id))
        .set((
            users::username.eq(row.username),
            users::username_folded.eq(row.username_folded),
            users::email.eq(row.email),
            users::email_folded.eq(row.email_folded),
            users::full_name.eq(row.full_name),
            users::profile_picture.eq(row.profile_picture),
            users::role.eq(row.role),
            users::active.eq(row.active),
            users::verified.eq(row.verified),
            users::updated_at.eq(row.updated_at),
        ))
        .execute(conn);
    on_duplicate(updated.map(drop), taken)
}

fn taken() -> Error {
    Error::AlreadyExists("a user with this name or e-mail address already exists".to_owned())
}

pub fn set_password(conn: &mut Connection, id: &UserId, password_hash: &str, now: Timestamp) -> Result<()> {
    diesel::update(users::table.find(id.as_str()))
        .set((users::password_hash.eq(password_hash), users::updated_at.eq(now.millis())))
        .execute(conn)?;
    Ok(())
}

/// Replaces `verified`, the hash that a password was just compared with, and keeps the row locked until the transaction
/// ends. False when the account has another password by now, or is switched off, or gone.
pub fn replace_password(conn: &mut Connection, id: &UserId, verified: &str, hash: &str) -> Result<bool> {
    let unchanged = users::table.find(id.as_str()).filter(users::password_hash.eq(verified)).filter(users::active.eq(true));
    Ok(diesel::update(unchanged).set(users::password_hash.eq(hash)).execute(conn)? > 0)
}

pub fn find(conn: &mut Connection, id: &UserId) -> Result<Option<User>> {
    users::table.find(id.as_str()).first::<Row>(conn).optional()?.map(Row::user).transpose()
}

/// Which of these accounts exist.
pub fn existing(conn: &mut Connection, users: &[UserId]) -> Result<Vec<UserId>> {
    let found: Vec<String> = users::table.filter(users::id.eq_any(users.iter().map(UserId::as_str))).select(users::id).load(conn)?;
    found.iter().map(|id| stored("users.id", id)).collect()
}

/// Adds many accounts without a password; [`Error::AlreadyExists`] when a name or address is taken.
pub fn insert_all(conn: &mut Connection, new: &[User]) -> Result<()> {
    for chunk in new.chunks(ROWS_PER_INSERT) {
        let rows: Vec<Row> = chunk.iter().map(|user| Row::new(user, None)).collect();
        let insert = |conn: &mut Connection| Ok(each!(conn, execute, diesel::insert_into(users::table).values(rows))?);
        on_duplicate(insert(conn), taken)?;
    }
    Ok(())
}

/// The account with this e-mail address or, if there is none, this name; and its password hash, if it has one.
pub fn find_login(conn: &mut Connection, name: &str) -> Result<Option<(User, Option<String>)>> {
    let folded = name.to_lowercase();
    let by_email = users::table.filter(users::email_folded.eq(&folded)).first::<Row>(conn).optional()?;
    let row = match by_email {
        Some(row) => Some(row),
        None => users::table.filter(users::username_folded.eq(&folded)).first::<Row>(conn).optional()?,
    };
    row.map(|mut row| {
        let hash = row.password_hash.take();
        Ok((row.user()?, hash))
    })
    .transpose()
}

/// Whether an account has this name or this address, without regard to case.
pub fn is_taken(conn: &mut Connection, username: &str, email: Option<&str>) -> Result<bool> {
    let by_name = users::table.filter(users::username_folded.eq(username.to_lowercase())).select(users::id);
    if by_name.first::<String>(conn).optional()?.is_some() {
        return Ok(true);
    }
    let Some(email) = email else { return Ok(false) };
    let by_email = users::table.filter(users::email_folded.eq(email.to_lowercase())).select(users::id);
    Ok(by_email.first::<String>(conn).optional()?.is_some())
}

pub fn password_hash(conn: &mut Connection, id: &UserId) -> Result<Option<String>> {
    Ok(users::table.find(id.as_str()).select(users::password_hash).first::<Option<String>>(conn).optional()?.flatten())
}

/// At most `limit` accounts after `after`, by id.
pub fn list(conn: &mut Connection, after: Option<&UserId>, limit: i64) -> Result<Vec<User>> {
    let mut query = users::table.order(users::id).limit(limit).into_boxed::<super::connection::Multi>();
    if let Some(after) = after {
        query = query.filter(users::id.gt(after.to_string()));
    }
    query.load::<Row>(conn)?.into_iter().map(Row::user).collect()
}

/// Every account and whether it has a password, in no order.
pub fn all(conn: &mut Connection) -> Result<Vec<(User, bool)>> {
    let rows: Vec<Row> = users::table.load(conn)?;
    rows.into_iter()
        .map(|row| {
            let has_password = row.password_hash.is_some();
            Ok((row.user()?, has_password))
        })
        .collect()
}

/// Everybody who can log in, by id.
pub fn active_ids(conn: &mut Connection) -> Result<Vec<UserId>> {
    let ids: Vec<String> = users::table.filter(users::active.eq(true)).order(users::id).select(users::id).load(conn)?;
    ids.iter().map(|id| stored("users.id", id)).collect()
}

pub fn any_exists(conn: &mut Connection) -> Result<bool> {
    Ok(users::table.select(users::id).first::<String>(conn).optional()?.is_some())
}

/// Lets one transaction at a time change who the active administrators are: two that each remove the other wait here, and
/// the second one sees what the first has done. (Updating is the lock that both databases have.)
pub fn lock_active_admins(conn: &mut Connection) -> Result<()> {
    diesel::update(users::table.filter(users::role.eq("admin")).filter(users::active.eq(true)))
        .set(users::updated_at.eq(users::updated_at))
        .execute(conn)?;
    Ok(())
}

/// How many active administrators there are; the last one cannot be removed.
pub fn count_active_admins(conn: &mut Connection) -> Result<i64> {
    Ok(users::table.filter(users::role.eq("admin")).filter(users::active.eq(true)).count().get_result(conn)?)
}

/// Removes the account and everything that hangs on it; false when there was none.
pub fn delete(conn: &mut Connection, id: &UserId) -> Result<bool> {
    Ok(diesel::delete(users::table.find(id.as_str())).execute(conn)? > 0)
}
