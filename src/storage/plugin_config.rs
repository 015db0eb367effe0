//! What the administrator decides about a slug for everybody, and who owns the slug.

use diesel::prelude::*;
use serde_json::{Map, Value};

use super::{
    Connection,
    connection::each,
    schema::plugin_config,
    values::{stored, stored_json},
};
use crate::{
    domain::{Slug, Timestamp, UserId, Version, release::PluginConfig},
    error::{Error, Result},
};

type Columns = (String, String, Option<String>);
const COLUMNS: (plugin_config::plugin_name, plugin_config::status, plugin_config::owner_id) =
    (plugin_config::plugin_name, plugin_config::status, plugin_config::owner_id);

fn value((name, status, owner): Columns) -> Result<PluginConfig> {
    Ok(PluginConfig {
        slug: stored("plugin_config.plugin_name", &name)?,
        available: status == "enabled",
        owner: owner.as_deref().map(|owner| stored("plugin_config.owner_id", owner)).transpose()?,
    })
}

pub fn find(conn: &mut Connection, slug: &Slug) -> Result<Option<PluginConfig>> {
    plugin_config::table.find(slug.as_str()).select(COLUMNS).first(conn).optional()?.map(value).transpose()
}

/// Every slug that somebody published, in no order.
pub fn slugs(conn: &mut Connection) -> Result<Vec<Slug>> {
    let names: Vec<String> = plugin_config::table.select(plugin_config::plugin_name).load(conn)?;
    names.iter().map(|name| stored("plugin_config.plugin_name", name)).collect()
}

/// Whether bundles of this slug may be served; a slug that nobody published has nothing to switch off.
pub fn is_available(conn: &mut Connection, slug: &Slug) -> Result<bool> {
    Ok(find(conn, slug)?.is_none_or(|row| row.available))
}

/// Makes the row of a slug unless there is one, and locks it until the transaction ends, so that parallel publishers of
/// one slug go one after another. [`Error::AlreadyExists`] when another slug differs only in case.
pub fn claim(conn: &mut Connection, slug: &Slug, available: bool, owner: Option<&UserId>, now: Timestamp) -> Result<PluginConfig> {
    let at = Some(now.millis());
    let row = (
        plugin_config::plugin_name.eq(slug.as_str()),
        plugin_config::plugin_name_folded.eq(slug.folded()),
        plugin_config::status.eq(status(available)),
        plugin_config::config.eq("{}"),
        plugin_config::owner_id.eq(owner.map(UserId::as_str)),
        plugin_config::enabled_at.eq(at.filter(|_| available)),
        plugin_config::disabled_at.eq(at.filter(|_| !available)),
        plugin_config::created_at.eq(now.millis()),
        plugin_config::updated_at.eq(now.millis()),
    );
    each!(conn, execute, diesel::insert_into(plugin_config::table).values(row).on_conflict_do_nothing())?;
    lock(conn, slug)?;
    find(conn, slug)?.ok_or_else(|| Error::AlreadyExists(format!("a plugin whose name differs from {slug} only in case already exists")))
}

/// The plugin-wide values; none for a slug that nobody published.
pub fn values(conn: &mut Connection, slug: &Slug) -> Result<Map<String, Value>> {
    let text: Option<String> = plugin_config::table.find(slug.as_str()).select(plugin_config::config).first(conn).optional()?;
    text.map_or_else(|| Ok(Map::new()), |text| stored_json("plugin_config.config", &text))
}

/// `values` is a JSON object as text.
pub fn set_values(conn: &mut Connection, slug: &Slug, values: &str, now: Timestamp) -> Result<()> {
    diesel::update(plugin_config::table.find(slug.as_str()))
        .set((plugin_config::config.eq(values), plugin_config::updated_at.eq(now.millis())))
        .execute(conn)?;
    Ok(())
}

/// What `latest` is noted to stand for.
pub fn noted_latest(conn: &mut Connection, slug: &Slug) -> Result<Option<Version>> {
    let text: Option<Option<String>> =
        plugin_config::table.find(slug.as_str()).select(plugin_config::latest_version).first(conn).optional()?;
    text.flatten().map(|text| stored("plugin_config.latest_version", &text)).transpose()
}

/// Notes what `latest` stands for now.
pub fn set_latest(conn: &mut Connection, slug: &Slug, latest: Option<&Version>) -> Result<()> {
    diesel::update(plugin_config::table.find(slug.as_str()))
        .set(plugin_config::latest_version.eq(latest.map(ToString::to_string)))
        .execute(conn)?;
    Ok(())
}

/// Makes whoever else locks or holds this slug wait until the transaction ends. (The derive has no `FOR UPDATE`.)
pub fn lock(conn: &mut Connection, slug: &Slug) -> Result<()> {
    diesel::update(plugin_config::table.find(slug.as_str())).set(plugin_config::updated_at.eq(plugin_config::updated_at)).execute(conn)?;
    Ok(())
}

/// Keeps clean-up away from the slug's releases until the transaction ends; any number can hold at once. On SQLite
/// there is one writer anyway.
pub fn hold(conn: &mut Connection, slug: &Slug) -> Result<()> {
    if let Connection::Postgres(conn) = conn {
        diesel::sql_query("SELECT 1 FROM plugin_config WHERE plugin_name = $1 FOR SHARE")
            .bind::<diesel::sql_types::Text, _>(slug.as_str())
            .execute(conn)?;
    }
    Ok(())
}

/// Switches the slug on or off for everybody; users' enablement and config stay. False when nothing changed.
pub fn set_available(conn: &mut Connection, slug: &Slug, available: bool, now: Timestamp) -> Result<bool> {
    let changed = plugin_config::table.find(slug.as_str()).filter(plugin_config::status.ne(status(available)));
    let at = Some(now.millis());
    let count = match available {
        true => diesel::update(changed)
            .set((plugin_config::status.eq("enabled"), plugin_config::enabled_at.eq(at), plugin_config::updated_at.eq(now.millis())))
            .execute(conn)?,
        false => diesel::update(changed)
            .set((plugin_config::status.eq("disabled"), plugin_config::disabled_at.eq(at), plugin_config::updated_at.eq(now.millis())))
            .execute(conn)?,
    };
    Ok(count > 0)
}

fn status(available: bool) -> &'static str {
    if available { "enabled" } else { "disabled" }
}
