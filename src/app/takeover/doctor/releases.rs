//! Releases: what lies in `shared/` against what was published.

use std::collections::HashMap;

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{Finding, Kind, words};
use crate::{
    app::releases::adoptable,
    domain::{
        Slug, Version,
        paths::shared_path_label,
        release::{Release, ReleaseFile},
    },
    error::Result,
    files::PluginsFolder,
};

/// What is done about a difference.
#[derive(Debug, Clone, PartialEq)]
pub enum Repair {
    /// Publish the folder in place.
    Adopt(Slug, Version),
    /// Move it to the backup.
    SetAside(String),
    /// Remove the folder, as clean-up began to.
    Remove(Slug, Version),
    /// Note that the files are gone, and move what is left of them to the backup.
    TakeOut(Slug, Version),
    /// Write what was counted again: bytes and files.
    Recount(Slug, Version, u64, u64),
    /// Note what `latest` stands for.
    NoteLatest(Slug),
}

/// Outcome of comparing one release.
#[derive(Debug, Default)]
pub struct Compared {
    pub findings: Vec<Finding<Repair>>,
    /// Files that were read.
    pub files: u64,
}

pub fn stray(label: String, why: &str) -> Finding<Repair> {
    Finding {
        kind: Kind::Stray,
        detail: why.to_owned(),
        remedy: "move it to the backup".to_owned(),
        repair: Repair::SetAside(label.clone()),
        object: label,
    }
}

/// A folder that no row knows. Reads all of it.
pub fn without_row(folder: &PluginsFolder, slug: &Slug, version: &Version) -> Finding<Repair> {
    let label = shared_path_label(slug, version);
    let (remedy, repair) = match adoptable(folder, slug, version) {
        Ok(_) => ("publish it in place".to_owned(), Repair::Adopt(slug.clone(), version.clone())),
        Err(error) => {
            (format!("move it to the backup, because it cannot be published: {}", words(&error)), Repair::SetAside(label.clone()))
        }
    };
    Finding { kind: Kind::ReleaseWithoutRow, object: label, detail: "the database has no such release".to_owned(), remedy, repair }
}

/// Compares one release with its folder. Reads every file, in a bounded buffer.
pub fn compare(folder: &PluginsFolder, release: &Release, files: &[ReleaseFile]) -> Result<Compared> {
    let (slug, version) = (&release.slug, &release.version);
    let object = format!("release {slug} {version}");
    let mut compared = Compared::default();
    let found = folder.list_release(slug, version)?;
    if release.files_removed_at.is_some() {
        if found.is_some() {
            compared.findings.push(Finding {
                kind: Kind::RemovedRelease,
                object: shared_path_label(slug, version),
                detail: "clean-up has removed this release".to_owned(),
                remedy: "remove the files".to_owned(),
                repair: Repair::Remove(slug.clone(), version.clone()),
            });
        }
        return Ok(compared);
    }
    let take_out = |kind, object: String, detail: String| Finding {
        kind,
        object,
        detail,
        remedy:
            "take the release out of service, and move what is left of it to the backup; publishing the same content again brings it back"
                .to_owned(),
        repair: Repair::TakeOut(slug.clone(), version.clone()),
    };
    let Some(found) = found else {
        let detail = format!("{} is not there", shared_path_label(slug, version));
        compared.findings.push(take_out(Kind::ReleaseWithoutFolder, object, detail));
        return Ok(compared);
    };
    let mut by_name: HashMap<&str, u64> = found.iter().map(|file| (file.name.as_str(), file.size)).collect();
    for file in files {
        let label = format!("{}/{}", shared_path_label(slug, version), file.path);
        compared.files += 1;
        match by_name.remove(file.path.as_str()) {
            None => compared.findings.push(take_out(Kind::MissingFile, label, "was published and is not there".to_owned())),
            Some(size) if size != file.size => {
                let detail = format!("has {size} bytes; {} were published", file.size);
                compared.findings.push(take_out(Kind::DamagedFile, label, detail));
            }
            Some(_) => {
                let is_good = match folder.hash_file(slug, version, &file.path) {
                    Ok(Some((_, sha384))) => BASE64_STANDARD.encode(sha384) == file.sha384,
                    _ => false,
                };
                if !is_good {
                    let detail = "is not what was published, or cannot be read".to_owned();
                    compared.findings.push(take_out(Kind::DamagedFile, label, detail));
                }
            }
        }
    }
    let mut unknown: Vec<&str> = by_name.into_keys().collect();
    unknown.sort_unstable();
    for name in unknown {
        let label = format!("{}/{name}", shared_path_label(slug, version));
        compared.findings.push(Finding {
            kind: Kind::UnknownFile,
            detail: "was not published".to_owned(),
            remedy: "move it to the backup".to_owned(),
            repair: Repair::SetAside(label.clone()),
            object: label,
        });
    }
    let (size, count) = (files.iter().map(|file| file.size).sum(), files.len() as u64);
    if (release.size, release.file_count) != (size, count) {
        compared.findings.push(Finding {
            kind: Kind::ReleaseCounts,
            object,
            detail: format!("is said to have {} files of {} bytes; counted are {count} of {size}", release.file_count, release.size),
            remedy: "write what was counted".to_owned(),
            repair: Repair::Recount(slug.clone(), version.clone(), size, count),
        });
    }
    Ok(compared)
}
