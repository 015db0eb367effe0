//! Looking at releases. Every account may, but for the variants of others: visibility steers the shared address of files,
//! nothing else.

use super::{choose, choose::may_see, choose_if_any};
use crate::{
    app::{App, page::Page},
    domain::{
        Caller, Channel, Slug, Version, VersionSpec,
        release::{CatalogueEntry, PluginConfig, Release, ReleaseFile},
    },
    error::{Error, Result},
    storage::{Connection, channels, plugin_config, releases},
};

/// What a search of the catalogue may ask for.
#[derive(Debug, Default)]
pub struct Search {
    /// Searched in slug, name, description and tags, without regard to case.
    pub q: Option<String>,
    pub category: Option<String>,
}

/// The newest release of every slug, by slug.
pub async fn catalogue(app: &App, search: Search, after: Option<Slug>, limit: usize) -> Result<Page<CatalogueEntry>> {
    let rows = app
        .db
        .read(move |conn| {
            releases::catalogue(conn, search.q.as_deref(), search.category.as_deref(), after.as_ref(), Page::<()>::rows(limit))
        })
        .await?;
    Ok(Page::new(rows, limit, |row| row.newest.slug.to_string()))
}

/// Everything about one slug.
pub struct Versions {
    pub config: PluginConfig,
    /// Highest first.
    pub releases: Vec<Release>,
    pub channels: Vec<(Channel, Version)>,
    pub latest: Option<Version>,
}

pub async fn versions(app: &App, caller: &Caller, slug: Slug) -> Result<Versions> {
    let caller = caller.clone();
    app.db
        .read(move |conn| {
            let config = plugin_config::find(conn, &slug)?.ok_or_else(|| Error::NotFound(format!("plugin {slug}")))?;
            let latest = choose_if_any(conn, &slug, &VersionSpec::Latest)?;
            let mut releases = Vec::new();
            for release in releases::list(conn, &slug)? {
                if may_see(conn, &caller, &slug, &release.version)? {
                    releases.push(release);
                }
            }
            Ok(Versions { releases, channels: channels::list(conn, &slug)?, latest, config })
        })
        .await
}

/// The release that the words stand for, also a yanked one when it is named exactly.
pub async fn release(app: &App, caller: &Caller, slug: Slug, wanted: VersionSpec) -> Result<Release> {
    let caller = caller.clone();
    app.db.read(move |conn| choose_seen(conn, &caller, &slug, &wanted)).await
}

/// The release and all its files, by path.
pub async fn release_files(app: &App, caller: &Caller, slug: Slug, wanted: VersionSpec) -> Result<(Release, Vec<ReleaseFile>)> {
    let caller = caller.clone();
    app.db
        .read(move |conn| {
            let release = choose_seen(conn, &caller, &slug, &wanted)?;
            let files = releases::files(conn, &slug, &release.version)?;
            Ok((release, files))
        })
        .await
}

fn choose_seen(conn: &mut Connection, caller: &Caller, slug: &Slug, wanted: &VersionSpec) -> Result<Release> {
    let release = choose_any(conn, slug, wanted)?;
    match may_see(conn, caller, slug, &release.version)? {
        true => Ok(release),
        false => Err(Error::NotFound(format!("release {slug} {wanted}"))),
    }
}

pub(super) fn choose_any(conn: &mut Connection, slug: &Slug, wanted: &VersionSpec) -> Result<Release> {
    let version = choose(conn, slug, wanted)?;
    releases::find(conn, slug, &version)?.ok_or_else(|| Error::NotFound(format!("release {slug} {wanted}")))
}
