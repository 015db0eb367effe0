//! Publishing: from a staged package to a release that never changes again.

use std::sync::{Arc, Mutex};

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{content_type, note_latest};
use crate::{
    app::{App, audit, now},
    domain::{
        Caller, Channel, Manifest, ReleasePath, Role, Scope, Slug, Timestamp, Version,
        manifest::{MAX_MANIFEST, Overrides, PackageFiles, Visibility, read_manifest},
        release::{Release, ReleaseFile},
    },
    error::{Error, Result},
    files::{PluginsFolder, Staged},
    offload,
    settings::UserUploads,
    storage::{Connection, channels, plugin_config, releases},
};

/// What the publisher says beside the package.
#[derive(Debug, Default)]
pub struct PublishOptions {
    pub slug: Option<Slug>,
    pub version: Option<Version>,
    pub visibility: Option<Visibility>,
    /// Pointed at the release afterwards.
    pub channel: Option<Channel>,
}

#[derive(Debug)]
pub struct Publication {
    pub release: Release,
    /// False when the same content was there already.
    pub created: bool,
}

/// Whether the caller may publish at all; asked before an upload is read.
pub fn may_publish(app: &App, caller: &Caller) -> Result<()> {
    caller.require(&Scope::Publish)?;
    if caller.role == Role::Admin || app.settings.user_uploads == UserUploads::Allow {
        return Ok(());
    }
    Err(Error::PublishNotAllowed("publishing is for administrators here: an upload becomes everybody's release".to_owned()))
}

/// Publishes the package. A crash at any point leaves the release whole or absent.
pub async fn publish(app: &App, caller: &Caller, staged: Staged, options: PublishOptions) -> Result<Publication> {
    may_publish(app, caller)?;
    let (staged, draft) = offload::run(move || {
        let manifest = read(&staged, &options)?;
        let draft = Draft::new(&staged, manifest, options.channel)?;
        Ok((staged, draft))
    })
    .await?;
    commit(app, caller, staged, draft).await
}

/// Publishes a package that somebody else has described: an import of old data. A variant is private whatever it says.
pub async fn publish_described(app: &App, caller: &Caller, staged: Staged, manifest: Manifest) -> Result<Publication> {
    caller.require_admin()?;
    let draft = Draft::new(&staged, manifest, None)?;
    commit(app, caller, staged, draft).await
}

async fn commit(app: &App, caller: &Caller, staged: Staged, mut draft: Draft) -> Result<Publication> {
    draft.release.published_by = caller.actor();
    let new_plugins_enabled = app.settings.new_plugins_enabled;
    let (caller, folder) = (caller.clone(), app.folder.clone());
    // Shared with the closure, so that what was staged is removed here, off the database's threads.
    let staged = Arc::new(Mutex::new(staged));
    let (placing, now) = (Arc::clone(&staged), now());
    draft.release.published_at = now;
    let publication = app
        .db
        .write(move |conn| {
            let mut staged = placing.lock().map_err(|_| Error::damaged("publishing was interrupted by a panic"))?;
            insert(conn, &folder, &caller, &draft, &mut staged, new_plugins_enabled, now)
        })
        .await;
    offload::run(move || {
        drop(staged);
        Ok(())
    })
    .await?;
    publication
}

/// Everything about the release that the package itself says.
struct Draft {
    release: Release,
    files: Vec<ReleaseFile>,
    channel: Option<Channel>,
}

fn read(staged: &Staged, options: &PublishOptions) -> Result<Manifest> {
    let overrides = Overrides { slug: options.slug.clone(), version: options.version.clone(), visibility: options.visibility };
    let paths: Vec<ReleasePath> = staged.files.iter().map(|file| file.path.clone()).collect();
    let read = |path: &ReleasePath| staged.read(path, MAX_MANIFEST as u64);
    read_manifest(&PackageFiles::new(&paths, &read), &overrides)
}

impl Draft {
    fn new(staged: &Staged, manifest: Manifest, channel: Option<Channel>) -> Result<Self> {
        let files: Vec<ReleaseFile> = staged
            .files
            .iter()
            .map(|file| ReleaseFile {
                path: file.path.clone(),
                size: file.size,
                sha384: BASE64_STANDARD.encode(file.sha384),
                content_type: content_type::of(&file.path),
            })
            .collect();
        let visibility = manifest.visibility.filter(|_| !manifest.version.is_variant()).unwrap_or(Visibility::Private);
        let release = Release {
            slug: manifest.slug.clone(),
            version: manifest.version.clone(),
            digest: staged.digest.parse()?,
            size: staged.size,
            file_count: files.len() as u64,
            visibility,
            entry_sha384: entry_sha384(&manifest, &files),
            published_by: String::new(),
            published_at: Timestamp(0),
            yank: None,
            files_removed_at: None,
            manifest,
        };
        Ok(Self { release, files, channel })
    }
}

fn entry_sha384(manifest: &Manifest, files: &[ReleaseFile]) -> Option<String> {
    let entry = manifest.bundle_location.as_deref()?;
    files.iter().find(|file| file.path.as_str() == entry).map(|file| file.sha384.clone())
}

fn insert(
    conn: &mut Connection,
    folder: &PluginsFolder,
    caller: &Caller,
    draft: &Draft,
    staged: &mut Staged,
    available: bool,
    now: Timestamp,
) -> Result<Publication> {
    let Release { slug, version, .. } = &draft.release;
    let owner = caller.is_person().then_some(&caller.user);
    let row = plugin_config::claim(conn, slug, available, owner, now)?;
    if row.owner.is_some() && row.owner.as_ref() != owner && caller.role != Role::Admin {
        return Err(Error::PublishNotAllowed(format!("{slug} belongs to its first publisher")));
    }
    let publication = match releases::find(conn, slug, version)? {
        Some(known) if known.digest != draft.release.digest => {
            return Err(Error::VersionTaken { slug: slug.to_string(), version: version.to_string() });
        }
        Some(known) => {
            if known.files_removed_at.is_some() {
                folder.place(staged, slug, version)?;
                releases::set_files_removed(conn, slug, version, None)?;
                note_latest(conn, slug)?;
                audit::record(conn, caller, "release.publish", format!("{slug} {version}"), now)?;
            }
            Publication { release: Release { files_removed_at: None, ..known }, created: false }
        }
        None => {
            releases::insert(conn, &draft.release)?;
            releases::insert_files(conn, slug, version, &draft.files)?;
            note_latest(conn, slug)?;
            audit::record(conn, caller, "release.publish", format!("{slug} {version}"), now)?;
            folder.place(staged, slug, version)?;
            Publication { release: draft.release.clone(), created: true }
        }
    };
    if let Some(channel) = &draft.channel {
        channels::set(conn, slug, channel, version, now)?;
        // With new content it is part of publishing.
        if !publication.created {
            audit::record(conn, caller, "channel.set", format!("{slug} {version}"), now)?;
        }
    }
    Ok(publication)
}
