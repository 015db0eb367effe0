//! The administrator's switch for everybody.

use crate::{
    app::{App, audit, now},
    domain::{Caller, Slug},
    error::{Error, Result},
    storage::plugin_config,
};

/// Switches a slug on or off for everybody; what users decided and configured stays.
pub async fn set_available(app: &App, caller: &Caller, slug: &Slug, available: bool) -> Result<()> {
    caller.require_admin()?;
    let (caller, slug, now) = (caller.clone(), slug.clone(), now());
    app.db
        .write(move |conn| {
            plugin_config::find(conn, &slug)?.ok_or_else(|| Error::NotFound(format!("plugin {slug}")))?;
            if plugin_config::set_available(conn, &slug, available, now)? {
                let action = if available { "release.available" } else { "release.unavailable" };
                audit::record(conn, &caller, action, slug.as_str(), now)?;
            }
            Ok(())
        })
        .await
}
