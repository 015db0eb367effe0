//! The only code that touches the plugins folder: releases, records, uploads and archives. It knows the domain, and
//! neither the database nor HTTP. Everything blocks, except the functions marked `async`, which hop threads themselves.

mod archive;
mod backups;
mod contents;
mod digest;
mod disk;
mod encodings;
mod in_place;
mod limits;
mod locks;
mod old_folder;
mod record_files;
mod records;
mod releases;
mod spool;
mod staging;
mod stream;
mod upload;
mod zip_stream;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

pub use backups::{Backup, Original, Rewrite};
pub use contents::Mark;
pub use encodings::{CheckedCopy, EncodedCopy, FoundCopy};
pub use in_place::{FoundFile, FoundRelease, InShared};
pub use limits::Limits;
pub use locks::FolderLock;
pub use old_folder::{Description, Examined, InstallerNote, OldFolder, OldPlugin, OldRecords, OldRelease, Place};
pub use record_files::{InUsers, RecordFolder};
pub use records::{UserRecord, entries_text, entry_of};
pub use releases::Retired;
pub use spool::{Spool, Spooled};
pub use staging::{Staged, StagedFile};
pub use stream::read_stream;
pub use upload::{Archive, Upload};

use crate::error::{Error, Result};

/// The plugins folder (setting `plugins_dir`). Clones are cheap and stand for the same folder.
#[derive(Debug, Clone)]
#[doc(alias = "Storage Manager")]
#[doc(alias = "StorageManager")]
pub struct PluginsFolder {
    root: Arc<Path>,
}

impl PluginsFolder {
    /// Opens the folder, and makes it and its parts where they are missing (mode 0700: what lies here is for the server
    /// alone). The folder itself may be a link, its parts may not.
    pub fn open(root: &Path) -> Result<Self> {
        let unusable = |e: std::io::Error| Error::Setup(format!("the plugins folder {} cannot be used: {e}", root.display()));
        if !root.exists() {
            disk::create_dir_all(root).map_err(unusable)?;
        }
        let folder = Self { root: root.canonicalize().map_err(unusable)?.into() };
        for part in [folder.shared(), folder.users(), folder.cache(), folder.locks()] {
            disk::ensure_dir(&part).map_err(|e| Error::Setup(format!("{} cannot be used: {e}", part.display())))?;
        }
        Ok(folder)
    }

    /// The folder's absolute path, without links.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether files can be written here at this moment, tried by writing one.
    pub fn writable(&self) -> Result<()> {
        let probe = || {
            let mut file = tempfile::Builder::new().prefix(staging::PROBE_PREFIX).tempfile_in(self.cache())?;
            file.write_all(b"writable?")?;
            file.as_file().sync_all()?;
            file.close()
        };
        probe().map_err(|e| Error::storage("the plugins folder is not writable", e))
    }

    fn shared(&self) -> PathBuf {
        self.root.join("shared")
    }

    fn users(&self) -> PathBuf {
        self.root.join("users")
    }

    fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    fn locks(&self) -> PathBuf {
        self.root.join(".locks")
    }

    /// A path for messages: relative to the plugins folder, never absolute.
    fn label(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(Path::new("a file")).to_string_lossy().replace('\\', "/")
    }
}

/// Whether something is there, a link counting as something; only "not found" means no.
fn is_there(path: &Path) -> std::io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opening_makes_the_parts_for_the_server_alone_and_can_be_repeated() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().join("deep/plugins");
        let folder = PluginsFolder::open(&root).unwrap();
        PluginsFolder::open(&root).unwrap();
        for part in ["shared", "users", "cache", ".locks"] {
            let metadata = fs::metadata(root.join(part)).unwrap();
            assert!(metadata.is_dir());
            #[cfg(unix)]
            assert_eq!(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777, 0o700);
        }
        folder.writable().unwrap();
        assert_eq!(fs::read_dir(folder.cache()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_told() {
        let temp = tempfile::tempdir().unwrap();
        let folder = PluginsFolder::open(temp.path()).unwrap();
        fs::remove_dir(folder.cache()).unwrap();
        assert!(matches!(folder.writable(), Err(Error::Storage { .. })));
        let file = temp.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(matches!(PluginsFolder::open(&file), Err(Error::Setup(_))));
    }

    #[cfg(unix)]
    #[test]
    fn the_folder_may_be_a_link_but_its_parts_may_not() {
        let temp = tempfile::tempdir().unwrap();
        let real = temp.path().join("real");
        PluginsFolder::open(&real).unwrap();
        std::os::unix::fs::symlink(&real, temp.path().join("link")).unwrap();
        assert_eq!(PluginsFolder::open(&temp.path().join("link")).unwrap().root(), real.canonicalize().unwrap());
        fs::remove_dir(real.join("shared")).unwrap();
        std::os::unix::fs::symlink(temp.path(), real.join("shared")).unwrap();
        assert!(matches!(PluginsFolder::open(&real), Err(Error::Setup(_))));
    }
}
