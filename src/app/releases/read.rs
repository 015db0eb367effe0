//! Looking at releases. Every account may: visibility steers the shared address of files, nothing else.

use super::{choose, choose_if_any};
use crate::{
    app::{App, page::Page},
    domain::{
        Channel, Slug, Version, VersionSpec,
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

pub async fn versions(app: &App, slug: Slug) -> Result<Versions> {
    app.db
        .read(move |conn| {
            let config = plugin_config::find(conn, &slug)?.ok_or_else(|| Error::NotFound(format!("plugin {slug}")))?;
            let latest = choose_if_any(conn, &slug, &VersionSpec::Latest)?;
            Ok(Versions { releases: releases::list(conn, &slug)?, channels: channels::list(conn, &slug)?, latest, config })
        })
        .await
}

/// The release that the words stand for, also a yanked one when it is named exactly.
pub async fn release(app: &App, slug: Slug, wanted: VersionSpec) -> Result<Release> {
    app.db.read(move |conn| choose_any(conn, &slug, &wanted)).await
}

/// The release and all its files, by path.
pub async fn release_files(app: &App, slug: Slug, wanted: VersionSpec) -> Result<(Release, Vec<ReleaseFile>)> {
    app.db
        .read(move |conn| {
            let release = choose_any(conn, &slug, &wanted)?;
            let files = releases::files(conn, &slug, &release.version)?;
            Ok((release, files))
        })
        .await
}

pub(super) fn choose_any(conn: &mut Connection, slug: &Slug, wanted: &VersionSpec) -> Result<Release> {
    let version = choose(conn, slug, wanted)?;
    releases::find(conn, slug, &version)?.ok_or_else(|| Error::NotFound(format!("release {slug} {wanted}")))
}
