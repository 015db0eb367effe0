//! A release as an archive, for those who want to keep or move it.

use futures_util::Stream;

use super::release_files;
use crate::{
    app::App,
    domain::{Caller, Slug, Version, VersionSpec},
    error::{Error, Result},
};

/// The release's files as a zip, in pieces. Memory stays flat.
pub async fn archive(
    app: &App,
    caller: &Caller,
    slug: Slug,
    wanted: VersionSpec,
) -> Result<(Version, impl Stream<Item = Result<Vec<u8>>> + use<>)> {
    let (release, files) = release_files(app, caller, slug.clone(), wanted).await?;
    if release.files_removed_at.is_some() {
        return Err(Error::Gone(format!("the files of {slug} {} were removed", release.version)));
    }
    let paths = files.into_iter().map(|file| file.path).collect();
    Ok((release.version.clone(), app.folder.zip_stream(slug, release.version, paths)))
}
