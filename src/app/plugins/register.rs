//! A plugin that a frontend describes by itself, for a user.

use serde_json::{Map, Value};

use super::{
    install::{self, InstallRequest},
    needs, records,
};
use crate::{
    app::{App, new_access_key, now},
    domain::{
        Caller, Manifest, Slug, Timestamp, UserId, VersionSpec,
        manifest::read_description,
        plugin::Plugin,
        record::{InstallationMetadata, InstallationType},
    },
    error::{Error, Result},
    storage::{plugin_config, plugins, releases},
};

/// Installs what is published under the slug and the version described; else keeps the description as a plugin without
/// files of its own.
pub async fn register(app: &App, caller: &Caller, user: &UserId, slug: &Slug, described: &Map<String, Value>) -> Result<Plugin> {
    let manifest = read_description(described, slug)?;
    let (wanted, version) = (slug.clone(), manifest.version.clone());
    if app.db.read(move |conn| releases::find(conn, &wanted, &version)).await?.is_some() {
        let request = InstallRequest { version: Some(VersionSpec::Exact(manifest.version)), ..InstallRequest::default() };
        return Ok(install::install(app, caller, user, slug, request).await?.plugin);
    }
    let now = now();
    let metadata = InstallationMetadata::new(InstallationType::Local, None, caller.actor(), now, Map::new())?;
    records::require_writable(app, user).await?;
    let plugin = without_files(user, manifest, now)?;
    let (caller, host, owner) = (caller.clone(), app.settings.host_version.clone(), user.clone());
    let kept = app
        .db
        .write(move |conn| {
            if !plugin_config::is_available(conn, &plugin.slug)? && !caller.is_admin() {
                return Err(Error::Unavailable(plugin.slug.to_string()));
            }
            let manifest = plugin.manifest.as_ref().ok_or_else(|| Error::damaged("a registered plugin lost its description"))?;
            needs::check(conn, &plugin.user, manifest, host.as_ref())?;
            install::insert(conn, &caller, &plugin, &manifest.modules, &metadata, now)?;
            Ok(plugin.clone())
        })
        .await?;
    records::settle(app, &owner).await;
    Ok(kept)
}

fn without_files(user: &UserId, manifest: Manifest, now: Timestamp) -> Result<Plugin> {
    Ok(Plugin {
        id: crate::domain::ids::plugin_id(user, &manifest.slug),
        user: user.clone(),
        slug: manifest.slug.clone(),
        version: manifest.version.clone(),
        enabled: true,
        config: "{}".to_owned(),
        manifest: Some(manifest),
        access_key: new_access_key()?,
        created_at: now,
        updated_at: now,
        enabled_at: Some(now),
        disabled_at: None,
        revision: plugins::FIRST_REVISION,
    })
}
