//! The user's decision whether a plugin or module is on. Config is never touched.

use super::find;
use crate::{
    app::{App, audit, now},
    domain::{Caller, UserId, plugin::Plugin},
    error::{Error, Result},
    storage::{modules, plugins},
};

/// Switches the plugin; switching twice is fine and changes nothing.
pub async fn set_enabled(app: &App, caller: &Caller, user: &UserId, name: &str, enabled: bool) -> Result<Plugin> {
    let plugin = find(app, user, name).await?;
    let (caller, now) = (caller.clone(), now());
    app.db
        .write(move |conn| {
            if plugins::set_enabled(conn, &plugin.id, enabled, now)? {
                audit::record(conn, &caller, action(enabled), &*plugin.id, now)?;
            }
            Ok(plugin.clone())
        })
        .await
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
