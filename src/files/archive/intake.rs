//! The gate: every entry of every kind of package passes here. Checks names, counts real bytes, writes and hashes files.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256, Sha384};

use super::{names::Names, unreadable};
use crate::{
    domain::ReleasePath,
    error::{Error, Result, Step, Violation},
    files::{
        Limits, Staged, StagedFile, digest, disk,
        staging::{StagingFolder, fill},
    },
};

/// How many refused entries are told at once.
const MAX_VIOLATIONS: usize = 50;
const BUFFER: usize = 128 * 1024;

pub enum Kind {
    File,
    Folder,
    /// Never part of a release, with the reason.
    Refused(&'static str),
}

pub struct Intake<'a> {
    root: PathBuf,
    limits: &'a Limits,
    archive_size: Option<u64>,
    names: Names,
    violations: Vec<Violation>,
    entries: usize,
    size: u64,
    files: Vec<StagedFile>,
    last_folder: PathBuf,
    buffer: Vec<u8>,
}

impl<'a> Intake<'a> {
    /// `archive_size` is what the ratio is measured against; a folder has none.
    pub fn new(staging: &StagingFolder, limits: &'a Limits, archive_size: Option<u64>) -> Result<Self> {
        let root = staging.path().join("files");
        disk::create_dir(&root).map_err(unwritten)?;
        Ok(Self {
            last_folder: root.clone(),
            root,
            limits,
            archive_size,
            names: Names::default(),
            violations: Vec::new(),
            entries: 0,
            size: 0,
            files: Vec::new(),
            buffer: vec![0; BUFFER],
        })
    }

    pub fn limits(&self) -> &Limits {
        self.limits
    }

    /// Checks an entry by its name as it stands in the package. A path is the answer when the content is wanted; folders
    /// are not, because a release consists of files. After the first refusal nothing is wanted any more, but names are
    /// still checked, so that all refusals are told at once.
    pub fn admit(&mut self, name: &[u8], kind: Kind) -> Result<Option<ReleasePath>> {
        self.entries += 1;
        if self.entries > self.limits.max_entries {
            return Err(Error::bad_archive(shown(name), format!("is one too many: the limit is {} entries", self.limits.max_entries)));
        }
        match self.check(name, &kind) {
            Ok(None) => return Ok(None),
            Ok(Some(path)) if self.violations.is_empty() && matches!(kind, Kind::File) => return self.counted(path).map(Some),
            Ok(Some(path)) => drop(self.counted(path)?),
            Err(reason) if self.violations.len() < MAX_VIOLATIONS => self.violations.push(Violation::new(self.pointer(name), reason)),
            Err(_) => {}
        }
        Ok(None)
    }

    /// Writes and hashes the content of an admitted file. The answer is its size.
    pub fn store(&mut self, path: ReleasePath, content: &mut dyn Read) -> Result<u64> {
        let target = path.under(&self.root);
        let folder = target.parent().unwrap_or(&self.root);
        if folder != self.last_folder {
            disk::create_dir_all(folder).map_err(unwritten)?;
            self.last_folder = folder.to_owned();
        }
        let mut file = disk::create_file(&target).map_err(unwritten)?;
        let (mut sha256, mut sha384, mut size) = (Sha256::new(), Sha384::new(), 0_u64);
        loop {
            let filled = fill(content, &mut self.buffer).map_err(|e| unreadable(path.as_str(), e))?;
            let block = self.buffer.get(..filled).unwrap_or_default();
            if block.is_empty() {
                break;
            }
            size += block.len() as u64;
            self.size += block.len() as u64;
            within(self.limits, self.archive_size, self.size, &path)?;
            sha256.update(block);
            sha384.update(block);
            file.write_all(block).map_err(unwritten)?;
        }
        self.files.push(StagedFile { path, size, sha256: sha256.finalize().into(), sha384: sha384.finalize().into() });
        Ok(size)
    }

    /// Ends the intake: everything refused as one error, or the release, on disk.
    pub fn finish(mut self, staging: StagingFolder, outcome: Result<()>) -> Result<Staged> {
        match outcome {
            Ok(()) => {}
            Err(Error::InvalidPackage { errors, .. }) => self.violations.extend(errors),
            Err(other) => return Err(other),
        }
        self.refuse_violations()?;
        if self.files.is_empty() {
            return Err(Error::bad_archive("", "holds no files"));
        }
        let top_folder = self.strip_top_folder();
        self.check_lengths();
        self.refuse_violations()?;

        let root = top_folder.as_ref().map_or_else(|| self.root.clone(), |top| self.root.join(top));
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
        sync(&root, &self.files).map_err(unwritten)?;
        let digest = digest::of_files(&self.files);
        Ok(Staged { files: self.files, digest, size: self.size, top_folder, root, staging, placed: None })
    }

