//! Installing a published release for a user.

use serde_json::{Map, Value};

use super::{needs, records};
use crate::{
    app::{App, audit, new_access_key, now, releases, state::PluginChange},
    domain::{
        Caller, Manifest, Slug, Timestamp, UserId, VersionSpec,
        config::effective,
        ids::plugin_id,
        manifest::Module,
        plugin::{Change, ModuleRow, Plugin},
        record::{InstallationMetadata, InstallationType},
        schema,
    },
    error::{Error, Result},
    storage::{Connection, modules, pending_records, plugin_config, plugins},
};

/// What an installer may say beside the slug.
#[derive(Debug, Default)]
pub struct InstallRequest {
    /// `latest` when absent.
    pub version: Option<VersionSpec>,
    /// The user's own values.
    pub config: Map<String, Value>,
    /// On unless the installer says otherwise.
    pub enabled: Option<bool>,
    pub source_url: Option<String>,
    pub installation_type: Option<InstallationType>,
    /// What else the installer wants to remember.
    pub extra: Map<String, Value>,
}

#[derive(Debug, Clone)]
pub struct InstalledPlugin {
    pub plugin: Plugin,
    pub modules: Vec<String>,
}

/// Row, modules, history and the record to be written come into being in one transaction.
#[doc(alias = "register_user_plugin")]
pub async fn install(app: &App, caller: &Caller, user: &UserId, slug: &Slug, request: InstallRequest) -> Result<InstalledPlugin> {
    let now = now();
    let metadata = InstallationMetadata::new(
        request.installation_type.unwrap_or(InstallationType::Production),
        request.source_url.as_deref(),
        caller.actor(),
        now,
        request.extra,
    )
    .map_err(|refusal| refusal.below("installation_metadata"))?;
    let config = serde_json::to_string(&request.config).map_err(|e| Error::storage("cannot write the config", e))?;
    let access_key = new_access_key()?;
    let version = request.version.unwrap_or(VersionSpec::Latest);
    let enabled = request.enabled.unwrap_or(true);
    let own = request.config;
    // What a crash left of an earlier removal must not meet the new record.
    records::require_writable(app, user).await?;

    let (caller, user, slug) = (caller.clone(), user.clone(), slug.clone());
    let host = app.settings.host_version.clone();
    let owner = user.clone();
    let installed = app
        .db
        .write(move |conn| {
            plugin_config::hold(conn, &slug)?;
            let release = releases::choose_for_install(conn, &caller, &slug, &version)?;
            needs::check(conn, &user, &release.manifest, host.as_ref())?;
            check_config(conn, &release.manifest, &own).map_err(|refusal| refusal.below("config"))?;
            let plugin = Plugin {
                id: plugin_id(&user, &slug),
                user: user.clone(),
                slug: slug.clone(),
                version: release.version,
                enabled,
                config: config.clone(),
                manifest: None,
                access_key: access_key.clone(),
                created_at: now,
                updated_at: now,
                enabled_at: enabled.then_some(now),
                disabled_at: (!enabled).then_some(now),
                revision: plugins::FIRST_REVISION,
            };
            let modules = insert(conn, &caller, &plugin, &release.manifest.modules, &metadata, now)?;
            Ok(InstalledPlugin { plugin, modules })
        })
        .await;
    metrics::counter!("plugyard_installs_total", "outcome" => if installed.is_ok() { "done" } else { "refused" }).increment(1);
    let installed = installed?;
    records::settle(app, &owner).await;
    let change = PluginChange::Installed(&installed.plugin.version, installed.plugin.enabled);
    app.state.tell(&owner, &installed.plugin.slug, change);
    Ok(installed)
}

/// Everything that an installed plugin consists of, in the caller's transaction. The answer is the modules' ids.
pub(super) fn insert(
    conn: &mut Connection,
    caller: &Caller,
    plugin: &Plugin,
    declared: &[Module],
    metadata: &InstallationMetadata,
    now: Timestamp,
) -> Result<Vec<String>> {
    plugins::insert(conn, plugin)?;
    plugins::record_version(conn, &plugin.id, &plugin.version, Change::Install, &caller.actor(), now)?;
    for module in declared {
        let row = ModuleRow { id: module.id.clone(), enabled: module.enabled, config: "{}".to_owned(), present: true };
        modules::insert(conn, &plugin.id, &row, now)?;
    }
    pending_records::put(conn, &plugin.user, &plugin.slug, Some(metadata))?;
    audit::record(conn, caller, "plugin.install", format!("{} {}", plugin.id, plugin.version), now)?;
    Ok(declared.iter().map(|module| module.id.clone()).collect())
}

/// Values that come with the installation must fit; without any, required ones may follow later.
fn check_config(conn: &mut Connection, manifest: &Manifest, own: &Map<String, Value>) -> Result<()> {
    if own.is_empty() {
        return Ok(());
    }
    let wide = plugin_config::values(conn, &manifest.slug)?;
    let values = effective(manifest.config_schema.as_ref(), &manifest.config_fields, &wide, own).values;
    schema::check(manifest.config_schema.as_ref(), &Value::Object(values))
}
