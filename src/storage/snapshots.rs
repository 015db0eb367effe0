//! All entries of one plugin of a user as they were at one moment.

use diesel::prelude::*;

use super::{
    Connection,
    schema::{snapshot_entries, snapshots},
};
use crate::{
    domain::{UserId, state::StateKey},
    error::Result,
};

/// Removes the copies of one entry from all snapshots.
pub fn erase(conn: &mut Connection, user: &UserId, key: &StateKey) -> Result<()> {
    let of_plugin: Vec<String> = snapshots::table
        .filter(snapshots::user_id.eq(user.as_str()))
        .filter(snapshots::plugin_slug.eq(key.plugin.as_str()))
        .select(snapshots::id)
        .load(conn)?;
    for id in of_plugin {
        diesel::delete(snapshot_entries::table.find((&id, &key.page, &key.key))).execute(conn)?;
    }
    Ok(())
}
