//! Releases in place: `shared/<slug>/v<version>/`, immutable once visible.

use std::{
    fs::{self, File},
    io::ErrorKind,
    path::PathBuf,
};

use same_file::Handle;

use super::{PluginsFolder, Staged, disk, is_there, staging::StagingFolder};
use crate::{
    domain::{
        ReleasePath, Slug, Version,
        paths::{construct_shared_path, shared_path_label},
    },
    error::{Error, Result},
};

impl PluginsFolder {
    /// Gives the staged release its name, durably. Called inside the database transaction that inserts its row, after the
    /// insert: the unique key decides among parallel publishers, so whatever lies here has no row (a transaction failed
    /// after this, or a process was killed) and is moved aside. When this transaction fails, too, the next publish does
    /// the same. Placing again under the same name changes nothing.
    ///
    /// # Errors
    ///
    /// `Busy` when it was placed before by a transaction that did not commit, and somebody has taken it away since.
    pub fn place(&self, staged: &mut Staged, slug: &Slug, version: &Version) -> Result<()> {
        let target = self.release_folder(slug, version);
        let label = shared_path_label(slug, version);
        let failed = |e| Error::storage(format!("{label} cannot be put in place"), e);
        let parent = self.shared().join(slug.as_str());
        if let Some(placed) = &staged.placed {
            let is_there = Handle::from_path(&target).is_ok_and(|there| there == *placed);
            // Once more, because that may be what failed.
            return if is_there { disk::sync_dir(&parent).map_err(failed) } else { Err(Error::Busy { what: "this release" }) };
        }
        disk::ensure_dir(&parent).map_err(failed)?;
        if is_there(&target).map_err(failed)? {
            // Into the staging folder, which goes with all it holds when the caller drops it, outside the transaction.
            let aside = tempfile::Builder::new().prefix("aside-").tempdir_in(staged.staging.path()).map_err(failed)?.keep();
            fs::rename(&target, aside.join("release")).map_err(failed)?;
        }
        let itself = Handle::from_path(&staged.root).map_err(failed)?;
        fs::rename(&staged.root, &target).map_err(failed)?;
        staged.placed = Some(itself);
        staged.root = target;
        disk::sync_dir(&parent).map_err(failed)
    }

    /// Where the release's files lie, whether they do or not.
    pub fn release_folder(&self, slug: &Slug, version: &Version) -> PathBuf {
        construct_shared_path(self.root(), slug, version)
    }

    pub fn release_exists(&self, slug: &Slug, version: &Version) -> Result<bool> {
        let found = fs::symlink_metadata(self.release_folder(slug, version));
        match found {
            Ok(metadata) => Ok(metadata.is_dir()),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
            Err(e) => Err(Error::storage(format!("{} cannot be examined", shared_path_label(slug, version)), e)),
        }
    }

    /// The path of a release's file, none when there is no such file. A link anywhere below the plugins folder is damage:
    /// nothing here makes one.
    pub fn file(&self, slug: &Slug, version: &Version, path: &ReleasePath) -> Result<Option<PathBuf>> {
        let relative = shared_path_label(slug, version);
        let mut at = self.root().to_owned();
        let mut components = relative.split('/').chain(path.components()).peekable();
        while let Some(component) = components.next() {
            at.push(component);
            let metadata = match fs::symlink_metadata(&at) {
                Ok(metadata) => metadata,
                Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
                Err(e) => return Err(Error::storage(format!("{} cannot be examined", self.label(&at)), e)),
            };
            let is_last = components.peek().is_none();
            match metadata.file_type() {
                kind if kind.is_dir() && !is_last => {}
                kind if kind.is_file() && is_last => {}
                kind if kind.is_file() || kind.is_dir() => return Ok(None),
                _ => return Err(Error::damaged(format!("{} is neither a file nor a folder", self.label(&at)))),
            }
        }
        Ok(Some(at))
    }

