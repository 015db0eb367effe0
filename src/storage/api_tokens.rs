//! API tokens, found by the hash of their secret.

use diesel::prelude::*;

use super::{
    Connection,
    schema::{api_tokens, users},
    users as accounts,
    values::{json, stored, stored_json},
};
use crate::{
    domain::{
        Timestamp, UserId,
        user::{ApiToken, User},
    },
    error::Result,
};

#[derive(Queryable, Insertable)]
#[diesel(table_name = api_tokens, check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
struct Row {
    id: String,
    user_id: String,
    name: String,
    token_hash: String,
    scopes: String,
    created_at: i64,
    expires_at: Option<i64>,
    last_used_at: Option<i64>,
    revoked_at: Option<i64>,
}

impl Row {
    fn token(self) -> Result<ApiToken> {
        Ok(ApiToken {
            id: self.id,
            user: stored("api_tokens.user_id", &self.user_id)?,
            name: self.name,
            scopes: stored_json("api_tokens.scopes", &self.scopes)?,
            created_at: Timestamp(self.created_at),
            expires_at: self.expires_at.map(Timestamp),
            last_used_at: self.last_used_at.map(Timestamp),
            revoked_at: self.revoked_at.map(Timestamp),
        })
    }
}

/// `token_hash` is the sha256 of the secret in hex.
pub fn insert(conn: &mut Connection, token: &ApiToken, token_hash: &str) -> Result<()> {
    let row = Row {
        id: token.id.clone(),
        user_id: token.user.to_string(),
        name: token.name.clone(),
        token_hash: token_hash.to_owned(),
        scopes: json(&token.scopes)?,
        created_at: token.created_at.millis(),
        expires_at: token.expires_at.map(Timestamp::millis),
        last_used_at: None,
        revoked_at: None,
    };
    diesel::insert_into(api_tokens::table).values(row).execute(conn)?;
    Ok(())
}

pub fn find_by_hash(conn: &mut Connection, token_hash: &str) -> Result<Option<(ApiToken, User)>> {
    let found = api_tokens::table
        .inner_join(users::table.on(users::id.eq(api_tokens::user_id)))
        .filter(api_tokens::token_hash.eq(token_hash))
        .select((api_tokens::all_columns, users::all_columns))
        .first::<(Row, accounts::Row)>(conn)
        .optional()?;
    found.map(|(token, user)| Ok((token.token()?, user.user()?))).transpose()
}

pub fn find(conn: &mut Connection, id: &str) -> Result<Option<(ApiToken, User)>> {
    let found = api_tokens::table
        .inner_join(users::table.on(users::id.eq(api_tokens::user_id)))
        .filter(api_tokens::id.eq(id))
        .select((api_tokens::all_columns, users::all_columns))
        .first::<(Row, accounts::Row)>(conn)
        .optional()?;
    found.map(|(token, user)| Ok((token.token()?, user.user()?))).transpose()
}

/// At most `limit` unrevoked tokens of the user after the one with id `after`, oldest first (ids sort by time).
pub fn list(conn: &mut Connection, user: &UserId, after: &str, limit: i64) -> Result<Vec<ApiToken>> {
    api_tokens::table
        .filter(api_tokens::user_id.eq(user.as_str()))
        .filter(api_tokens::revoked_at.is_null())
        .filter(api_tokens::id.gt(after))
        .order(api_tokens::id)
        .limit(limit)
        .load::<Row>(conn)?
        .into_iter()
        .map(Row::token)
        .collect()
}

/// False when the user has no such token, or no longer.
pub fn revoke(conn: &mut Connection, user: &UserId, id: &str, now: Timestamp) -> Result<bool> {
    let revoked =
        diesel::update(api_tokens::table.find(id).filter(api_tokens::user_id.eq(user.as_str())).filter(api_tokens::revoked_at.is_null()))
            .set(api_tokens::revoked_at.eq(Some(now.millis())))
            .execute(conn)?;
    Ok(revoked > 0)
}

pub fn touch(conn: &mut Connection, id: &str, now: Timestamp) -> Result<()> {
    diesel::update(api_tokens::table.find(id)).set(api_tokens::last_used_at.eq(Some(now.millis()))).execute(conn)?;
    Ok(())
}
