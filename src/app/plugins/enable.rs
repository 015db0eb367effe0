//! The user's decision whether a plugin or module is on. Config is never touched.

use super::{find, needs};
use crate::{
    app::{App, audit, now, state::PluginChange},
    domain::{Caller, UserId, plugin::Plugin},
    error::{Error, Result},
    storage::{modules, plugins},
};

/// Switches the plugin; switching twice is fine and changes nothing. Enabling checks what the plugin needs; disabling one
/// that others need is refused, or with `cascade` disables those too.
pub async fn set_enabled(app: &App, caller: &Caller, user: &UserId, name: &str, enabled: bool, cascade: bool) -> Result<Plugin> {
    let plugin = find(app, user, name).await?;
    let (caller, user, host, now) = (caller.clone(), user.clone(), app.settings.host_version.clone(), now());
    let (owner, switched) = (user.clone(), plugin.clone());
    let changed = app
        .db
        .write(move |conn| {
            let mut changed = Vec::new();
            if plugins::find_by_id(conn, &user, &plugin.id)?.is_some_and(|row| row.enabled == enabled) {
                return Ok(changed);
            }
            let others = if enabled {
                needs::check_installed(conn, &plugin, host.as_ref())?;
                Vec::new()
            } else {
                needs::dependents_or_refuse(conn, &user, &plugin.slug, cascade)?
            };
            for slug in others.iter().chain([&plugin.slug]) {
                if let Some(row) = plugins::find(conn, &user, slug)?
                    && plugins::set_enabled(conn, &row.id, enabled, now)?
                {
                    audit::record(conn, &caller, action(enabled), row.id, now)?;
                    changed.push(slug.clone());
                }
            }
            Ok(changed)
        })
        .await?;
    let change = if enabled { PluginChange::Enabled } else { PluginChange::Disabled };
    changed.iter().for_each(|slug| app.state.tell(&owner, slug, change));
    Ok(switched)
}

pub async fn set_module_enabled(app: &App, caller: &Caller, user: &UserId, name: &str, module: &str, enabled: bool) -> Result<()> {
    let plugin = find(app, user, name).await?;
    let (caller, module, now) = (caller.clone(), module.to_owned(), now());
    app.db
        .write(move |conn| {
            if modules::list(conn, &plugin.id)?.iter().all(|row| row.id != module || !row.present) {
                return Err(Error::NotFound("module".to_owned()));
            }
            if modules::set_enabled(conn, &plugin.id, &module, enabled, now)? {
                plugins::touch(conn, &plugin.id, now)?;
                audit::record(conn, &caller, action(enabled), format!("{}/{module}", plugin.id), now)?;
            }
            Ok(())
        })
        .await
}

fn action(enabled: bool) -> &'static str {
    if enabled { "plugin.enable" } else { "plugin.disable" }
}
