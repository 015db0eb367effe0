//! Many state entries at once: lists, changes, and what has ended.

use diesel::{dsl::case_when, prelude::*};

use super::{
    Connection,
    connection::Multi,
    schema::{state_entries, users},
    state_entries::{Row, WithData, with_data},
    values::stored,
};
use crate::{
    domain::{
        Slug, Timestamp, UserId,
        state::{Entry, ListFilter, PluginSet, StateKey},
    },
    error::Result,
};

/// Bytes of a stored document that is read along with its row: a thousand of them fit into memory.
const SMALL: i64 = 16 * 1024;

type Boxed<'a> = diesel::dsl::IntoBoxed<'a, state_entries::table, Multi>;

fn of_user<'a>(user: &'a UserId, plugins: &PluginSet) -> Boxed<'a> {
    let query = state_entries::table.into_boxed::<Multi>().filter(state_entries::user_id.eq(user.as_str()));
    match plugins {
        PluginSet::All => query,
        PluginSet::Only(slugs) => {
            let slugs: Vec<String> = slugs.iter().map(ToString::to_string).collect();
            query.filter(state_entries::plugin_slug.eq_any(slugs))
        }
    }
}

/// Live entries, the last changed first; with their documents, but for large ones.
pub fn list(
    conn: &mut Connection,
    user: &UserId,
    plugins: &PluginSet,
    filter: &ListFilter,
    now: Timestamp,
    (limit, offset): (i64, i64),
) -> Result<Vec<WithData>> {
    let live = state_entries::expires_at.is_null().or(state_entries::expires_at.gt(now.millis()));
    let mut query = of_user(user, plugins)
        .filter(state_entries::deleted_at.is_null())
        .filter(live)
        .filter(state_entries::active.eq(!filter.inactive))
        .order((state_entries::updated_at.desc(), state_entries::id))
        .limit(limit)
        .offset(offset);
    if let Some(plugin) = &filter.plugin {
        query = query.filter(state_entries::plugin_slug.eq(plugin.to_string()));
    }
    if let Some(page) = &filter.page {
        query = query.filter(state_entries::page_id.eq(page.clone()));
    }
    if let Some(key) = &filter.key {
        query = query.filter(state_entries::state_key.eq(key.clone()));
    }
    if let Some(strategy) = filter.strategy {
        query = query.filter(state_entries::strategy.eq(strategy.as_str()));
    }
    if let Some(device) = &filter.device {
        query = query.filter(state_entries::device_id.eq(device.clone()));
    }
    let small = case_when(state_entries::stored_size.le(SMALL), state_entries::data);
    let rows: Vec<(Row, Option<Vec<u8>>)> = query.select((Row::as_select(), small)).load(conn)?;
    rows.into_iter().map(with_data).collect()
}

/// The ids of all live entries, inactive ones too, with their keys, in the order of these.
pub fn live_keys(conn: &mut Connection, user: &UserId, plugins: &PluginSet, now: Timestamp) -> Result<Vec<(String, StateKey)>> {
    let live = state_entries::expires_at.is_null().or(state_entries::expires_at.gt(now.millis()));
    let rows: Vec<(String, String, String, String)> = of_user(user, plugins)
        .filter(state_entries::deleted_at.is_null())
        .filter(live)
        .order((state_entries::plugin_slug, state_entries::page_id, state_entries::state_key))
        .select((state_entries::id, state_entries::plugin_slug, state_entries::page_id, state_entries::state_key))
        .load(conn)?;
    rows.into_iter()
        .map(|(id, plugin, page, key)| Ok((id, StateKey { plugin: stored("state_entries.plugin_slug", &plugin)?, page, key })))
        .collect()
}

/// Every row that changed after `since`, tombstones included, in the order of the changes.
pub fn changes(conn: &mut Connection, user: &UserId, plugins: &PluginSet, since: i64, limit: i64) -> Result<Vec<Entry>> {
    of_user(user, plugins)
        .filter(state_entries::seq.gt(since))
        .order(state_entries::seq)
        .limit(limit)
        .select(Row::as_select())
        .load::<Row>(conn)?
        .into_iter()
        .map(Row::entry)
        .collect()
}

