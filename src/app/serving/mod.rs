//! From an address of a file to the file: who may have it is decided here, for all three kinds of address. Everything on
//! the way is in memory once it was asked for.

mod installations;
mod release_files;

use std::sync::Arc;

pub use installations::{Installation, InstallationCache};
pub use release_files::{ReleaseFiles, ReleaseFilesCache, ServedFile};

use super::{App, contents, now};
use crate::{
    domain::{AccessKey, Caller, ReleasePath, Slug, UserId, Version, VersionSpec},
    error::{Error, Result},
    storage::{changes::Trust, plugins},
};

/// A file that the caller may have.
#[derive(Debug, Clone)]
pub struct Served {
    pub release: Arc<ReleaseFiles>,
    pub file: Arc<ServedFile>,
}

impl Served {
    /// Names the file among all releases' files.
    pub fn place(&self) -> String {
        format!("{} {} {}", self.release.slug, self.release.version, self.file.file.path)
    }
}

fn absent() -> Error {
    Error::NotFound("file".to_owned())
}

/// A file of one of the caller's own plugins, at its installed version. By slug, else by `<user id>_<slug>`, else by
/// stored id.
#[doc(alias = "get_user_plugin_path")]
pub async fn own(app: &App, caller: &Caller, plugin: &str, path: &ReleasePath) -> Result<Served> {
    let all = installations::of(app, &caller.user).await?;
    let plugin = all.by_name(&caller.user, plugin).ok_or_else(|| Error::NotFound("plugin".to_owned()))?;
    of_plugin(app, plugin, &plugin.release.version, path).await
}

/// A file by the capability of an installation. With a version: the installed one, or a former one for the grace period,
/// so that open pages keep loading their chunks. Without: the installed one.
pub async fn by_key(app: &App, key: &AccessKey, version: Option<Version>, path: &ReleasePath) -> Result<Served> {
    let (user, all) = installations::by_key(app, key).await?.ok_or_else(absent)?;
    let plugin = all.by_key(key).ok_or_else(absent)?;
    match version {
        Some(version) if version != plugin.release.version => {
            require_grace(app, &user, plugin, &version).await?;
            of_plugin(app, plugin, &version, path).await
        }
        _ => of_plugin(app, plugin, &plugin.release.version, path).await,
    }
}

/// Refuses a version that the user never had, or had too long ago.
async fn require_grace(app: &App, user: &UserId, plugin: &Installation, version: &Version) -> Result<()> {
    let (id, wanted) = (plugin.id(user), version.clone());
    let replaced = app.db.read(move |conn| plugins::replaced_at(conn, &id, &wanted)).await?.ok_or_else(absent)?;
    match now() < replaced.plus(app.settings.grace_period) {
        true => Ok(()),
        false => Err(Error::Gone("this version was replaced; reload the page".to_owned())),
    }
}

async fn of_plugin(app: &App, plugin: &Installation, version: &Version, path: &ReleasePath) -> Result<Served> {
    if !plugin.enabled {
        return Err(absent());
    }
    let release = release_files::of(app, &plugin.release.slug, version).await?.filter(|release| release.available).ok_or_else(absent)?;
    file_of(release, path.as_str())
}

/// A file of a public release, the same for all users.
pub async fn public(app: &App, slug: &Slug, version: &Version, path: &ReleasePath) -> Result<Served> {
    let release = release_files::of(app, slug, version).await?.filter(|release| release.is_public()).ok_or_else(absent)?;
    file_of(release, path.as_str())
}

fn file_of(release: Arc<ReleaseFiles>, path: &str) -> Result<Served> {
    let file = release.file(path).map(Arc::clone).ok_or_else(absent)?;
    Ok(Served { release, file })
}

/// The exact version behind a range or channel, for public releases only: others do not show that they exist.
pub async fn public_version(app: &App, slug: Slug, wanted: VersionSpec) -> Result<Version> {
    let of = slug.clone();
    let version = app.db.read(move |conn| super::releases::choose_if_any(conn, &of, &wanted)).await?.ok_or_else(absent)?;
    release_files::of(app, &slug, &version).await?.filter(|release| release.is_public()).map(|_| version).ok_or_else(absent)
}

/// Has the compressed copies of a new release made.
pub async fn encode_all(app: &App, slug: &Slug, version: &Version) -> Result<()> {
    let Some(release) = release_files::of(app, slug, version).await? else { return Ok(()) };
    let mut files: Vec<_> = release.files().collect();
    files.sort_by(|a, b| a.file.path.cmp(&b.file.path));
    for file in files {
        contents::encode(app, &Served { release: Arc::clone(&release), file: Arc::clone(file) });
    }
    Ok(())
}

/// What memory alone can tell: the same decisions as above, and none where anything has to be looked up. `plugin` is a
/// slug, `path` is neither encoded nor checked: what a release holds is in order.
pub fn kept_own(app: &App, trust: Trust<'_>, user: &UserId, plugin: &str, path: &str) -> Option<Served> {
    let all = app.installations.kept_of(trust, user)?;
    kept_of_plugin(app, trust, all.by_slug(plugin)?, path)
}

/// As [`kept_own`], by access key. `version` as the address writes it.
pub fn kept_by_key(app: &App, trust: Trust<'_>, key: &AccessKey, version: Option<&str>, path: &str) -> Option<Served> {
    let user = app.installations.hinted_owner(key)?;
    let all = app.installations.kept_of(trust, &user)?;
    let plugin = all.by_key(key)?;
    let is_installed = |wanted: &str| plugin.release.place.rsplit_once("/v").is_some_and(|(_, installed)| installed == wanted);
    if version.is_some_and(|wanted| !is_installed(wanted)) {
        return None;
    }
    kept_of_plugin(app, trust, plugin, path).filter(|served| served.file.is_public_type)
}

fn kept_of_plugin(app: &App, trust: Trust<'_>, plugin: &Installation, path: &str) -> Option<Served> {
    if !plugin.enabled {
        return None;
    }
    let release = app.release_files.kept_at(trust, &plugin.release.place).filter(|release| release.available)?;
    file_of(release, path).ok()
}

/// As [`kept_own`], of a public release. `place` is `<slug>/v<version>` as the address writes it.
pub fn kept_public(app: &App, trust: Trust<'_>, place: &str, path: &str) -> Option<Served> {
    let release = app.release_files.kept_at(trust, place).filter(|release| release.is_public())?;
    file_of(release, path).ok()
}
