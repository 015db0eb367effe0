//! Folders in `cache/` in which a release takes shape. Each holds a locked file for as long as it is in use, so that
//! start-up can tell what a killed process left from what a living one needs.

use std::{
    fs::{self, File, TryLockError},
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
};

use same_file::Handle;
use tempfile::TempDir;

use super::{Limits, PluginsFolder, archive, disk, upload::Archive};
use crate::{
    domain::ReleasePath,
    error::{Error, Result},
    offload,
};

const STAGING_PREFIX: &str = "staging-";
pub(super) const PROBE_PREFIX: &str = "probe-";
const LOCK_NAME: &str = "lock";

/// A release that is complete and on disk, but has no name yet. Dropping it removes what was not placed, which blocks.
#[derive(Debug)]
pub struct Staged {
    /// Sorted by path; never empty.
    pub files: Vec<StagedFile>,
    /// Lower-case hex of sha256 over the sorted paths, sizes and hashes; `files/digest.rs` has the exact format.
    pub digest: String,
    /// All files together, in bytes.
    pub size: u64,
    /// The one folder that everything lay in, if there was one.
    pub top_folder: Option<String>,
    /// The folder whose content is the release's.
    pub(super) root: PathBuf,
    /// Itself, if it was put in place.
    pub(super) placed: Option<Handle>,
    pub(super) staging: StagingFolder,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedFile {
    pub path: ReleasePath,
    pub size: u64,
    pub sha256: [u8; 32],
    pub sha384: [u8; 48],
}

impl Staged {
    pub fn file(&self, path: &ReleasePath) -> Option<&StagedFile> {
        self.files.binary_search_by(|file| file.path.cmp(path)).ok().and_then(|at| self.files.get(at))
    }

    /// The content of one file, refused when it is larger than `max_bytes`.
    pub fn read(&self, path: &ReleasePath, max_bytes: u64) -> Result<Vec<u8>> {
        let file = self.file(path).ok_or_else(|| Error::NotFound(format!("{path} in the package")))?;
        if file.size > max_bytes {
            return Err(Error::TooLarge { what: "file", limit: max_bytes, actual: Some(file.size) });
        }
        fs::read(path.under(&self.root)).map_err(|e| Error::storage("a staged file cannot be read", e))
    }
}

impl PluginsFolder {
    /// Checks and unpacks an uploaded archive; the archive's own file is gone afterwards.
    pub async fn unpack(&self, archive: Archive, limits: Limits) -> Result<Staged> {
        offload::run(move || archive::unpack(archive.staging, &archive.path, &limits)).await
    }

    /// Checks and unpacks an archive that lies on this machine, where it stays.
    pub async fn stage_archive_file(&self, path: PathBuf, limits: Limits) -> Result<Staged> {
        let folder = self.clone();
        offload::run(move || archive::unpack(folder.begin_staging()?, &path, &limits)).await
    }

    /// Checks and copies a folder on this machine. Links and everything that is neither file nor folder are refused; only
    /// `__MACOSX` and `.DS_Store` are left out (a `.git` or `node_modules` is published like everything else).
    pub async fn stage_folder(&self, path: PathBuf, limits: Limits) -> Result<Staged> {
        let folder = self.clone();
        offload::run(move || archive::copy_folder(folder.begin_staging()?, &path, &limits)).await
    }

    /// Removes what killed processes left in `cache/`; what a living process holds stays. Returns how many were removed.
    pub fn remove_leftovers(&self) -> Result<usize> {
        // Nobody is between making a folder and locking it while this is held.
        let _alone = self.lock_cache(true)?;
        let failed = |e| Error::storage("cache/ cannot be cleaned", e);
        let mut removed = self.remove_half_copies().map_err(failed)?;
        for path in self.find_leftovers().map_err(failed)? {
            let outcome = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed += usize::from(remove(outcome).map_err(failed)?);
        }
        Ok(removed)
    }

    /// What [`PluginsFolder::remove_leftovers`] would remove, by its path in the plugins folder.
    pub fn leftovers(&self) -> Result<Vec<String>> {
        let _alone = self.lock_cache(true)?;
        let found = self.find_leftovers().map_err(|e| Error::storage("cache/ cannot be read", e))?;
        Ok(found.iter().map(|path| self.label(path)).collect())
    }

    fn find_leftovers(&self) -> std::io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.cache())? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(PROBE_PREFIX) || name.starts_with(STAGING_PREFIX) && !in_use(&entry.path())? {
                found.push(entry.path());
            }
        }
        found.sort();
        Ok(found)
    }

    pub(super) fn begin_staging(&self) -> Result<StagingFolder> {
        let _no_sweep = self.lock_cache(false)?;
        StagingFolder::new(&self.cache()).map_err(|e| Error::storage("no staging folder can be made in cache/", e))
    }
}

/// Whether something was there to remove.
fn remove(outcome: std::io::Result<()>) -> std::io::Result<bool> {
    match outcome {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e),
    }
}

fn in_use(staging: &Path) -> std::io::Result<bool> {
    let lock = match File::open(staging.join(LOCK_NAME)) {
        Ok(lock) => lock,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(e),
    };
    match lock.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(e)) => Err(e),
    }
}

/// A fresh folder in `cache/` with its lock held; gone when dropped.
#[derive(Debug)]
pub(super) struct StagingFolder {
    folder: Option<TempDir>,
    path: PathBuf,
    _lock: File,
}

impl StagingFolder {
    fn new(cache: &Path) -> std::io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(STAGING_PREFIX);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let folder = builder.tempdir_in(cache)?;
        let path = folder.path().to_owned();
        let lock = disk::create_file(&path.join(LOCK_NAME))?;
        lock.lock()?;
        Ok(Self { folder: Some(folder), path, _lock: lock })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the folder now, and tells when that fails.
    pub fn remove(mut self) -> Result<()> {
        match self.folder.take().map(TempDir::close) {
            Some(Err(e)) => Err(Error::storage("a folder in cache/ cannot be removed", e)),
            _ => Ok(()),
        }
    }
}

impl Drop for StagingFolder {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.folder.take().map(TempDir::close) {
            tracing::warn!(%error, "a staging folder stays in cache/ until the next start");
        }
    }
}

/// Reads until the buffer is full or the content ends, so that hashing and writing see whole blocks.
pub(super) fn fill(reader: &mut (impl Read + ?Sized), buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_go_and_what_is_in_use_stays() {
        let temp = tempfile::tempdir().unwrap();
        let folder = PluginsFolder::open(temp.path()).unwrap();
        let living = folder.begin_staging().unwrap();
        let cache = folder.cache();
        fs::create_dir_all(cache.join("staging-killed/files/a")).unwrap();
        fs::write(cache.join("staging-killed/lock"), "").unwrap();
        fs::create_dir(cache.join("staging-killed-early")).unwrap();
        fs::write(cache.join("probe-x"), "").unwrap();
        fs::create_dir(cache.join("encoded")).unwrap();

        assert_eq!(folder.remove_leftovers().unwrap(), 3);
        assert!(living.path().is_dir());
        assert!(cache.join("encoded").is_dir());
        assert_eq!(folder.remove_leftovers().unwrap(), 0);
        drop(living);
        assert_eq!(fs::read_dir(cache).unwrap().count(), 1);
    }
}
