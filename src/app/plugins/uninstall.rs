//! Taking a plugin from a user. Releases stay: they are everybody's.

use std::sync::Arc;

use super::{find, needs, records};
use crate::{
    app::{
        App, audit, now,
        state::{self, Access, PluginChange},
    },
    domain::{Caller, Slug, UserId},
    error::{Error, Result},
    storage::{modules, pending_records, plugins},
};

#[derive(Debug)]
pub struct Uninstalled {
    pub slug: Slug,
    pub id: String,
    pub modules: usize,
}

/// Removes the plugin; with `purge_state` also everything that is kept of its state. One that others need is refused, or with `cascade` goes together with those.
#[doc(alias = "unregister_user_plugin")]
pub async fn uninstall(
    app: &Arc<App>,
    caller: &Caller,
    user: &UserId,
    name: &str,
    cascade: bool,
    purge_state: bool,
) -> Result<Uninstalled> {
    let plugin = find(app, user, name).await?;
    records::require_writable(app, user).await?;
    let (caller, user, now) = (caller.clone(), user.clone(), now());
    let owner = user.clone();
    let (shared, access) = (Arc::clone(app), Access::of_plugin(&caller, user.clone()));
    let removed = app
        .db
        .write(move |conn| {
            // Somebody may have been faster.
            if plugins::find_by_id(conn, &user, &plugin.id)?.is_none() {
                return Err(Error::NotFound("plugin".to_owned()));
            }
            let modules = modules::list(conn, &plugin.id)?.len();
            let others = needs::dependents_or_refuse(conn, &user, &plugin.slug, cascade)?;
            for slug in others.iter().chain([&plugin.slug]) {
                if let Some(row) = plugins::find(conn, &user, slug)? {
                    plugins::delete(conn, &row.id)?;
                    pending_records::put(conn, &user, slug, None)?;
                    if purge_state {
                        state::purge_in(&shared, conn, &access, slug)?;
                    }
                    audit::record(conn, &caller, "plugin.uninstall", format!("{} {}", row.id, row.version), now)?;
                }
            }
            Ok((Uninstalled { slug: plugin.slug.clone(), id: plugin.id.clone(), modules }, others))
        })
        .await?;
    let (removed, others) = removed;
    records::settle(app, &owner).await;
    others.iter().chain([&removed.slug]).for_each(|slug| app.state.tell(&owner, slug, PluginChange::Uninstalled));
    app.state.wake(&owner);
    Ok(removed)
}