    fn check(&mut self, name: &[u8], kind: &Kind) -> Result<Option<ReleasePath>, String> {
        let name = normal(name, kind);
        if name.is_empty() && matches!(kind, Kind::Folder) || is_ignored(name) {
            return Ok(None);
        }
        if let Kind::Refused(reason) = kind {
            return Err((*reason).to_owned());
        }
        let text = str::from_utf8(name).map_err(|_| "has a name that is not UTF-8")?;
        if text.starts_with('/') {
            return Err("has an absolute path".to_owned());
        }
        let path = text.parse::<ReleasePath>().map_err(|e| e.reason())?;
        self.names.take(&path, matches!(kind, Kind::Folder))?;
        Ok(Some(path))
    }

    fn counted(&self, path: ReleasePath) -> Result<ReleasePath> {
        match self.names.len() > self.limits.max_entries {
            true => {
                let message = format!("is one too many: the limit is {} files and folders", self.limits.max_entries);
                Err(Error::bad_archive(path.as_str(), message))
            }
            false => Ok(path),
        }
    }

    fn pointer(&self, name: &[u8]) -> String {
        if name.is_empty() { format!("entry {}", self.entries) } else { shown(name) }
    }

    fn refuse_violations(&mut self) -> Result<()> {
        match std::mem::take(&mut self.violations) {
            none if none.is_empty() => Ok(()),
            errors => Err(Error::InvalidPackage { step: Step::FileExtraction, errors }),
        }
    }

    /// A package whose files all lie in one folder at its top is that folder: `package/` of npm, `<name>-<version>/` of
    /// source archives. The answer is that folder's name.
    fn strip_top_folder(&mut self) -> Option<String> {
        let top = self.files.first()?.path.as_str().split_once('/')?.0.to_owned();
        let below = |file: &StagedFile| file.path.as_str().strip_prefix(&top)?.strip_prefix('/')?.parse().ok();
        let stripped = self.files.iter().map(below).collect::<Option<Vec<ReleasePath>>>()?;
        for (file, path) in self.files.iter_mut().zip(stripped) {
            file.path = path;
        }
        Some(top)
    }

    /// After stripping, so that a folder and its archive meet the same limits.
    fn check_lengths(&mut self) {
        for file in &self.files {
            let (length, depth) = (file.path.as_str().len(), file.path.components().count());
            let reason = match () {
                () if length > self.limits.max_path => format!("has a path of {length} bytes, the limit is {}", self.limits.max_path),
                () if depth > self.limits.max_depth => format!("lies {depth} levels deep, the limit is {}", self.limits.max_depth),
                () => continue,
            };
            if self.violations.len() < MAX_VIOLATIONS {
                self.violations.push(Violation::new(file.path.as_str(), reason));
            }
        }
    }
}

fn within(limits: &Limits, archive_size: Option<u64>, size: u64, path: &ReleasePath) -> Result<()> {
    if size > limits.max_unpacked {
        return Err(Error::bad_archive(
            path.as_str(),
            format!("brings the unpacked files above the limit of {} bytes", limits.max_unpacked),
        ));
    }
    let allowed = archive_size.map(|archive| archive.saturating_mul(limits.max_ratio).max(Limits::RATIO_FREE));
    if allowed.is_some_and(|allowed| size > allowed) {
        let message = format!("unpacks the archive to more than {} times its size", limits.max_ratio);
        return Err(Error::bad_archive(path.as_str(), message));
    }
    Ok(())
}

/// Without the `./` that tar writes in front, and without the `/` behind a folder.
fn normal<'n>(mut name: &'n [u8], kind: &Kind) -> &'n [u8] {
    while let Some(rest) = name.strip_prefix(b"./") {
        name = rest;
    }
    match kind {
        Kind::Folder if name == b"." => b"",
        Kind::Folder => name.strip_suffix(b"/").unwrap_or(name),
        _ => name,
    }
}

/// What macOS adds to archives and folders by itself.
pub fn is_ignored(name: &[u8]) -> bool {
    name == b"__MACOSX" || name.starts_with(b"__MACOSX/") || name == b".DS_Store" || name.ends_with(b"/.DS_Store")
}

/// An entry's name for messages: readable whatever it holds, and not longer than a line.
pub fn shown(name: &[u8]) -> String {
    const LONGEST: usize = 200;
    let text = String::from_utf8_lossy(name.get(..LONGEST * 4).unwrap_or(name)).into_owned();
    let mut shown: String =
        text.chars().take(LONGEST).flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect();
    if text.chars().count() > LONGEST {
        shown.push('…');
    }
    shown
}

fn sync(root: &Path, files: &[StagedFile]) -> std::io::Result<()> {
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path.under(root)).collect();
    disk::in_parallel(&paths, |path| File::open(path)?.sync_all())?;
    let folders = paths.iter().flat_map(|path| path.ancestors().skip(1).take_while(|folder| folder.starts_with(root)));
    folders.collect::<BTreeSet<_>>().into_iter().try_for_each(disk::sync_dir)
}

fn unwritten(error: std::io::Error) -> Error {
    Error::storage("the release cannot be written to cache/", error)
}
