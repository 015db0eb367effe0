//! The files of a release and who may see them, kept in memory.

use std::{collections::HashMap, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use jiff::fmt::rfc2822::DateTimePrinter;

use crate::{
    app::{App, contents::ContentId, kept::Kept},
    domain::{ReleasePath, Slug, Timestamp, Version, manifest::Visibility, release::ReleaseFile},
    error::{Error, Result},
    settings::Extension,
    storage::{
        changes::{Subject, Trust},
        plugin_config, releases,
    },
};

/// Files of all releases together; one takes about 300 bytes.
const CAPACITY: u64 = 200_000;
/// Files of one release, as a guess.
const TYPICAL: u64 = 64;

/// What the cache is asked for, and the end of a release's address: `<slug>/v<version>`.
pub fn place(slug: &Slug, version: &Version) -> String {
    format!("{slug}/v{version}")
}

#[derive(Debug)]
pub struct ServedFile {
    pub file: ReleaseFile,
    pub content: ContentId,
    /// That of the file, ready to be sent.
    pub content_type: Bytes,
    /// Whether `/public` serves this kind of file.
    pub is_public_type: bool,
}

#[derive(Debug)]
pub struct ReleaseFiles {
    pub slug: Slug,
    pub version: Version,
    /// The administrator's decision for everybody.
    pub available: bool,
    pub visibility: Visibility,
    /// When it was published, in whole seconds: no file has changed since.
    pub modified: Timestamp,
    /// The same as HTTP writes it, ready to be sent.
    pub last_modified: Bytes,
    files: HashMap<Box<str>, Arc<ServedFile>>,
}

impl ReleaseFiles {
    pub fn file(&self, path: &str) -> Option<&Arc<ServedFile>> {
        self.files.get(path)
    }

    pub fn files(&self) -> impl Iterator<Item = &Arc<ServedFile>> {
        self.files.values()
    }

    /// Whether everybody may have its files.
    pub fn is_public(&self) -> bool {
        self.available && self.visibility == Visibility::Public
    }
}

pub struct ReleaseFilesCache(Kept<Box<str>, Arc<ReleaseFiles>>);

impl ReleaseFilesCache {
    pub fn new() -> Result<Self> {
        Kept::new("releases", CAPACITY, TYPICAL, |release: &Arc<ReleaseFiles>| 1 + release.files.len() as u64).map(Self)
    }

    pub fn kept_at(&self, trust: Trust<'_>, place: &str) -> Option<Arc<ReleaseFiles>> {
        self.0.get(trust, place)
    }
}

/// The release's files, from memory if possible; none when there is no such release.
pub async fn of(app: &App, slug: &Slug, version: &Version) -> Result<Option<Arc<ReleaseFiles>>> {
    let (cache, place) = (&app.release_files, place(slug, version));
    if let Some(kept) = app.db.changes().trust().and_then(|trust| cache.kept_at(trust, &place)) {
        return Ok(Some(kept));
    }
    let stamp = app.db.changes().stamp(Subject::Slug(slug));
    let (wanted, exact) = (slug.clone(), version.clone());
    let read = app.db.read(move |conn| {
        let Some(release) = releases::find_served(conn, &wanted, &exact)? else { return Ok(None) };
        // What clean-up has removed is no longer there.
        let files = if release.files_removed { Vec::new() } else { releases::files(conn, &wanted, &exact)? };
        Ok(Some((release, plugin_config::is_available(conn, &wanted)?, files)))
    });
    let Some((release, available, files)) = read.await? else { return Ok(None) };
    let modified = Timestamp(release.published_at.seconds() * 1000);
    let served = |file: ReleaseFile| served_file(&app.settings.public_file_types, file);
    let release = Arc::new(ReleaseFiles {
        slug: slug.clone(),
        version: version.clone(),
        available,
        visibility: release.visibility,
        modified,
        last_modified: http_date(modified)?,
        files: files.into_iter().map(served).collect::<Result<_>>()?,
    });
    cache.0.put(place.into(), stamp, Arc::clone(&release));
    Ok(Some(release))
}

fn served_file(public_types: &[Extension], file: ReleaseFile) -> Result<(Box<str>, Arc<ServedFile>)> {
    let digest = BASE64_STANDARD.decode(&file.sha384).ok().and_then(|digest| digest.try_into().ok());
    let served = ServedFile {
        content: digest.ok_or_else(|| Error::damaged("damaged value in the database (release_files.sha384)"))?,
        content_type: file.content_type.clone().into(),
        is_public_type: is_public_type(public_types, &file.path),
        file,
    };
    Ok((served.file.path.as_str().into(), Arc::new(served)))
}

/// RFC 9110, section 5.6.7.
fn http_date(moment: Timestamp) -> Result<Bytes> {
    let unprintable = |e: jiff::Error| Error::storage("damaged value in the database (releases.published_at)", e);
    let moment = jiff::Timestamp::from_millisecond(moment.millis()).map_err(unprintable)?;
    Ok(DateTimePrinter::new().timestamp_to_rfc9110_string(&moment).map_err(unprintable)?.into())
}

fn is_public_type(allowed: &[Extension], path: &ReleasePath) -> bool {
    let extension = path.as_str().rsplit_once('.').map_or("", |(_, extension)| extension);
    allowed.iter().any(|one| one.as_str().eq_ignore_ascii_case(extension))
}