    /// Opens a release's file for reading, none when there is no such file.
    pub fn open_file(&self, slug: &Slug, version: &Version, path: &ReleasePath) -> Result<Option<File>> {
        let Some(found) = self.file(slug, version, path)? else { return Ok(None) };
        match File::open(&found) {
            Ok(file) => Ok(Some(file)),
            // Removed since it was found.
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::storage(format!("{} cannot be opened", self.label(&found)), e)),
        }
    }

    /// Takes a release's folder away from its name, durably; what it held goes with the answer. None when there was none.
    pub fn retire_release(&self, slug: &Slug, version: &Version) -> Result<Option<Retired>> {
        if !self.release_exists(slug, version)? {
            return Ok(None);
        }
        let target = self.release_folder(slug, version);
        let failed = |e| Error::storage(format!("{} cannot be removed", shared_path_label(slug, version)), e);
        let bin = self.begin_staging()?;
        match fs::rename(&target, bin.path().join("release")) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            outcome => outcome.map_err(failed)?,
        }
        target.parent().map_or(Ok(()), disk::sync_dir).map_err(failed)?;
        Ok(Some(Retired(bin)))
    }
}

/// The files of a release that has lost its name. Killed before they are removed, the next start does it.
#[derive(Debug)]
pub struct Retired(StagingFolder);

