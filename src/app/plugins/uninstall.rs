//! Taking a plugin from a user. Releases stay: they are everybody's.

use super::{find, records};
use crate::{
    app::{App, audit, now},
    domain::{Caller, Slug, UserId},
    error::{Error, Result},
    storage::{modules, pending_records, plugins},
};

pub struct Uninstalled {
    pub slug: Slug,
    pub id: String,
    pub modules: usize,
}

pub async fn uninstall(app: &App, caller: &Caller, user: &UserId, name: &str) -> Result<Uninstalled> {
    let plugin = find(app, user, name).await?;
    let (caller, user, now) = (caller.clone(), user.clone(), now());
    let owner = user.clone();
    let removed = app
        .db
        .write(move |conn| {
            // Somebody may have been faster.
            if plugins::find_by_id(conn, &user, &plugin.id)?.is_none() {
                return Err(Error::NotFound("plugin".to_owned()));
            }
            let modules = modules::list(conn, &plugin.id)?.len();
            plugins::delete(conn, &plugin.id)?;
            pending_records::put(conn, &user, &plugin.slug, None)?;
            audit::record(conn, &caller, "plugin.uninstall", format!("{} {}", plugin.id, plugin.version), now)?;
            Ok(Uninstalled { slug: plugin.slug.clone(), id: plugin.id.clone(), modules })
        })
        .await?;
    records::settle(app, &owner).await;
    Ok(removed)
}
