//! Each user's counter of state changes.

use std::collections::HashMap;

use diesel::prelude::*;

use super::{
    Connection,
    connection::{change, changed, each, prepared},
    schema::user_heads,
    values::stored,
};
use crate::{domain::UserId, error::Result};

/// A user's counter with what hangs on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Head {
    pub seq: i64,
    /// Live entries.
    pub entries: i64,
    /// Changes after this one can still be told.
    pub horizon: i64,
}

type Columns = (i64, i64, i64);
const COLUMNS: (user_heads::seq, user_heads::entries, user_heads::horizon) = (user_heads::seq, user_heads::entries, user_heads::horizon);

fn head((seq, entries, horizon): Columns) -> Head {
    Head { seq, entries, horizon }
}

/// Moves the counter on by one, which makes the user's other writers wait until the transaction ends. The head after it.
pub fn advance(conn: &mut Connection, user: &UserId) -> Result<Head> {
    let row = (user_heads::user_id.eq(user.as_str()), user_heads::seq.eq(1), user_heads::entries.eq(0), user_heads::horizon.eq(0));
    let upsert = diesel::insert_into(user_heads::table)
        .values(row)
        .on_conflict(user_heads::user_id)
        .do_update()
        .set(user_heads::seq.eq(user_heads::seq + 1));
    Ok(head(changed!(conn, upsert, COLUMNS, user_heads::table.find(user.as_str()))?))
}

/// Takes the last step back, in the transaction that made it: nobody has seen it.
pub fn take_back(conn: &mut Connection, user: &UserId) -> Result<()> {
    let update = diesel::update(user_heads::table.find(user.as_str())).set(user_heads::seq.eq(user_heads::seq - 1));
    change!(conn, update)?;
    Ok(())
}

/// Makes the user's other writers wait until the transaction ends, as every change does: what is read from here on stays true.
/// The head, which stays as it is.
pub fn hold(conn: &mut Connection, user: &UserId) -> Result<Head> {
    let Head { seq, entries, horizon } = advance(conn, user)?;
    take_back(conn, user)?;
    Ok(Head { seq: seq - 1, entries, horizon })
}

pub fn find(conn: &mut Connection, user: &UserId) -> Result<Head> {
    let found: Option<Columns> = each!(conn, first, user_heads::table.find(user.as_str()).select(COLUMNS)).optional()?;
    Ok(found.map(head).unwrap_or_default())
}

/// The counters of these users; those who never changed anything have none.
pub fn find_all(conn: &mut Connection, users: &[UserId]) -> Result<HashMap<UserId, i64>> {
    let ids: Vec<&str> = users.iter().map(|user| user.as_str()).collect();
    let rows: Vec<(String, i64)> =
        user_heads::table.filter(user_heads::user_id.eq_any(ids)).select((user_heads::user_id, user_heads::seq)).load(conn)?;
    rows.into_iter().map(|(user, seq)| Ok((stored("user_heads.user_id", &user)?, seq))).collect()
}

pub fn add_entries(conn: &mut Connection, user: &UserId, change: i64) -> Result<()> {
    let update = diesel::update(user_heads::table.find(user.as_str())).set(user_heads::entries.eq(user_heads::entries + change));
    change!(conn, update)?;
    Ok(())
}

/// Writes what was counted. The counter only ever grows, because cursors hold its values.
pub fn set(conn: &mut Connection, user: &UserId, counted: Head) -> Result<()> {
    diesel::delete(user_heads::table.find(user.as_str())).execute(conn)?;
    let Head { seq, entries, horizon } = counted;
    diesel::insert_into(user_heads::table)
        .values((
            user_heads::user_id.eq(user.as_str()),
            user_heads::seq.eq(seq),
            user_heads::entries.eq(entries),
            user_heads::horizon.eq(horizon),
        ))
        .execute(conn)?;
    Ok(())
}

/// Changes up to `seq` can no longer be told.
pub fn raise_horizon(conn: &mut Connection, user: &UserId, seq: i64) -> Result<()> {
    let behind = user_heads::table.find(user.as_str()).filter(user_heads::horizon.lt(seq));
    diesel::update(behind).set(user_heads::horizon.eq(seq)).execute(conn)?;
    Ok(())
}
