//! Clean-up: the files of releases that nobody needs any more. The row stays, so that a version can only come back with
//! the same content.

use super::note_latest;
use crate::{
    app::{App, audit, now},
    domain::{Caller, Slug, Timestamp, Version},
    error::Result,
    offload,
    storage::{Connection, plugin_config, releases},
};

/// A release whose files go, or would go.
#[derive(Debug, Clone, PartialEq)]
pub struct Collected {
    pub slug: Slug,
    pub version: Version,
    /// Bytes of all files.
    pub size: u64,
}

/// What the next [`collect`] would remove: releases older than the retention that no installation, channel or grace
/// period needs and that are not the newest of their slug, and files that an interrupted clean-up left.
pub async fn collectable(app: &App) -> Result<Vec<Collected>> {
    let cutoffs = Cutoffs::new(app);
    let (unneeded, removed) =
        app.db.read(move |conn| Ok((releases::unneeded(conn, cutoffs.published, cutoffs.replaced)?, releases::removed(conn)?))).await?;
    let folder = app.folder.clone();
    let mut all: Vec<Collected> = unneeded.into_iter().map(|(slug, version, size)| Collected { slug, version, size }).collect();
    let left = offload::run(move || {
        let mut left = Vec::new();
        for (slug, version, size) in removed {
            if folder.release_exists(&slug, &version)? {
                left.push(Collected { slug, version, size });
            }
        }
        Ok(left)
    })
    .await?;
    all.extend(left);
    Ok(all)
}

/// Removes what [`collectable`] names, except what somebody came to need meanwhile.
pub async fn collect(app: &App, caller: &Caller) -> Result<Vec<Collected>> {
    caller.require_admin()?;
    let mut done = Vec::new();
    for one in collectable(app).await? {
        if mark(app, caller, &one).await? && remove(app, &one).await? {
            done.push(one);
        }
    }
    Ok(done)
}

/// Notes that the files are gone, unless somebody needs them now. From this commit on nobody can install the release.
async fn mark(app: &App, caller: &Caller, one: &Collected) -> Result<bool> {
    let (caller, Collected { slug, version, .. }, now, cutoffs) = (caller.clone(), one.clone(), now(), Cutoffs::new(app));
    app.db
        .write(move |conn| {
            plugin_config::lock(conn, &slug)?;
            if is_marked(conn, &slug, &version)? {
                return Ok(true);
            }
            if !releases::is_unneeded(conn, &slug, &version, cutoffs.published, cutoffs.replaced)? {
                return Ok(false);
            }
            releases::set_files_removed(conn, &slug, &version, Some(now))?;
            note_latest(conn, &slug)?;
            audit::record(conn, &caller, "release.gc", format!("{slug} {version}"), now)?;
            Ok(true)
        })
        .await
}

/// Takes the folder away, if it is still there, while nobody can publish the version again; what it held is deleted
/// afterwards. False when the release has come back meanwhile.
async fn remove(app: &App, one: &Collected) -> Result<bool> {
    let (Collected { slug, version, .. }, folder) = (one.clone(), app.folder.clone());
    let retired = app
        .db
        .write(move |conn| {
            plugin_config::lock(conn, &slug)?;
            // The same content may have been published again between the two steps.
            if is_marked(conn, &slug, &version)? { folder.retire_release(&slug, &version).map(Some) } else { Ok(None) }
        })
        .await?;
    match retired {
        Some(Some(retired)) => offload::run(move || retired.remove()).await.map(|()| true),
        Some(None) => Ok(true),
        None => Ok(false),
    }
}

fn is_marked(conn: &mut Connection, slug: &Slug, version: &Version) -> Result<bool> {
    Ok(releases::find(conn, slug, version)?.is_some_and(|release| release.files_removed_at.is_some()))
}

#[derive(Clone, Copy)]
struct Cutoffs {
    /// Published before.
    published: Timestamp,
    /// Replaced before, so that no grace period runs.
    replaced: Timestamp,
}

impl Cutoffs {
    fn new(app: &App) -> Self {
        let now = now();
        Self { published: now.minus(app.settings.gc_retention), replaced: now.minus(app.settings.grace_period) }
    }
}
