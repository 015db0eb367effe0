//! Users' rows for the modules of their plugins.

use diesel::prelude::*;

use super::{
    Connection,
    connection::each,
    schema::{modules, plugins},
};
use crate::{
    domain::{
        Timestamp, UserId,
        plugin::{ModuleRow, NewPlugin},
    },
    error::Result,
};

type Columns = (String, bool, String, bool);

fn value((id, enabled, config, present): Columns) -> ModuleRow {
    ModuleRow { id, enabled, config, present }
}

pub fn insert(conn: &mut Connection, plugin: &str, module: &ModuleRow, now: Timestamp) -> Result<()> {
    diesel::insert_into(modules::table)
        .values((
            modules::plugin_id.eq(plugin),
            modules::id.eq(&module.id),
            modules::enabled.eq(module.enabled),
            modules::config.eq(&module.config),
            modules::present.eq(module.present),
            modules::created_at.eq(now.millis()),
            modules::updated_at.eq(now.millis()),
        ))
        .execute(conn)?;
    Ok(())
}

/// Rows in one INSERT: 7 parameters each must stay below SQLite's limit of 32,766 for a statement.
const ROWS_PER_INSERT: usize = 1000;

/// Adds the modules of many plugins, as old as their plugin.
pub(super) fn insert_all(conn: &mut Connection, new: &[NewPlugin]) -> Result<()> {
    let rows = new.iter().flat_map(|one| one.modules.iter().map(|module| (&one.plugin, module)));
    let rows: Vec<_> = rows
        .map(|(plugin, module)| {
            (
                modules::plugin_id.eq(&plugin.id),
                modules::id.eq(&module.id),
                modules::enabled.eq(module.enabled),
                modules::config.eq(&module.config),
                modules::present.eq(module.present),
                modules::created_at.eq(plugin.created_at.millis()),
                modules::updated_at.eq(plugin.updated_at.millis()),
            )
        })
        .collect();
    for chunk in rows.chunks(ROWS_PER_INSERT) {
        each!(conn, execute, diesel::insert_into(modules::table).values(chunk))?;
    }
    Ok(())
}

/// The modules of all plugins of these users, with the plugin's id.
pub fn of_users(conn: &mut Connection, users: &[UserId]) -> Result<Vec<(String, ModuleRow)>> {
    let rows: Vec<(String, Columns)> = modules::table
        .inner_join(plugins::table.on(plugins::id.eq(modules::plugin_id)))
        .filter(plugins::user_id.eq_any(users.iter().map(UserId::as_str)))
        .select((modules::plugin_id, (modules::id, modules::enabled, modules::config, modules::present)))
        .load(conn)?;
    Ok(rows.into_iter().map(|(plugin, row)| (plugin, value(row))).collect())
}

/// Plugin and id of modules whose plugin does not exist: foreign keys were off once.
pub fn orphans(conn: &mut Connection) -> Result<Vec<(String, String)>> {
    let rows = modules::table
        .left_join(plugins::table.on(plugins::id.eq(modules::plugin_id)))
        .filter(plugins::id.nullable().is_null())
        .order((modules::plugin_id, modules::id))
        .select((modules::plugin_id, modules::id))
        .load(conn)?;
    Ok(rows)
}

pub fn delete(conn: &mut Connection, plugin: &str, id: &str) -> Result<()> {
    diesel::delete(modules::table.find((plugin, id))).execute(conn)?;
    Ok(())
}

/// The modules of one plugin, by id.
pub fn list(conn: &mut Connection, plugin: &str) -> Result<Vec<ModuleRow>> {
    let rows: Vec<Columns> = modules::table
        .filter(modules::plugin_id.eq(plugin))
        .order(modules::id)
        .select((modules::id, modules::enabled, modules::config, modules::present))
        .load(conn)?;
    Ok(rows.into_iter().map(value).collect())
}

/// The modules of all of a user's plugins with the plugin's id, by plugin and id.
pub fn list_of_user(conn: &mut Connection, user: &UserId) -> Result<Vec<(String, ModuleRow)>> {
    let rows: Vec<(String, Columns)> = modules::table
        .inner_join(plugins::table.on(plugins::id.eq(modules::plugin_id)))
        .filter(plugins::user_id.eq(user.as_str()))
        .order((modules::plugin_id, modules::id))
        .select((modules::plugin_id, (modules::id, modules::enabled, modules::config, modules::present)))
        .load(conn)?;
    Ok(rows.into_iter().map(|(plugin, row)| (plugin, value(row))).collect())
}

/// Writes the user's own values, a JSON object as text.
pub fn set_config(conn: &mut Connection, plugin: &str, id: &str, config: &str, now: Timestamp) -> Result<()> {
    diesel::update(modules::table.find((plugin, id)))
        .set((modules::config.eq(config), modules::updated_at.eq(now.millis())))
        .execute(conn)?;
    Ok(())
}

/// Whether the installed version declares it; its values stay.
pub fn set_present(conn: &mut Connection, plugin: &str, id: &str, present: bool, now: Timestamp) -> Result<()> {
    diesel::update(modules::table.find((plugin, id)))
        .set((modules::present.eq(present), modules::updated_at.eq(now.millis())))
        .execute(conn)?;
    Ok(())
}

/// False when it was so already.
pub fn set_enabled(conn: &mut Connection, plugin: &str, id: &str, enabled: bool, now: Timestamp) -> Result<bool> {
    let changed = diesel::update(modules::table.find((plugin, id)).filter(modules::enabled.ne(enabled)))
        .set((modules::enabled.eq(enabled), modules::updated_at.eq(now.millis())))
        .execute(conn)?;
    Ok(changed > 0)
}
