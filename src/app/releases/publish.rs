//! Publishing: from a staged package to a release that never changes again.

use std::sync::{Arc, Mutex};

use super::{describe::describe, note_latest};
use crate::{
    app::{App, audit, now},
    domain::{
        Caller, Channel, Manifest, ReleasePath, Role, Scope, Slug, Timestamp, Version,
        manifest::{MAX_MANIFEST, Overrides, Visibility},
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
    /// Slug and version above hold even where the manifest says otherwise.
    pub prevail: bool,
}

#[derive(Debug)]
pub struct Publication {
    pub release: Release,
    /// False when the same content was there already.
    pub created: bool,
    /// What the package says that does not count, in sentences.
    pub notes: Vec<String>,
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
    let (staged, mut draft) = offload::run(move || draft(staged, &options)).await?;
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

/// The manifest that publishing the package would store.
pub async fn manifest_of(staged: Staged, options: PublishOptions) -> Result<Manifest> {
    offload::run(move || draft(staged, &options).map(|(_, draft)| draft.release.manifest)).await
}

/// Everything about the release that the package itself says.
struct Draft {
    release: Release,
    files: Vec<ReleaseFile>,
    channel: Option<Channel>,
    notes: Vec<String>,
}

fn draft(staged: Staged, options: &PublishOptions) -> Result<(Staged, Draft)> {
    let PublishOptions { slug, version, visibility, prevail, .. } = options;
    let overrides = Overrides { slug: slug.clone(), version: version.clone(), visibility: *visibility, prevail: *prevail };
    let read = |path: &ReleasePath| staged.read(path, MAX_MANIFEST as u64);
    let (release, files, notes) = describe(&staged.files, staged.top_folder.as_deref(), &staged.digest, &read, &overrides)?;
    Ok((staged, Draft { release, files, channel: options.channel.clone(), notes }))
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
    let known = releases::find(conn, slug, version)?;
    // Who brings what is there already changes nothing.
    let changes = draft.channel.is_some()
        || known.as_ref().is_none_or(|known| known.digest != draft.release.digest || known.files_removed_at.is_some());
    if changes && row.owner.is_some() && row.owner.as_ref() != owner && caller.role != Role::Admin {
        return Err(Error::PublishNotAllowed(format!("{slug} belongs to its first publisher")));
    }
    let publication = match known {
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
            Publication { release: Release { files_removed_at: None, ..known }, created: false, notes: draft.notes.clone() }
        }
        None => {
            releases::insert(conn, &draft.release)?;
            releases::insert_files(conn, slug, version, &draft.files)?;
            note_latest(conn, slug)?;
            audit::record(conn, caller, "release.publish", format!("{slug} {version}"), now)?;
            folder.place(staged, slug, version)?;
            Publication { release: draft.release.clone(), created: true, notes: draft.notes.clone() }
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
