//! Sums over a user's live state entries, plugin by plugin: what quotas and statistics ask for.

use diesel::{prelude::*, upsert::excluded};

use super::{
    Connection,
    connection::{change, changed, each, prepared},
    schema::state_usage,
    values::stored,
};
use crate::{
    domain::{Slug, UserId},
    error::Result,
};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    pub entries: i64,
    pub size: i64,
    pub stored_size: i64,
}

type Columns = (i64, i64, i64);
const COLUMNS: (state_usage::entries, state_usage::size, state_usage::stored_size) =
    (state_usage::entries, state_usage::size, state_usage::stored_size);

fn usage((entries, size, stored_size): Columns) -> Usage {
    Usage { entries, size, stored_size }
}

/// Adds a change; the sums after it.
pub fn add(conn: &mut Connection, user: &UserId, plugin: &Slug, change: Usage) -> Result<Usage> {
    let row = || state_usage::table.find((user.as_str(), plugin.as_str()));
    // The constraints also hold for the row that is not inserted, so a decrease has to be an update.
    if change.entries < 0 || change.size < 0 || change.stored_size < 0 {
        let update = diesel::update(row()).set((
            state_usage::entries.eq(state_usage::entries + change.entries),
            state_usage::size.eq(state_usage::size + change.size),
            state_usage::stored_size.eq(state_usage::stored_size + change.stored_size),
        ));
        return Ok(usage(changed!(conn, update, COLUMNS, row())?));
    }
    let upsert = diesel::insert_into(state_usage::table)
        .values((
            state_usage::user_id.eq(user.as_str()),
            state_usage::plugin_slug.eq(plugin.as_str()),
            state_usage::entries.eq(change.entries),
            state_usage::size.eq(change.size),
            state_usage::stored_size.eq(change.stored_size),
        ))
        .on_conflict((state_usage::user_id, state_usage::plugin_slug))
        .do_update()
        .set((
            state_usage::entries.eq(state_usage::entries + excluded(state_usage::entries)),
            state_usage::size.eq(state_usage::size + excluded(state_usage::size)),
            state_usage::stored_size.eq(state_usage::stored_size + excluded(state_usage::stored_size)),
        ));
    Ok(usage(changed!(conn, upsert, COLUMNS, row())?))
}

/// The users and plugins with the most state, by size.
pub fn largest(conn: &mut Connection, limit: i64) -> Result<Vec<(UserId, Slug, Usage)>> {
    let rows: Vec<(String, String, Columns)> = state_usage::table
        .filter(state_usage::entries.gt(0))
        .order(state_usage::size.desc())
        .limit(limit)
        .select((state_usage::user_id, state_usage::plugin_slug, COLUMNS))
        .load(conn)?;
    rows.into_iter()
        .map(|(user, plugin, columns)| {
            Ok((stored("state_usage.user_id", &user)?, stored("state_usage.plugin_slug", &plugin)?, usage(columns)))
        })
        .collect()
}

/// All that is kept of the user, for a comparison with the entries.
pub fn all(conn: &mut Connection, user: &UserId) -> Result<Vec<(Slug, Usage)>> {
    let rows: Vec<(String, Columns)> = state_usage::table
        .filter(state_usage::user_id.eq(user.as_str()))
        .order(state_usage::plugin_slug)
        .select((state_usage::plugin_slug, (state_usage::entries, state_usage::size, state_usage::stored_size)))
        .load(conn)?;
    rows.into_iter().map(|(plugin, columns)| Ok((stored("state_usage.plugin_slug", &plugin)?, usage(columns)))).collect()
}

/// Writes sums that were counted.
pub fn set(conn: &mut Connection, user: &UserId, plugin: &Slug, counted: Usage) -> Result<()> {
    diesel::delete(state_usage::table.find((user.as_str(), plugin.as_str()))).execute(conn)?;
    add(conn, user, plugin, counted).map(drop)
}

/// The user's sums by plugin, those without entries left out.
pub fn list(conn: &mut Connection, user: &UserId) -> Result<Vec<(Slug, Usage)>> {
    let rows: Vec<(String, Columns)> = state_usage::table
        .filter(state_usage::user_id.eq(user.as_str()))
        .filter(state_usage::entries.gt(0))
        .order(state_usage::plugin_slug)
        .select((state_usage::plugin_slug, (state_usage::entries, state_usage::size, state_usage::stored_size)))
        .load(conn)?;
    rows.into_iter().map(|(plugin, columns)| Ok((stored("state_usage.plugin_slug", &plugin)?, usage(columns)))).collect()
}
