//! From a package's files to the row of its release.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::content_type;
use crate::{
    domain::{
        Manifest, ReleasePath, Timestamp,
        manifest::{Overrides, PackageFiles, Reading, Visibility, read_package},
        release::{Release, ReleaseFile},
    },
    error::Result,
    files::StagedFile,
};

/// Everything about the release that the files say, which are sorted by path; nobody has published it yet. `read` is asked
/// for manifest files only.
pub fn describe(
    files: &[StagedFile],
    top_folder: Option<&str>,
    digest: &str,
    read: &dyn Fn(&ReleasePath) -> Result<Vec<u8>>,
    overrides: &Overrides,
) -> Result<(Release, Vec<ReleaseFile>, Vec<String>)> {
    let paths: Vec<ReleasePath> = files.iter().map(|file| file.path.clone()).collect();
    let Reading { manifest, notes } = read_package(&PackageFiles::new(&paths, read).in_folder(top_folder), overrides)?;
    let files: Vec<ReleaseFile> = files
        .iter()
        .map(|file| ReleaseFile {
            path: file.path.clone(),
            size: file.size,
            sha384: BASE64_STANDARD.encode(file.sha384),
            content_type: content_type::of(&file.path),
        })
        .collect();
    let release = Release {
        slug: manifest.slug.clone(),
        version: manifest.version.clone(),
        digest: digest.parse()?,
        size: files.iter().map(|file| file.size).sum(),
        file_count: files.len() as u64,
        visibility: manifest.visibility.unwrap_or(Visibility::Private),
        entry_sha384: entry_sha384(&manifest, &files),
        published_by: String::new(),
        published_at: Timestamp(0),
        yank: None,
        files_removed_at: None,
        manifest,
    };
    Ok((release, files, notes))
}

fn entry_sha384(manifest: &Manifest, files: &[ReleaseFile]) -> Option<String> {
    let entry = manifest.bundle_location.as_deref()?;
    files.iter().find(|file| file.path.as_str() == entry).map(|file| file.sha384.clone())
}
