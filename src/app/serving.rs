//! From an address of a file to the file: who may have it is decided here, for all three kinds of address.

use super::{App, now, plugins};
use crate::{
    domain::{AccessKey, Caller, ReleasePath, Slug, Version, VersionSpec, manifest::Visibility, plugin::Plugin, release::ReleaseFile},
    error::{Error, Result},
    offload,
    storage::{self, Connection, plugin_config, releases},
};

/// A file that the caller may have.
#[derive(Debug)]
pub struct Served {
    pub slug: Slug,
    pub version: Version,
    pub file: ReleaseFile,
    /// On the disk; held open, so that the bytes stay what they were found to be.
    pub open: std::fs::File,
    pub modified: std::time::SystemTime,
}

fn absent() -> Error {
    Error::NotFound("file".to_owned())
}

/// A file of one of the caller's own plugins, at its installed version.
#[doc(alias = "get_user_plugin_path")]
pub async fn own(app: &App, caller: &Caller, plugin: &str, path: ReleasePath) -> Result<Served> {
    let plugin = plugins::find(app, &caller.user, plugin).await?;
    let version = plugin.version.clone();
    serve_plugin(app, plugin, version, path).await
}

/// A file by the capability of an installation. With a version: the installed one, or a former one for the grace period,
/// so that open pages keep loading their chunks. Without: the installed one.
pub async fn by_key(app: &App, key: &AccessKey, version: Option<Version>, path: ReleasePath) -> Result<Served> {
    let wanted = key.clone();
    let plugin = app.db.read(move |conn| storage::plugins::find_by_access_key(conn, &wanted)).await?.ok_or_else(absent)?;
    if !plugins::records::exists(app, &plugin.user, &plugin.slug).await? {
        return Err(absent());
    }
    let version = match version {
        None => plugin.version.clone(),
        Some(version) if version == plugin.version => version,
        Some(version) => former(app, &plugin, version).await?,
    };
    serve_plugin(app, plugin, version, path).await
}

async fn former(app: &App, plugin: &Plugin, version: Version) -> Result<Version> {
    let (id, wanted) = (plugin.id.clone(), version.clone());
    let replaced = app.db.read(move |conn| storage::plugins::replaced_at(conn, &id, &wanted)).await?.ok_or_else(absent)?;
    match now() < replaced.plus(app.settings.grace_period) {
        true => Ok(version),
        false => Err(Error::Gone("this version was replaced; reload the page".to_owned())),
    }
}

async fn serve_plugin(app: &App, plugin: Plugin, version: Version, path: ReleasePath) -> Result<Served> {
    if !plugin.enabled {
        return Err(absent());
    }
    let slug = plugin.slug;
    let (wanted, exact, at) = (slug.clone(), version.clone(), path);
    let file = app
        .db
        .read(move |conn| match plugin_config::is_available(conn, &wanted)? {
            true => releases::find_file(conn, &wanted, &exact, &at),
            false => Ok(None),
        })
        .await?
        .ok_or_else(absent)?;
    open(app, slug, version, file).await
}

/// A file of a public release, the same for all users.
pub async fn public(app: &App, slug: Slug, version: Version, path: ReleasePath) -> Result<Served> {
    let (wanted, exact) = (slug.clone(), version.clone());
    let file = app
        .db
        .read(move |conn| match is_public(conn, &wanted, &exact)? {
            true => releases::find_file(conn, &wanted, &exact, &path),
            false => Ok(None),
        })
        .await?
        .ok_or_else(absent)?;
    open(app, slug, version, file).await
}

/// The exact version behind a range or channel, for public releases only: others do not show that they exist.
pub async fn public_version(app: &App, slug: Slug, wanted: VersionSpec) -> Result<Version> {
    app.db
        .read(move |conn| {
            let version = super::releases::choose_if_any(conn, &slug, &wanted)?.ok_or_else(absent)?;
            if is_public(conn, &slug, &version)? { Ok(version) } else { Err(absent()) }
        })
        .await
}

fn is_public(conn: &mut Connection, slug: &Slug, version: &Version) -> Result<bool> {
    let visible = releases::find(conn, slug, version)?.is_some_and(|release| release.visibility == Visibility::Public);
    Ok(visible && plugin_config::is_available(conn, slug)?)
}

/// Opens what the table promises. A file that is missing or has another size is damage, and not served.
async fn open(app: &App, slug: Slug, version: Version, file: ReleaseFile) -> Result<Served> {
    let folder = app.folder.clone();
    offload::run(move || {
        let damaged =
            || Error::damaged(format!("{slug} {version}: {} is missing or changed on disk; `plugyard doctor` tells more", file.path));
        let open = folder.open_file(&slug, &version, &file.path)?.ok_or_else(damaged)?;
        let metadata = open.metadata().map_err(|e| Error::storage("a file cannot be examined", e))?;
        if metadata.len() != file.size {
            return Err(damaged());
        }
        let modified = metadata.modified().map_err(|e| Error::storage("a file cannot be examined", e))?;
        Ok(Served { slug, version, file, open, modified })
    })
    .await
}
