//! What users have installed.

use diesel::prelude::*;
use serde_json::Map;

use super::{
    Connection,
    connection::each,
    error::on_duplicate,
    schema::{plugin_config, plugin_versions, plugins, releases},
    values::{json, stored, stored_json},
};
use crate::{
    domain::{
        AccessKey, Manifest, Slug, Timestamp, UserId, Version,
        history::HistoryEntry,
        plugin::{Change, Installed, InstalledRelease, NewPlugin, Plugin},
    },
    error::{Error, Result},
};

/// What a new row's revision is.
pub const FIRST_REVISION: i64 = 1;

#[derive(Queryable, Insertable)]
#[diesel(table_name = plugins, check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
struct Row {
    id: String,
    user_id: String,
    plugin_slug: String,
    version: String,
    enabled: bool,
    config: String,
    manifest: Option<String>,
    access_key: String,
    created_at: i64,
    updated_at: i64,
    enabled_at: Option<i64>,
    disabled_at: Option<i64>,
    revision: i64,
}

impl Row {
    fn new(plugin: &Plugin) -> Result<Self> {
        Ok(Self {
            id: plugin.id.clone(),
            user_id: plugin.user.to_string(),
            plugin_slug: plugin.slug.to_string(),
            version: plugin.version.to_string(),
            enabled: plugin.enabled,
            config: plugin.config.clone(),
            manifest: plugin.manifest.as_ref().map(json).transpose()?,
            access_key: plugin.access_key.as_str().to_owned(),
            created_at: plugin.created_at.millis(),
            updated_at: plugin.updated_at.millis(),
            enabled_at: plugin.enabled_at.map(Timestamp::millis),
            disabled_at: plugin.disabled_at.map(Timestamp::millis),
            revision: plugin.revision,
        })
    }

    fn plugin(self) -> Result<Plugin> {
        Ok(Plugin {
            user: stored("plugins.user_id", &self.user_id)?,
            slug: stored("plugins.plugin_slug", &self.plugin_slug)?,
            version: stored("plugins.version", &self.version)?,
            enabled: self.enabled,
            config: self.config,
            manifest: self.manifest.as_deref().map(|text| stored_json("plugins.manifest", text)).transpose()?,
            access_key: stored("plugins.access_key", &self.access_key)?,
            created_at: Timestamp(self.created_at),
            updated_at: Timestamp(self.updated_at),
            enabled_at: self.enabled_at.map(Timestamp),
            disabled_at: self.disabled_at.map(Timestamp),
            revision: self.revision,
            id: self.id,
        })
    }
}

/// Adds the row; [`Error::AlreadyExists`] when the user has the plugin already.
pub fn insert(conn: &mut Connection, plugin: &Plugin) -> Result<()> {
    let inserted = diesel::insert_into(plugins::table).values(Row::new(plugin)?).execute(conn);
    on_duplicate(inserted.map(drop), || Error::AlreadyExists(format!("{} is already installed", plugin.slug)))
}

/// Rows in one INSERT: up to 13 parameters each must stay below SQLite's limit of 32,766 for a statement.
const ROWS_PER_INSERT: usize = 500;

/// Adds many plugins with their modules and histories; an error when one of them is there already. The modules are as old
/// as their plugin.
pub fn insert_all(conn: &mut Connection, new: &[NewPlugin]) -> Result<()> {
    for chunk in new.chunks(ROWS_PER_INSERT) {
        let rows = chunk.iter().map(|one| Row::new(&one.plugin)).collect::<Result<Vec<_>>>()?;
        each!(conn, execute, diesel::insert_into(plugins::table).values(rows))?;
    }
    let histories = new.iter().flat_map(|one| one.history.iter().zip(1_i64..).map(|(entry, sequence)| (&one.plugin.id, sequence, entry)));
    let histories: Vec<_> = histories
        .map(|(id, sequence, entry)| {
            (
                plugin_versions::plugin_id.eq(id),
                plugin_versions::sequence.eq(sequence),
                plugin_versions::version.eq(entry.version.to_string()),
                plugin_versions::change.eq(entry.change.as_str()),
                plugin_versions::installed_by.eq(&entry.installed_by),
                plugin_versions::installed_at.eq(entry.installed_at.millis()),
                plugin_versions::replaced_at.eq(entry.replaced_at.map(Timestamp::millis)),
            )
        })
        .collect();
    for chunk in histories.chunks(ROWS_PER_INSERT) {
        each!(conn, execute, diesel::insert_into(plugin_versions::table).values(chunk))?;
    }
    super::modules::insert_all(conn, new)
}