impl Retired {
    /// Removes the files, which takes as long as there are many.
    pub fn remove(self) -> Result<()> {
        self.0.remove()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::files::Limits;

    struct Fixture {
        temp: tempfile::TempDir,
        folder: PluginsFolder,
        slug: Slug,
        version: Version,
    }

    impl Fixture {
        fn new() -> Self {
            let temp = tempfile::tempdir().unwrap();
            let folder = PluginsFolder::open(&temp.path().join("plugins")).unwrap();
            Self { temp, folder, slug: "Demo".parse().unwrap(), version: "1.0.0".parse().unwrap() }
        }

        async fn stage(&self, content: &str) -> Staged {
            let source = self.temp.path().join("source");
            fs::create_dir_all(source.join("dist")).unwrap();
            fs::write(source.join("plugin.json"), "{}").unwrap();
            fs::write(source.join("dist/main.js"), content).unwrap();
            self.folder.stage_folder(source, Limits::default()).await.unwrap()
        }

        fn served(&self) -> Option<String> {
            let mut text = String::new();
            let file = self.folder.open_file(&self.slug, &self.version, &"dist/main.js".parse().unwrap()).unwrap();
            file.map(|mut file| file.read_to_string(&mut text).unwrap()).map(|_| text)
        }

        fn cached(&self) -> usize {
            fs::read_dir(self.folder.cache()).unwrap().count()
        }
    }

    #[tokio::test]
    async fn a_placed_release_stays_when_the_staging_goes() {
        let fixture = Fixture::new();
        let mut staged = fixture.stage("one").await;
        assert_eq!(fixture.served(), None);
        fixture.folder.place(&mut staged, &fixture.slug, &fixture.version).unwrap();
        fixture.folder.place(&mut staged, &fixture.slug, &fixture.version).unwrap();
        assert_eq!(staged.read(&"dist/main.js".parse().unwrap(), 3).unwrap(), b"one");
        drop(staged);
        assert_eq!(fixture.served().as_deref(), Some("one"));
        assert_eq!(fixture.cached(), 0);
    }

    #[tokio::test]
    async fn what_a_failed_transaction_left_makes_room() {
        let fixture = Fixture::new();
        let mut first = fixture.stage("one").await;
        fixture.folder.place(&mut first, &fixture.slug, &fixture.version).unwrap();
        drop(first);
        let mut second = fixture.stage("two").await;
        fixture.folder.place(&mut second, &fixture.slug, &fixture.version).unwrap();
        assert_eq!(fixture.served().as_deref(), Some("two"));
        drop(second);
        assert_eq!(fixture.served().as_deref(), Some("two"));
        assert_eq!(fixture.cached(), 0);
    }

    #[tokio::test]
    async fn what_others_have_taken_away_is_not_taken_for_placed() {
        let fixture = Fixture::new();
        let (mut first, mut second) = (fixture.stage("one").await, fixture.stage("two").await);
        fixture.folder.place(&mut first, &fixture.slug, &fixture.version).unwrap();
        fixture.folder.place(&mut second, &fixture.slug, &fixture.version).unwrap();
        let again = fixture.folder.place(&mut first, &fixture.slug, &fixture.version);
        assert!(matches!(again, Err(Error::Busy { .. })), "{again:?}");
        assert_eq!(fixture.served().as_deref(), Some("two"));
        fixture.folder.retire_release(&fixture.slug, &fixture.version).unwrap().unwrap().remove().unwrap();
        let again = fixture.folder.place(&mut second, &fixture.slug, &fixture.version);
        assert!(matches!(again, Err(Error::Busy { .. })), "{again:?}");
    }

    #[tokio::test]
    async fn a_removed_release_is_gone_and_can_be_removed_again() {
        let fixture = Fixture::new();
        let mut staged = fixture.stage("one").await;
        fixture.folder.place(&mut staged, &fixture.slug, &fixture.version).unwrap();
        drop(staged);
        assert!(fixture.folder.release_exists(&fixture.slug, &fixture.version).unwrap());
        fixture.folder.retire_release(&fixture.slug, &fixture.version).unwrap().unwrap().remove().unwrap();
        assert!(fixture.folder.retire_release(&fixture.slug, &fixture.version).unwrap().is_none());
        assert!(!fixture.folder.release_exists(&fixture.slug, &fixture.version).unwrap());
        assert_eq!(fixture.served(), None);
        assert_eq!(fixture.cached(), 0);
    }

    #[tokio::test]
    async fn only_files_are_opened() {
        let fixture = Fixture::new();
        let mut staged = fixture.stage("one").await;
        fixture.folder.place(&mut staged, &fixture.slug, &fixture.version).unwrap();
        for absent in ["dist", "dist/none.js", "dist/main.js/below"] {
            assert!(fixture.folder.open_file(&fixture.slug, &fixture.version, &absent.parse().unwrap()).unwrap().is_none(), "{absent}");
        }
        assert!(fixture.folder.open_file(&"Other".parse().unwrap(), &fixture.version, &"a".parse().unwrap()).unwrap().is_none());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_link_is_damage_wherever_it_stands() {
        use std::os::unix::fs::symlink;
        let fixture = Fixture::new();
        let mut staged = fixture.stage("one").await;
        fixture.folder.place(&mut staged, &fixture.slug, &fixture.version).unwrap();
        let release = fixture.folder.release_folder(&fixture.slug, &fixture.version);
        let secret = fixture.temp.path().join("secret");
        fs::write(&secret, "secret").unwrap();
        symlink(&secret, release.join("file.js")).unwrap();
        symlink(fixture.temp.path(), release.join("folder")).unwrap();
        symlink(release.parent().unwrap(), fixture.folder.shared().join("Linked")).unwrap();
        let open = |slug: &Slug, path: &str| fixture.folder.open_file(slug, &fixture.version, &path.parse().unwrap());
        for (slug, path) in [("Demo", "file.js"), ("Demo", "folder/secret"), ("Linked", "dist/main.js")] {
            let refused = open(&slug.parse().unwrap(), path).unwrap_err();
            assert!(matches!(&refused, Error::Storage { .. }));
            assert!(!refused.to_string().contains(fixture.temp.path().to_str().unwrap()), "{refused}");
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn files_are_for_the_server_alone_and_never_executable() {
        use std::os::unix::fs::PermissionsExt;
        let fixture = Fixture::new();
        fixture.stage("one").await;
        fs::set_permissions(fixture.temp.path().join("source/dist/main.js"), fs::Permissions::from_mode(0o777)).unwrap();
        let mut staged = fixture.stage("two").await;
        fixture.folder.place(&mut staged, &fixture.slug, &fixture.version).unwrap();
        let release = fixture.folder.release_folder(&fixture.slug, &fixture.version);
        let mode = |path: &str| fs::metadata(release.join(path)).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode(""), mode("dist"), mode("dist/main.js")), (0o700, 0o700, 0o600));
    }
}
