//! The capability that a plugin's bundle addresses hold.

use super::find;
use crate::{
    app::{App, audit, new_access_key, now},
    domain::{Caller, UserId, plugin::Plugin},
    error::{Error, Result},
    storage::plugins,
};

/// Gives the installation a new key; addresses with the old one are absent from then on.
pub async fn renew_access_key(app: &App, caller: &Caller, user: &UserId, name: &str) -> Result<Plugin> {
    let id = find(app, user, name).await?.id;
    let (key, now) = (new_access_key()?, now());
    let (caller, user) = (caller.clone(), user.clone());
    app.db
        .write(move |conn| {
            plugins::set_access_key(conn, &id, &key, now)?;
            audit::record(conn, &caller, "plugin.access_key", &id, now)?;
            plugins::find_by_id(conn, &user, &id)?.ok_or_else(|| Error::NotFound("plugin".to_owned()))
        })
        .await
}