/// Everything that these users have installed, in no order.
pub fn of_users(conn: &mut Connection, users: &[UserId]) -> Result<Vec<Plugin>> {
    let ids = users.iter().map(UserId::as_str);
    let rows: Vec<Row> = plugins::table.filter(plugins::user_id.eq_any(ids)).load(conn)?;
    rows.into_iter().map(Row::plugin).collect()
}

/// Every version that these users' plugins ever had, with the plugin's id.
pub fn versions_of_users(conn: &mut Connection, users: &[UserId]) -> Result<Vec<(String, Version)>> {
    let rows: Vec<(String, String)> = plugin_versions::table
        .inner_join(plugins::table.on(plugins::id.eq(plugin_versions::plugin_id)))
        .filter(plugins::user_id.eq_any(users.iter().map(UserId::as_str)))
        .select((plugin_versions::plugin_id, plugin_versions::version))
        .load(conn)?;
    rows.into_iter().map(|(id, version)| Ok((id, stored("plugin_versions.version", &version)?))).collect()
}

/// Ids of these users' plugins that are as an import brought them.
pub fn imported_of_users(conn: &mut Connection, users: &[UserId]) -> Result<Vec<String>> {
    let rows = plugin_versions::table
        .inner_join(plugins::table.on(plugins::id.eq(plugin_versions::plugin_id)))
        .filter(plugins::user_id.eq_any(users.iter().map(UserId::as_str)))
        .filter(plugin_versions::replaced_at.is_null())
        .filter(plugin_versions::change.eq(Change::Import.as_str()))
        .select(plugin_versions::plugin_id)
        .load(conn)?;
    Ok(rows)
}

pub fn find(conn: &mut Connection, user: &UserId, slug: &Slug) -> Result<Option<Plugin>> {
    plugins::table
        .filter(plugins::user_id.eq(user.as_str()))
        .filter(plugins::plugin_slug.eq(slug.as_str()))
        .first::<Row>(conn)
        .optional()?
        .map(Row::plugin)
        .transpose()
}

/// The slugs of everything that the user has installed.
pub fn slugs(conn: &mut Connection, user: &UserId) -> Result<Vec<Slug>> {
    let slugs: Vec<String> = plugins::table.filter(plugins::user_id.eq(user.as_str())).select(plugins::plugin_slug).load(conn)?;
    slugs.iter().map(|slug| stored("plugins.plugin_slug", slug)).collect()
}

/// Owner, slug, id and version of every plugin, in no order.
pub fn identities(conn: &mut Connection) -> Result<Vec<(UserId, Slug, String, Version)>> {
    let rows: Vec<(String, String, String, String)> =
        plugins::table.select((plugins::user_id, plugins::plugin_slug, plugins::id, plugins::version)).load(conn)?;
    rows.into_iter()
        .map(|(user, slug, id, version)| {
            Ok((stored("plugins.user_id", &user)?, stored("plugins.plugin_slug", &slug)?, id, stored("plugins.version", &version)?))
        })
        .collect()
}

/// The user's plugin with this stored id.
pub fn find_by_id(conn: &mut Connection, user: &UserId, id: &str) -> Result<Option<Plugin>> {
    plugins::table.find(id).filter(plugins::user_id.eq(user.as_str())).first::<Row>(conn).optional()?.map(Row::plugin).transpose()
}

/// Whose installation the key opens.
pub fn owner_of_access_key(conn: &mut Connection, key: &AccessKey) -> Result<Option<UserId>> {
    let found: Option<String> =
        plugins::table.filter(plugins::access_key.eq(key.as_str())).select(plugins::user_id).first(conn).optional()?;
    found.map(|id| stored("plugins.user_id", &id)).transpose()
}

/// What serving needs to know of one of a user's plugins.
#[derive(Debug, Clone, PartialEq)]
pub struct ServedPlugin {
    pub id: String,
    pub slug: Slug,
    pub version: Version,
    pub enabled: bool,
    pub access_key: AccessKey,
}

