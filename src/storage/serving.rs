//! The right to serve an SQLite file, which one process has at a time. PostgreSQL takes any number of servers.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use crate::{
    domain::DatabaseUrl,
    error::{Error, Result},
};

/// Held until it is dropped; the kernel releases it with the process.
#[derive(Debug)]
#[must_use = "the lock is released when this is dropped"]
pub struct ServingLock {
    _file: Option<File>,
}

/// Takes the right to serve this database.
///
/// # Errors
///
/// `Error::Setup` when another process serves the same file, by whatever path.
pub fn lock(url: &DatabaseUrl) -> Result<ServingLock> {
    let DatabaseUrl::Sqlite(path) = url else { return Ok(ServingLock { _file: None }) };
    let unusable = |e: io::Error| Error::Setup(format!("the lock beside the database {} cannot be taken: {e}", path.display()));
    let file = lock_file(path).and_then(|path| open(&path)).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(ServingLock { _file: Some(file) }),
        Err(TryLockError::WouldBlock) => Err(Error::Setup(format!(
            "another `plugyard serve` uses the database {}; an SQLite file is served by one process, PostgreSQL by several",
            path.display()
        ))),
        Err(TryLockError::Error(e)) => Err(unusable(e)),
    }
}

/// Beside the file itself, so that every path that leads to it leads to one lock. Never the file: closing it anywhere in
/// the process would drop SQLite's own locks (https://www.sqlite.org/howtocorrupt.html, section 2.2).
fn lock_file(database: &Path) -> io::Result<PathBuf> {
    let real = match database.canonicalize() {
        // The first start: nothing to be led astray by yet.
        Err(e) if e.kind() == ErrorKind::NotFound => database.to_owned(),
        real => real?,
    };
    let mut name = real.into_os_string();
    name.push(".serve.lock");
    Ok(name.into())
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlite(path: &Path) -> DatabaseUrl {
        DatabaseUrl::Sqlite(path.to_owned())
    }

    #[test]
    fn one_process_serves_a_file_and_another_file_is_free() {
        let temp = tempfile::tempdir().unwrap();
        let held = lock(&sqlite(&temp.path().join("a.db"))).unwrap();
        let refused = lock(&sqlite(&temp.path().join("a.db"))).unwrap_err();
        assert!(matches!(&refused, Error::Setup(why) if why.contains("another `plugyard serve`")), "{refused}");
        drop(lock(&sqlite(&temp.path().join("b.db"))).unwrap());
        drop(held);
        drop(lock(&sqlite(&temp.path().join("a.db"))).unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_leads_to_the_same_lock() {
        let temp = tempfile::tempdir().unwrap();
        let real = temp.path().join("a.db");
        std::fs::write(&real, "").unwrap();
        std::os::unix::fs::symlink(&real, temp.path().join("link.db")).unwrap();
        let _held = lock(&sqlite(&temp.path().join("link.db"))).unwrap();
        assert!(lock(&sqlite(&real)).is_err());
    }

    #[test]
    fn several_servers_share_postgresql() {
        let url: DatabaseUrl = "postgres://h/d".parse().unwrap();
        let _first = lock(&url).unwrap();
        let _second = lock(&url).unwrap();
    }
}
