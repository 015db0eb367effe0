//! Originals that a bulk rewrite replaces: `backups/<what>-<UTC time>/` mirrors the plugins folder. Where a rewrite makes a
//! file that was not there, the mirror holds an empty `<name>.absent` instead, so that undoing removes it again.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use walkdir::WalkDir;

use super::{PluginsFolder, disk, is_there};
use crate::{
    domain::Timestamp,
    error::{Error, Result},
};

const BACKUPS: &str = "backups";
const ABSENT: &str = "absent";
const TEMPORARY: &str = "tmp";

/// A file that a bulk rewrite replaces, makes or removes, by its path in the plugins folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrite {
    pub label: String,
    /// None removes it.
    pub content: Option<Vec<u8>>,
}

/// A folder of originals.
#[derive(Debug, Clone)]
pub struct Backup {
    /// Its path in the plugins folder.
    pub label: String,
    path: PathBuf,
}

/// An original, and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    /// Its path in the plugins folder.
    pub label: String,
    /// None: there was no such file.
    pub kept: Option<PathBuf>,
}

impl PluginsFolder {
    /// Makes `backups/<what>-<time>`.
    pub fn begin_backup(&self, what: &str, at: Timestamp) -> Result<Backup> {
        let failed = |e| Error::storage("no folder can be made in backups/", e);
        let backups = self.root().join(BACKUPS);
        disk::ensure_dir(&backups).map_err(failed)?;
        let time: String = Timestamp(at.seconds() * 1000).to_string().chars().filter(|c| !matches!(c, '-' | ':')).collect();
        let numbered = (2..).map(|number| format!("{what}-{time}-{number}"));
        for name in std::iter::once(format!("{what}-{time}")).chain(numbered) {
            match disk::create_dir(&backups.join(&name)) {
                Ok(()) => {
                    disk::sync_dir(&backups).map_err(failed)?;
                    return Ok(Backup { label: format!("{BACKUPS}/{name}"), path: backups.join(name) });
                }
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                Err(e) => return Err(failed(e)),
            }
        }
        Err(Error::damaged("backups/ is full"))
    }

    /// The backup with this name or path.
    pub fn find_backup(&self, name: &Path) -> Result<Backup> {
        let backups = self.root().join(BACKUPS);
        let absent = || Error::NotFound(format!("a backup {} in {BACKUPS}/", name.display()));
        let name = name.file_name().and_then(|name| name.to_str()).ok_or_else(absent)?;
        let path = backups.join(name);
        match is_there(&path).map_err(|e| Error::storage("backups/ cannot be examined", e))? && path.is_dir() {
            true => Ok(Backup { label: format!("{BACKUPS}/{name}"), path }),
            false => Err(absent()),
        }
    }

    /// Everything in the backup, by path.
    pub fn originals(&self, backup: &Backup) -> Result<Vec<Original>> {
        let failed = |e: walkdir::Error| Error::storage(format!("{} cannot be read", backup.label), e);
        let mut found = Vec::new();
        for entry in WalkDir::new(&backup.path).follow_links(false).sort_by_file_name() {
            let entry = entry.map_err(failed)?;
            let path = entry.path();
            let is_unfinished = path.extension().is_some_and(|extension| extension == TEMPORARY);
            if !entry.file_type().is_file() || is_unfinished {
                continue;
            }
            let is_mark = path.extension().is_some_and(|extension| extension == ABSENT);
            let belongs = if is_mark { path.with_extension("") } else { path.to_owned() };
            let belongs = belongs.strip_prefix(&backup.path).unwrap_or(&belongs).to_string_lossy().replace('\\', "/");
            found.push(Original { label: belongs, kept: (!is_mark).then(|| path.to_owned()) });
        }
        Ok(found)
    }

    /// Copies what lies at these paths into the backup, with its mode; on disk when this returns.
    pub fn keep(&self, backup: &Backup, labels: &[String]) -> Result<()> {
        let failed = |e| Error::storage(format!("originals cannot be kept in {}", backup.label), e);
        let copies = labels
            .iter()
            .map(|label| {
                let (from, to) = (self.root().join(label), backup.path.join(label));
                Ok(match is_there(&from)? {
                    true => (to, Content::Of(from)),
                    false => (mark_of(&to), Content::Bytes(Vec::new())),
                })
            })
            .collect::<io::Result<Vec<_>>>()
            .map_err(failed)?;
        write_all(&backup.path, &copies).map_err(failed)
    }

    /// Moves a file or folder into the backup, durably; nothing happens when it is gone.
    pub fn set_aside(&self, backup: &Backup, label: &str) -> Result<()> {
        let failed = |e| Error::storage(format!("{label} cannot be moved to {}", backup.label), e);
        let (from, to) = (self.root().join(label), backup.path.join(label));
        let folder = to.parent().unwrap_or(&backup.path);
        if !is_there(&from).map_err(failed)? {
            return Ok(());
        }
        disk::create_dir_all(folder).map_err(failed)?;
        fs::rename(&from, &to).map_err(failed)?;
        sync_up(&backup.path, &BTreeSet::from([folder.to_owned()])).map_err(failed)?;
        from.parent().map_or(Ok(()), disk::sync_dir).map_err(failed)
    }

