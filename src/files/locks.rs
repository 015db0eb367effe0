//! Locks between processes: who may use the plugins folder, and who writes one user's records. The kernel releases them
//! with the process, so a crash leaves none behind; lock files stay, because removing one would split its holders.

use std::fs::{File, TryLockError};

use super::{PluginsFolder, disk};
use crate::{
    domain::UserId,
    error::{Error, Result},
};

/// A lock that is held until it is dropped.
#[derive(Debug)]
#[must_use = "the lock is released when this is dropped"]
pub struct FolderLock {
    _file: File,
}

impl PluginsFolder {
    /// For `serve` and everyday commands, any number at once. Refused while a bulk rewrite holds the folder.
    pub fn lock_shared(&self) -> Result<FolderLock> {
        let file = self.lock_file("plugins")?;
        let held = file.try_lock_shared();
        taken(
            file,
            held,
            "a bulk rewrite of the plugins folder is running (migrate-records, import or doctor --repair); try again when it is done",
        )
    }

    /// For bulk rewrites, alone. Refused while any other plugyard process uses the folder.
    pub fn lock_exclusive(&self) -> Result<FolderLock> {
        let file = self.lock_file("plugins")?;
        let held = file.try_lock();
        taken(file, held, "another plugyard process uses the plugins folder; stop it first")
    }

    /// One holder of `name` at a time, for whatever else must be alone; `refusal` tells whoever comes second.
    pub fn lock_named(&self, name: &'static str, refusal: &str) -> Result<FolderLock> {
        let file = self.lock_file(name)?;
        let held = file.try_lock();
        taken(file, held, refusal)
    }

    /// Waits for the lock on one user's records. Users share 256 lock files, so that many users do not mean many files;
    /// nobody may hold two of these at once.
    pub(super) fn lock_records(&self, user: &UserId) -> Result<FolderLock> {
        let stripe = user.as_str().get(..2).unwrap_or_default();
        let file = self.lock_file(&format!("records-{stripe}"))?;
        file.lock().map_err(|e| Error::storage("the records' lock cannot be taken", e))?;
        Ok(FolderLock { _file: file })
    }

    /// Waits for the lock on the names in `cache/`: shared to begin a staging folder, exclusive to sweep leftovers.
    pub(super) fn lock_cache(&self, exclusively: bool) -> Result<FolderLock> {
        let file = self.lock_file("cache")?;
        let held = if exclusively { file.lock() } else { file.lock_shared() };
        held.map_err(|e| Error::storage("the cache's lock cannot be taken", e))?;
        Ok(FolderLock { _file: file })
    }

    fn lock_file(&self, name: &str) -> Result<File> {
        disk::open_lock_file(&self.locks().join(format!("{name}.lock")))
            .map_err(|e| Error::storage(format!("the lock file {name}.lock cannot be opened"), e))
    }
}

fn taken(file: File, held: Result<(), TryLockError>, refusal: &str) -> Result<FolderLock> {
    match held {
        Ok(()) => Ok(FolderLock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(Error::Setup(refusal.to_owned())),
        Err(TryLockError::Error(e)) => Err(Error::storage("a lock on the plugins folder cannot be taken", e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyday_work_and_bulk_rewrites_exclude_each_other() {
        let temp = tempfile::tempdir().unwrap();
        let folder = PluginsFolder::open(temp.path()).unwrap();
        let first = folder.lock_shared().unwrap();
        let second = folder.lock_shared().unwrap();
        assert!(matches!(folder.lock_exclusive(), Err(Error::Setup(why)) if why.contains("another plugyard process")));
        drop(first);
        assert!(folder.lock_exclusive().is_err());
        drop(second);
        let bulk = folder.lock_exclusive().unwrap();
        assert!(matches!(folder.lock_shared(), Err(Error::Setup(why)) if why.contains("migrate-records")));
        assert!(folder.lock_exclusive().is_err());
        drop(bulk);
        drop(folder.lock_shared().unwrap());
    }

    #[test]
    fn a_named_lock_has_one_holder_and_says_so() {
        let temp = tempfile::tempdir().unwrap();
        let folder = PluginsFolder::open(temp.path()).unwrap();
        let held = folder.lock_named("serve", "already serving").unwrap();
        assert!(matches!(folder.lock_named("serve", "already serving"), Err(Error::Setup(why)) if why == "already serving"));
        drop(folder.lock_named("other", "").unwrap());
        drop(held);
        drop(folder.lock_named("serve", "").unwrap());
    }
}
