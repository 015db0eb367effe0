//! Release folders that lie in place already, without a row: what an older server left, or a copy of a plugins folder.

use super::{describe::describe, note_latest};
use crate::{
    app::{App, audit, now},
    domain::{
        Caller, ReleasePath, Slug, Version,
        manifest::{MAX_MANIFEST, Overrides},
        release::{Release, ReleaseFile},
    },
    error::{Error, Result},
    files::PluginsFolder,
    storage::{plugin_config, releases},
};

/// A release folder that was read whole and could be published as it lies there.
#[derive(Debug, Clone)]
pub struct Adoptable {
    pub release: Release,
    files: Vec<ReleaseFile>,
}

/// Reads every file of the folder `shared/<slug>/v<version>` and its manifest, whose own slug and version do not count.
/// Blocks.
///
/// # Errors
/// What keeps it from being a release: links, names that no release can hold, no usable manifest.
pub fn adoptable(folder: &PluginsFolder, slug: &Slug, version: &Version) -> Result<Adoptable> {
    let found = folder.read_release(slug, version)?;
    let read = |path: &ReleasePath| folder.read_file(slug, version, path, MAX_MANIFEST as u64);
    let overrides = Overrides { slug: Some(slug.clone()), version: Some(version.clone()), visibility: None, prevail: true };
    let (release, files, _) = describe(&found.files, None, &found.digest, &read, &overrides)?;
    Ok(Adoptable { release, files })
}

/// Publishes the folder in place.
pub async fn adopt(app: &App, caller: &Caller, found: Adoptable) -> Result<()> {
    caller.require_admin()?;
    let Adoptable { mut release, files } = found;
    let (caller, now, available) = (caller.clone(), now(), app.settings.new_plugins_enabled);
    release.published_by = caller.actor();
    release.published_at = now;
    app.db
        .write(move |conn| {
            let Release { slug, version, .. } = &release;
            plugin_config::claim(conn, slug, available, None, now)?;
            if releases::find(conn, slug, version)?.is_some() {
                return Err(Error::AlreadyExists(format!("{slug} {version} is already published")));
            }
            releases::insert(conn, &release)?;
            releases::insert_files(conn, slug, version, &files)?;
            note_latest(conn, slug)?;
            audit::record(conn, &caller, "release.adopt", format!("{slug} {version}"), now)
        })
        .await
}
