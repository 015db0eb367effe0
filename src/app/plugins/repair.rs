//! Bringing one of a user's plugins back in order, as far as that can be done without its files.

use serde_json::Map;

use super::{Status, change_version::follow_manifest, records, status};
use crate::{
    app::{App, audit, now},
    domain::{
        Caller, Slug, UserId,
        record::{InstallationMetadata, InstallationType},
    },
    error::{Error, Result},
    storage::{pending_records, plugins, releases},
};

/// Writes a record that the database misses, removes one that nothing belongs to, and adds modules' rows that the manifest
/// asks for. The answer says how the plugin is then: missing files only publishing the same content again brings back.
pub async fn repair(app: &App, caller: &Caller, user: &UserId, name: &str) -> Result<Status> {
    let absent = || Error::NotFound("plugin".to_owned());
    let slug = slug_of(app, user, name).await?;
    let wanted = slug.clone().ok_or_else(absent)?;
    let recorded = records::of(app, user).await?.contains_key(wanted.as_str());
    records::require_writable(app, user).await?;
    let now = now();
    let metadata = InstallationMetadata::new(InstallationType::Rebuilt, None, caller.actor(), now, Map::new())?;
    let (caller, owner) = (caller.clone(), user.clone());
    app.db
        .write(move |conn| {
            let row = plugins::find(conn, &owner, &wanted)?;
            let repaired = match &row {
                None if !recorded => return Err(Error::NotFound("plugin".to_owned())),
                None => {
                    pending_records::put(conn, &owner, &wanted, None)?;
                    true
                }
                Some(plugin) => {
                    let release = releases::find(conn, &wanted, &plugin.version)?.map(|release| release.manifest);
                    let manifest = plugin.manifest.clone().or(release);
                    let followed = manifest.map_or(Ok(false), |manifest| follow_manifest(conn, &plugin.id, &manifest, now))?;
                    if !recorded {
                        pending_records::put(conn, &owner, &wanted, Some(&metadata))?;
                    }
                    if followed {
                        plugins::touch(conn, &plugin.id, now)?;
                    }
                    followed || !recorded
                }
            };
            if repaired {
                audit::record(conn, &caller, "plugin.repair", format!("{owner}_{wanted}"), now)?;
            }
            Ok(())
        })
        .await?;
    records::settle(app, user).await;
    status(app, user, slug.ok_or_else(absent)?.as_str()).await
}

/// The slug that the name stands for, record or not.
async fn slug_of(app: &App, user: &UserId, name: &str) -> Result<Option<Slug>> {
    let own_id = name.strip_prefix(user.as_str()).and_then(|rest| rest.strip_prefix('_'));
    let (owner, id) = (user.clone(), name.to_owned());
    // PostgreSQL refuses NUL in text.
    let by_id = if name.contains('\0') { None } else { app.db.read(move |conn| plugins::find_by_id(conn, &owner, &id)).await? };
    Ok(by_id.map(|plugin| plugin.slug).or_else(|| own_id.unwrap_or(name).parse().ok()))
}
