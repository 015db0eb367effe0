//! What lies in `shared/`, looked at whole: for taking folders over that nobody published, and for comparing.

use std::{
    fs::{self, File},
    io::{ErrorKind, Read},
    path::Path,
};

use walkdir::WalkDir;

use super::{
    PluginsFolder, StagedFile,
    archive::{Names, is_ignored},
    digest,
    old_folder::VERSION_LIST,
};
use crate::{
    domain::{ReleasePath, Slug, Version, legacy::read_version},
    error::{Error, Result},
};

/// What this server has in its folder, and what the sample of one is explained with.
const PARTS: &[&str] = &["shared", "users", "cache", "backups", ".locks", "README.md", ".gitignore"];

/// Bytes read at once.
const BUFFER: usize = 128 * 1024;

/// One thing that lies in `shared/` or in a slug's folder there.
#[derive(Debug, Clone, PartialEq)]
pub enum InShared {
    /// A folder with the name of a release.
    Release { slug: Slug, version: Version },
    /// A folder that means a version but is not named for it: `v1.0`, `vv1.0.0`. `label` is its path in the plugins folder.
    Misnamed { slug: Slug, version: Version, label: String },
    /// Anything else, with the reason why it is no release.
    Stray { label: String, why: String },
    /// A folder that cannot be read, with the reason.
    Unreadable { label: String, why: String },
}

/// A release folder that was read to its end.
#[derive(Debug, Clone)]
pub struct FoundRelease {
    /// Sorted by path; never empty.
    pub files: Vec<StagedFile>,
    pub digest: String,
}

/// Something in a release's folder that is no folder.
#[derive(Debug, Clone)]
pub struct FoundFile {
    /// As it lies below the release's folder, with `/`.
    pub name: String,
    /// Or why no release can hold it.
    pub path: Result<ReleasePath, String>,
    /// In bytes.
    pub size: u64,
}

impl PluginsFolder {
    /// Everything in `shared/` by slug and name, folders with good names first.
    pub fn list_shared(&self) -> Result<Vec<InShared>> {
        let mut found = Vec::new();
        for (label, slug) in self.entries("shared")? {
            let stray = |why: String| InShared::Stray { label: label.clone(), why };
            let slug = match (slug.parse::<Slug>(), self.is_folder(&label)?) {
                (Ok(slug), true) => slug,
                (_, false) => {
                    found.push(stray("is no folder".to_owned()));
                    continue;
                }
                (Err(error), true) => {
                    found.push(stray(error.reason()));
                    continue;
                }
            };
            let entries = match self.entries(&label) {
                Ok(entries) => entries,
                Err(error) => {
                    found.push(InShared::Unreadable { label, why: error.chain().to_string() });
                    continue;
                }
            };
            let mut of_slug = entries.into_iter().map(|(label, name)| self.in_slug(&slug, label, &name)).collect::<Result<Vec<_>>>()?;
            of_slug.sort_by_key(|found| !matches!(found, InShared::Release { .. }));
            found.append(&mut of_slug);
        }
        Ok(found)
    }

    /// What older systems left in the plugins folder beside its parts and in `cache/`: its path there, and whether it is a folder.
    pub fn list_others(&self) -> Result<Vec<(String, bool)>> {
        let beside = self.entries("")?.into_iter().map(|(_, name)| name).filter(|name| !PARTS.contains(&name.as_str()));
        let within = self.entries("cache")?.into_iter().filter(|(_, name)| name == VERSION_LIST).map(|(label, _)| label);
        beside.chain(within).map(|label| Ok((label.clone(), self.is_folder(&label)?))).collect()
    }

    fn in_slug(&self, slug: &Slug, label: String, name: &str) -> Result<InShared> {
        if !self.is_folder(&label)? {
            return Ok(InShared::Stray { label, why: "is no folder".to_owned() });
        }
        Ok(match read_version(name.strip_prefix('v').unwrap_or(name)) {
            Ok(version) if format!("v{version}") == name => InShared::Release { slug: slug.clone(), version },
            Ok(version) => InShared::Misnamed { slug: slug.clone(), version, label },
            Err(error) => InShared::Stray { label, why: error.reason() },
        })
    }

