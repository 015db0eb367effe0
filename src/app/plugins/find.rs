//! From what a route calls a plugin to the plugin.

use super::records;
use crate::{
    app::App,
    domain::{Slug, UserId, plugin::Plugin},
    error::{Error, Result},
    storage::plugins,
};

/// The user's plugin by slug, else by `<user id>_<slug>`, else by stored id. A user has a plugin when row and record both
/// exist; everything else is absent.
#[doc(alias = "plugin_exists_for_user")]
pub async fn find(app: &App, user: &UserId, name: &str) -> Result<Plugin> {
    let absent = || Error::NotFound("plugin".to_owned());
    let (owner, wanted) = (user.clone(), name.to_owned());
    let row = app
        .db
        .read(move |conn| {
            let own_id = wanted.strip_prefix(owner.as_str()).and_then(|rest| rest.strip_prefix('_'));
            for slug in [Some(wanted.as_str()), own_id].into_iter().flatten() {
                if let Ok(slug) = slug.parse::<Slug>()
                    && let Some(found) = plugins::find(conn, &owner, &slug)?
                {
                    return Ok(Some(found));
                }
            }
            match wanted.contains('\0') {
                true => Ok(None),
                false => plugins::find_by_id(conn, &owner, &wanted),
            }
        })
        .await?
        .ok_or_else(absent)?;
    match records::exists(app, user, &row.slug).await? {
        true => Ok(row),
        false => Err(absent()),
    }
}