    /// Replaces, makes and removes the files, each whole, all on disk when this returns. A folder that is left empty goes.
    pub fn rewrite(&self, changes: Vec<Rewrite>) -> Result<()> {
        let failed = |e| Error::storage("files cannot be rewritten", e);
        let (mut written, mut removed) = (Vec::new(), Vec::new());
        for Rewrite { label, content } in changes {
            let path = self.root().join(label);
            match content {
                Some(content) => written.push((path, Content::Bytes(content))),
                None => removed.push(path),
            }
        }
        write_all(self.root(), &written).map_err(failed)?;
        for path in removed {
            match fs::remove_file(&path) {
                Err(e) if e.kind() != ErrorKind::NotFound => return Err(failed(e)),
                _ => {}
            }
            if let Some(folder) = path.parent()
                && !self.remove_if_empty(folder).map_err(failed)?
                && is_there(folder).map_err(failed)?
            {
                disk::sync_dir(folder).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Puts an original back as it was, mode included; see [`PluginsFolder::rewrite`] for one that was not there.
    pub fn put_back(&self, originals: &[Original]) -> Result<()> {
        let failed = |e| Error::storage("originals cannot be put back", e);
        let kept = originals.iter().filter_map(|original| Some((self.root().join(&original.label), Content::Of(original.kept.clone()?))));
        write_all(self.root(), &kept.collect::<Vec<_>>()).map_err(failed)?;
        let absent = originals.iter().filter(|original| original.kept.is_none());
        self.rewrite(absent.map(|original| Rewrite { label: original.label.clone(), content: None }).collect())
    }

    /// Whether the file is what the original was.
    pub fn is_original(&self, original: &Original) -> Result<bool> {
        let failed = |e| Error::storage(format!("{} cannot be compared", original.label), e);
        let path = self.root().join(&original.label);
        match (&original.kept, is_there(&path).map_err(failed)?) {
            (Some(kept), true) => Ok(fs::read(kept).map_err(failed)? == fs::read(&path).map_err(failed)?),
            (kept, is_there) => Ok(kept.is_none() && !is_there),
        }
    }

    /// Removes a folder that is empty; whether it was is the answer.
    fn remove_if_empty(&self, folder: &Path) -> io::Result<bool> {
        match fs::remove_dir(folder) {
            Ok(()) => folder.parent().map_or(Ok(()), disk::sync_dir).map(|()| true),
            Err(e) if matches!(e.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::NotFound) => Ok(false),
            Err(e) => Err(e),
        }
    }
}

enum Content {
    Bytes(Vec<u8>),
    /// Of this file, mode included.
    Of(PathBuf),
}

fn mark_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ABSENT);
    name.into()
}

/// Writes many files below `base`, each whole, in waves that share the disk's journal: contents, names, folders.
fn write_all(base: &Path, files: &[(PathBuf, Content)]) -> io::Result<()> {
    let folders: BTreeSet<PathBuf> = files.iter().filter_map(|(path, _)| path.parent().map(Path::to_owned)).collect();
    for folder in &folders {
        disk::create_dir_all(folder)?;
    }
    let named = |path: &Path, e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", path.strip_prefix(base).unwrap_or(path).display()));
    disk::in_parallel(files, |(path, content)| write_one(path, content).map_err(|e| named(path, e)))?;
    for (path, _) in files {
        fs::rename(temporary(path), path).map_err(|e| named(path, e))?;
    }
    sync_up(base, &folders)
}

/// The content beside its place, on disk.
fn write_one(path: &Path, content: &Content) -> io::Result<()> {
    let temporary = temporary(path);
    match fs::remove_file(&temporary) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let file = match content {
        Content::Bytes(bytes) => {
            let mut file = disk::create_file(&temporary)?;
            file.write_all(bytes)?;
            file
        }
        Content::Of(from) => {
            fs::copy(from, &temporary)?;
            File::open(&temporary)?
        }
    };
    file.sync_all()
}

fn temporary(path: &Path) -> PathBuf {
    path.with_extension(TEMPORARY)
}

/// Syncs the folders and those above them, up to `base`.
fn sync_up(base: &Path, folders: &BTreeSet<PathBuf>) -> io::Result<()> {
    let above = folders.iter().flat_map(|folder| folder.ancestors().take_while(|folder| folder.starts_with(base)));
    let all: BTreeSet<&Path> = above.collect();
    disk::in_parallel(&all.into_iter().collect::<Vec<_>>(), |folder| disk::sync_dir(folder))
}