/// The user's plugins as serving sees them, by slug.
pub fn list_served(conn: &mut Connection, user: &UserId) -> Result<Vec<ServedPlugin>> {
    let rows: Vec<(String, String, String, bool, String)> = plugins::table
        .filter(plugins::user_id.eq(user.as_str()))
        .order(plugins::plugin_slug)
        .select((plugins::id, plugins::plugin_slug, plugins::version, plugins::enabled, plugins::access_key))
        .load(conn)?;
    rows.into_iter()
        .map(|(id, slug, version, enabled, key)| {
            Ok(ServedPlugin {
                id,
                slug: stored("plugins.plugin_slug", &slug)?,
                version: stored("plugins.version", &version)?,
                enabled,
                access_key: stored("plugins.access_key", &key)?,
            })
        })
        .collect()
}

type InstalledColumns = (Row, Option<String>, Option<String>, Option<String>, Option<String>, Option<String>, Option<String>);

fn installed((row, manifest, visibility, entry_sha384, status, wide, latest): InstalledColumns) -> Result<Installed> {
    let release = match (manifest, visibility) {
        (Some(manifest), Some(visibility)) => Some(InstalledRelease {
            manifest: stored_json("releases.manifest", &manifest)?,
            visibility: stored("releases.visibility", &visibility)?,
            entry_sha384,
        }),
        _ => None,
    };
    let latest = latest.map(|text| stored("plugin_config.latest_version", &text)).transpose()?;
    let wide_config = wide.map_or_else(|| Ok(Map::new()), |text| stored_json("plugin_config.config", &text))?;
    Ok(Installed { plugin: row.plugin()?, release, available: status.is_none_or(|status| status == "enabled"), wide_config, latest })
}

/// The user's plugins with what their releases and the administrator say, by slug.
pub fn list_installed(conn: &mut Connection, user: &UserId) -> Result<Vec<Installed>> {
    plugins::table
        .left_join(releases::table.on(releases::slug.eq(plugins::plugin_slug).and(releases::version.eq(plugins::version))))
        .left_join(plugin_config::table.on(plugin_config::plugin_name.eq(plugins::plugin_slug)))
        .filter(plugins::user_id.eq(user.as_str()))
        .order(plugins::plugin_slug)
        .select((
            plugins::all_columns,
            releases::manifest.nullable(),
            releases::visibility.nullable(),
            releases::entry_sha384.nullable(),
            plugin_config::status.nullable(),
            plugin_config::config.nullable(),
            plugin_config::latest_version.nullable(),
        ))
        .load::<InstalledColumns>(conn)?
        .into_iter()
        .map(installed)
        .collect()
}

/// Writes the user's decision; false when it was so already.
pub fn set_enabled(conn: &mut Connection, id: &str, enabled: bool, now: Timestamp) -> Result<bool> {
    let changed = plugins::table.find(id).filter(plugins::enabled.ne(enabled));
    let common = (plugins::enabled.eq(enabled), plugins::updated_at.eq(now.millis()), plugins::revision.eq(plugins::revision + 1));
    let at = Some(now.millis());
    let count = match enabled {
        true => diesel::update(changed).set((common, plugins::enabled_at.eq(at))).execute(conn)?,
        false => diesel::update(changed).set((common, plugins::disabled_at.eq(at))).execute(conn)?,
    };
    Ok(count > 0)
}

/// Writes the user's own values, a JSON object as text.
pub fn set_config(conn: &mut Connection, id: &str, config: &str, now: Timestamp) -> Result<()> {
    diesel::update(plugins::table.find(id))
        .set((plugins::config.eq(config), plugins::updated_at.eq(now.millis()), plugins::revision.eq(plugins::revision + 1)))
        .execute(conn)?;
    Ok(())
}

/// Gives the installation another capability; the old one ends at once.
pub fn set_access_key(conn: &mut Connection, id: &str, key: &AccessKey, now: Timestamp) -> Result<()> {
    diesel::update(plugins::table.find(id))
        .set((plugins::access_key.eq(key.as_str()), plugins::updated_at.eq(now.millis()), plugins::revision.eq(plugins::revision + 1)))
        .execute(conn)?;
    Ok(())
}

/// Gives the plugin a manifest of its own.
pub fn set_manifest(conn: &mut Connection, id: &str, manifest: &Manifest, now: Timestamp) -> Result<()> {
    diesel::update(plugins::table.find(id)).set(plugins::manifest.eq(Some(json(manifest)?))).execute(conn)?;
    touch(conn, id, now)
}

/// Notes that something of the plugin changed.
pub fn touch(conn: &mut Connection, id: &str, now: Timestamp) -> Result<()> {
    diesel::update(plugins::table.find(id))
        .set((plugins::updated_at.eq(now.millis()), plugins::revision.eq(plugins::revision + 1)))
        .execute(conn)?;
    Ok(())
}