    /// Path in the plugins folder and name of everything in one of its folders, by name; nothing in one that is gone.
    pub(super) fn entries(&self, label: &str) -> Result<Vec<(String, String)>> {
        let failed = |e| Error::storage(format!("{label} cannot be listed"), e);
        let mut found = Vec::new();
        let entries = match fs::read_dir(self.root().join(label)) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(found),
            outcome => outcome.map_err(failed)?,
        };
        for entry in entries {
            let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
            found.push((format!("{label}/{name}"), name));
        }
        found.sort();
        Ok(found)
    }

    /// A folder and no link to one.
    pub(super) fn is_folder(&self, label: &str) -> Result<bool> {
        match fs::symlink_metadata(self.root().join(label)) {
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
            found => found.map(|metadata| metadata.is_dir()).map_err(|e| Error::storage(format!("{label} cannot be examined"), e)),
        }
    }

    /// Reads a release's folder as it lies there.
    ///
    /// # Errors
    /// What keeps it from being a release, as for an archive; and what cannot be read.
    pub fn read_release(&self, slug: &Slug, version: &Version) -> Result<FoundRelease> {
        read_folder(&self.release_folder(slug, version))
    }

    /// The same for a folder that is named otherwise, by its path in the plugins folder.
    pub fn read_misnamed(&self, label: &str) -> Result<FoundRelease> {
        read_folder(&self.root().join(label))
    }

    /// What lies in a release's folder, by name; none when there is no such folder.
    pub fn list_release(&self, slug: &Slug, version: &Version) -> Result<Option<Vec<FoundFile>>> {
        if !self.release_exists(slug, version)? {
            return Ok(None);
        }
        list(&self.release_folder(slug, version)).map(Some)
    }

    /// The content of a release's file, refused when it is larger than `max_bytes`.
    pub fn read_file(&self, slug: &Slug, version: &Version, path: &ReleasePath, max_bytes: u64) -> Result<Vec<u8>> {
        let failed = |e| Error::storage(format!("{path} cannot be read"), e);
        let file = self.open_file(slug, version, path)?.ok_or_else(|| Error::NotFound(path.to_string()))?;
        let mut content = Vec::new();
        file.take(max_bytes + 1).read_to_end(&mut content).map_err(failed)?;
        match content.len() as u64 > max_bytes {
            true => Err(Error::TooLarge { what: "file", limit: max_bytes, actual: None }),
            false => Ok(content),
        }
    }

    /// Size and sha384 of a release's file, read to its end in a bounded buffer; none when there is no such file.
    pub fn hash_file(&self, slug: &Slug, version: &Version, path: &ReleasePath) -> Result<Option<(u64, [u8; 48])>> {
        let Some(file) = self.open_file(slug, version, path)? else { return Ok(None) };
        let (size, _, sha384) =
            digest::of_content(file, &mut vec![0; BUFFER]).map_err(|e| Error::storage(format!("{path} cannot be read"), e))?;
        Ok(Some((size, sha384)))
    }
}

fn read_folder(folder: &Path) -> Result<FoundRelease> {
    let mut names = Names::default();
    let mut buffer = vec![0; BUFFER];
    let mut files = Vec::new();
    for found in list(folder)? {
        let path = found.path.map_err(|why| Error::bad_archive(found.name.as_str(), why))?;
        names.take(&path, false).map_err(|why| Error::bad_archive(found.name.as_str(), why))?;
        let failed = |e| Error::storage(format!("{path} cannot be read"), e);
        let (size, sha256, sha384) =
            File::open(path.under(folder)).and_then(|file| digest::of_content(file, &mut buffer)).map_err(failed)?;
        files.push(StagedFile { path, size, sha256, sha384 });
    }
    if files.is_empty() {
        return Err(Error::bad_archive("", "holds no files"));
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(FoundRelease { digest: digest::of_files(&files), files })
}

/// Links are told, not followed; what systems add by themselves is left out, as when a folder is published.
fn list(folder: &Path) -> Result<Vec<FoundFile>> {
    let mut found = Vec::new();
    for entry in WalkDir::new(folder).min_depth(1).follow_links(false).sort_by_file_name() {
        let entry = entry.map_err(|e| Error::storage("a release's folder cannot be read", e))?;
        let Some(name) = name(folder, entry.path()) else {
            let name = entry.path().to_string_lossy().into_owned();
            found.push(FoundFile { name, path: Err("has a name that is not UTF-8".to_owned()), size: 0 });
            continue;
        };
        let kind = entry.file_type();
        if kind.is_dir() || is_ignored(name.as_bytes()) {
            continue;
        }
        let path = match kind.is_file() {
            true => name.parse().map_err(|error: Error| error.reason()),
            false => Err("is neither a file nor a folder".to_owned()),
        };
        let size = entry.metadata().map_err(|e| Error::storage(format!("{name} cannot be examined"), e))?.len();
        found.push(FoundFile { name, path, size });
    }
    Ok(found)
}

fn name(folder: &Path, entry: &Path) -> Option<String> {
    let parts = entry.strip_prefix(folder).ok()?.components().map(|part| part.as_os_str().to_str()).collect::<Option<Vec<_>>>()?;
    Some(parts.join("/"))
}