/// Every row of one plugin of a user, tombstones included.
pub fn of_plugin(conn: &mut Connection, user: &UserId, plugin: &Slug) -> Result<Vec<Entry>> {
    state_entries::table
        .filter(state_entries::user_id.eq(user.as_str()))
        .filter(state_entries::plugin_slug.eq(plugin.as_str()))
        .select(Row::as_select())
        .load::<Row>(conn)?
        .into_iter()
        .map(Row::entry)
        .collect()
}

/// Up to `limit` entries of anybody whose time has come and that nobody has swept yet.
pub fn expired(conn: &mut Connection, now: Timestamp, limit: i64) -> Result<Vec<(UserId, String)>> {
    let rows: Vec<(String, String)> = state_entries::table
        .filter(state_entries::expires_at.is_not_null())
        .filter(state_entries::expires_at.le(now.millis()))
        .filter(state_entries::deleted_at.is_null())
        .limit(limit)
        .select((state_entries::user_id, state_entries::id))
        .load(conn)?;
    rows.into_iter().map(|(user, id)| Ok((stored("state_entries.user_id", &user)?, id))).collect()
}

/// The same of one user, of the plugins that the caller may touch.
pub fn expired_of(conn: &mut Connection, user: &UserId, plugins: &PluginSet, now: Timestamp, limit: i64) -> Result<Vec<String>> {
    Ok(of_user(user, plugins)
        .filter(state_entries::expires_at.is_not_null())
        .filter(state_entries::expires_at.le(now.millis()))
        .filter(state_entries::deleted_at.is_null())
        .limit(limit)
        .select(state_entries::id)
        .load(conn)?)
}

/// Up to `limit` tombstones from before `cutoff`, with owner and seq.
pub fn old_tombstones(conn: &mut Connection, cutoff: Timestamp, limit: i64) -> Result<Vec<(UserId, String, i64)>> {
    let rows: Vec<(String, String, i64)> = state_entries::table
        .filter(state_entries::deleted_at.is_not_null())
        .filter(state_entries::deleted_at.lt(cutoff.millis()))
        .limit(limit)
        .select((state_entries::user_id, state_entries::id, state_entries::seq))
        .load(conn)?;
    rows.into_iter().map(|(user, id, seq)| Ok((stored("state_entries.user_id", &user)?, id, seq))).collect()
}

/// Removes a tombstone with its revisions; false when it is none any more.
pub fn remove_tombstone(conn: &mut Connection, id: &str, seq: i64) -> Result<bool> {
    let gone = state_entries::table.find(id).filter(state_entries::seq.eq(seq)).filter(state_entries::deleted_at.is_not_null());
    Ok(diesel::delete(gone).execute(conn)? > 0)
}

/// How many entries the user sees in lists.
pub fn count_visible(conn: &mut Connection, user: &UserId, plugins: &PluginSet, now: Timestamp) -> Result<i64> {
    let live = state_entries::expires_at.is_null().or(state_entries::expires_at.gt(now.millis()));
    let query = of_user(user, plugins).filter(state_entries::deleted_at.is_null()).filter(live).filter(state_entries::active.eq(true));
    Ok(query.count().get_result(conn)?)
}

/// When anything of the user's live state was last changed.
pub fn last_change(conn: &mut Connection, user: &UserId, plugins: &PluginSet) -> Result<Option<Timestamp>> {
    let found: Option<i64> = of_user(user, plugins)
        .filter(state_entries::deleted_at.is_null())
        .order((state_entries::updated_at.desc(), state_entries::id))
        .select(state_entries::updated_at)
        .first(conn)
        .optional()?;
    Ok(found.map(Timestamp))
}

/// Users of whom there are entries and no account: foreign keys were off once. With the number of entries.
pub fn ownerless(conn: &mut Connection) -> Result<Vec<(UserId, i64)>> {
    let rows: Vec<(String, i64)> = state_entries::table
        .left_join(users::table.on(users::id.eq(state_entries::user_id)))
        .filter(users::id.nullable().is_null())
        .group_by(state_entries::user_id)
        .order(state_entries::user_id)
        .select((state_entries::user_id, diesel::dsl::count_star()))
        .load(conn)?;
    rows.into_iter().map(|(user, entries)| Ok((stored("state_entries.user_id", &user)?, entries))).collect()
}