/// Users who have the plugin, in no order.
pub fn owners(conn: &mut Connection, slug: &Slug) -> Result<Vec<UserId>> {
    let ids: Vec<String> = plugins::table.filter(plugins::plugin_slug.eq(slug.as_str())).select(plugins::user_id).load(conn)?;
    ids.iter().map(|id| stored("plugins.user_id", id)).collect()
}

/// Removes the row with its history and modules.
pub fn delete(conn: &mut Connection, id: &str) -> Result<()> {
    diesel::delete(plugins::table.find(id)).execute(conn)?;
    Ok(())
}

/// Appends to the plugin's history of versions and closes the entry before.
pub fn record_version(conn: &mut Connection, id: &str, version: &Version, change: Change, actor: &str, now: Timestamp) -> Result<()> {
    diesel::update(plugin_versions::table.filter(plugin_versions::plugin_id.eq(id)).filter(plugin_versions::replaced_at.is_null()))
        .set(plugin_versions::replaced_at.eq(Some(now.millis())))
        .execute(conn)?;
    let last: Option<i64> =
        plugin_versions::table.filter(plugin_versions::plugin_id.eq(id)).select(diesel::dsl::max(plugin_versions::sequence)).first(conn)?;
    diesel::insert_into(plugin_versions::table)
        .values((
            plugin_versions::plugin_id.eq(id),
            plugin_versions::sequence.eq(last.unwrap_or(0) + 1),
            plugin_versions::version.eq(version.to_string()),
            plugin_versions::change.eq(change.as_str()),
            plugin_versions::installed_by.eq(actor),
            plugin_versions::installed_at.eq(now.millis()),
        ))
        .execute(conn)?;
    Ok(())
}

/// The plugin's history, oldest first.
pub fn history(conn: &mut Connection, id: &str) -> Result<Vec<HistoryEntry>> {
    type Columns = (String, String, String, i64, Option<i64>);
    let rows: Vec<Columns> = plugin_versions::table
        .filter(plugin_versions::plugin_id.eq(id))
        .order(plugin_versions::sequence)
        .select((
            plugin_versions::version,
            plugin_versions::change,
            plugin_versions::installed_by,
            plugin_versions::installed_at,
            plugin_versions::replaced_at,
        ))
        .load(conn)?;
    rows.into_iter()
        .map(|(version, change, installed_by, installed_at, replaced_at)| {
            Ok(HistoryEntry {
                version: stored("plugin_versions.version", &version)?,
                change: stored("plugin_versions.change", &change)?,
                installed_by,
                installed_at: Timestamp(installed_at),
                replaced_at: replaced_at.map(Timestamp),
            })
        })
        .collect()
}

/// Whether the user has this version of the plugin, or had it before.
pub fn had(conn: &mut Connection, user: &UserId, slug: &Slug, version: &Version) -> Result<bool> {
    let found = plugins::table
        .inner_join(plugin_versions::table.on(plugin_versions::plugin_id.eq(plugins::id)))
        .filter(plugins::user_id.eq(user.as_str()))
        .filter(plugins::plugin_slug.eq(slug.as_str()))
        .filter(plugin_versions::version.eq(version.to_string()))
        .select(plugins::id)
        .first::<String>(conn)
        .optional()?;
    Ok(found.is_some())
}

/// Moves the row to another version. Metadata of its own described the old one.
pub fn set_version(conn: &mut Connection, id: &str, version: &Version, now: Timestamp) -> Result<()> {
    diesel::update(plugins::table.find(id))
        .set((
            plugins::version.eq(version.to_string()),
            plugins::manifest.eq(None::<String>),
            plugins::updated_at.eq(now.millis()),
            plugins::revision.eq(plugins::revision + 1),
        ))
        .execute(conn)?;
    Ok(())
}

/// When another version took the place of this one, the last time it was installed; none while it is, or if it never was.
pub fn replaced_at(conn: &mut Connection, id: &str, version: &Version) -> Result<Option<Timestamp>> {
    let found: Option<Option<i64>> = plugin_versions::table
        .filter(plugin_versions::plugin_id.eq(id))
        .filter(plugin_versions::version.eq(version.to_string()))
        .order(plugin_versions::sequence.desc())
        .select(plugin_versions::replaced_at)
        .first(conn)
        .optional()?;
    Ok(found.flatten().map(Timestamp))
}
