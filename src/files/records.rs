//! Installation records: `users/user_<id>/installed_plugins.json`, per slug exactly one member `installation_metadata`.
//! A damaged file is an error that names it; it is never read as empty and never overwritten.

use std::{
    collections::BTreeMap,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};

use super::{PluginsFolder, disk, is_there};
use crate::{
    domain::{Slug, UserId, Version, record::InstallationMetadata},
    error::{Error, Result},
};

pub(super) const FILE_NAME: &str = "installed_plugins.json";
const METADATA: &str = "installation_metadata";

/// One slug's entry in a user's file.
#[derive(Debug, Clone, PartialEq)]
pub enum UserRecord {
    Record(InstallationMetadata),
    /// The form of older servers, which repeats what the database holds; as it stands in the file. It counts as
    /// installed, but the file cannot be written before `migrate-records` has shortened it.
    Long(Map<String, Value>),
}

impl PluginsFolder {
    /// Writes the record of a user's plugin, replacing one that is there. On disk when this returns.
    pub fn register_user_plugin(&self, user: &UserId, slug: &Slug, metadata: &InstallationMetadata) -> Result<()> {
        let _alone = self.lock_records(user)?;
        let mut entries = self.read_entries(user)?;
        self.refuse_long(user, &entries)?;
        let entry = entry_of(metadata).map_err(|e| Error::storage(format!("the record of {slug} cannot be written"), e))?;
        entries.insert(slug.to_string(), entry);
        self.write_entries(user, &entries)
    }

    /// Removes the record of a user's plugin. Whether there was one is the answer; that there was none is fine.
    pub fn unregister_user_plugin(&self, user: &UserId, slug: &Slug) -> Result<bool> {
        let _alone = self.lock_records(user)?;
        let mut entries = self.read_entries(user)?;
        if !entries.contains_key(slug.as_str()) {
            return Ok(false);
        }
        self.refuse_long(user, &entries)?;
        entries.shift_remove(slug.as_str());
        self.write_entries(user, &entries)?;
        Ok(true)
    }

    /// The release folder of a plugin the user has, built from slug and version; none without a record.
    pub fn get_user_plugin_path(&self, user: &UserId, slug: &Slug, version: &Version) -> Result<Option<PathBuf>> {
        Ok(self.plugin_exists_for_user(user, slug)?.then(|| self.release_folder(slug, version)))
    }

    /// Whether the user has a record of this plugin.
    pub fn plugin_exists_for_user(&self, user: &UserId, slug: &Slug) -> Result<bool> {
        Ok(self.read_entries(user)?.contains_key(slug.as_str()))
    }

    /// All records of a user, by slug as the file spells it.
    pub fn read_user_records(&self, user: &UserId) -> Result<BTreeMap<String, UserRecord>> {
        let entries = self.read_entries(user)?;
        entries.into_iter().map(|(slug, entry)| Ok((slug.clone(), self.record(user, &slug, entry)?))).collect()
    }

    /// Refuses a file that could not be written: a damaged one, and one with entries in the long form.
    pub fn check_user_records(&self, user: &UserId) -> Result<()> {
        self.refuse_long(user, &self.read_entries(user)?)
    }

    /// Removes a user's records together with their folder. Whether there was one is the answer.
    pub fn remove_user(&self, user: &UserId) -> Result<bool> {
        let _alone = self.lock_records(user)?;
        let folder = self.user_folder(user);
        let failed = |e| Error::storage(format!("{} cannot be removed", self.label(&folder)), e);
        if !is_there(&folder).map_err(failed)? {
            return Ok(false);
        }
        fs::remove_dir_all(&folder).map_err(failed)?;
        disk::sync_dir(&self.users()).map_err(failed)?;
        Ok(true)
    }

    fn user_folder(&self, user: &UserId) -> PathBuf {
        self.users().join(format!("user_{user}"))
    }

    /// The file's entries in its own order, each known to be one of the two forms. Needs no lock: the file is only ever
    /// replaced whole.
    fn read_entries(&self, user: &UserId) -> Result<Map<String, Value>> {
        let path = self.user_folder(user).join(FILE_NAME);
        let Some(text) = self.read_plain(&path)? else { return Ok(Map::new()) };
        let damaged = |e| Error::storage(format!("{} is damaged and was left as it is", self.label(&path)), e);
        let entries: Map<String, Value> = serde_json::from_slice(&text).map_err(damaged)?;
        for (slug, entry) in &entries {
            self.record(user, slug, entry.clone())?;
        }
        Ok(entries)
    }

    /// None when there is no such file. Links are not followed.
    fn read_plain(&self, path: &Path) -> Result<Option<Vec<u8>>> {
        let failed = |e| Error::storage(format!("{} cannot be read", self.label(path)), e);
        for (part, is_folder) in path.parent().map(|folder| (folder, true)).into_iter().chain([(path, false)]) {
            match fs::symlink_metadata(part) {
                Ok(metadata) if metadata.is_dir() == is_folder && metadata.is_file() != is_folder => {}
                Ok(_) => {
                    return Err(Error::damaged(format!("{} is not a {}", self.label(part), if is_folder { "folder" } else { "file" })));
                }
                Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
                Err(e) => return Err(failed(e)),
            }
        }
        match fs::read(path) {
            Ok(text) => Ok(Some(text)),
            // Removed since it was found.
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(failed(e)),
        }
    }

    fn record(&self, user: &UserId, slug: &str, entry: Value) -> Result<UserRecord> {
        let place = || format!("{}, entry {slug:?}", self.label(&self.user_folder(user).join(FILE_NAME)));
        let Value::Object(mut entry) = entry else { return Err(Error::damaged(format!("{} is not an object", place()))) };
        if is_long(&entry) {
            return Ok(UserRecord::Long(entry));
        }
        let metadata = entry.remove(METADATA).ok_or_else(|| Error::damaged(format!("{} has no {METADATA}", place())))?;
        let metadata = serde_json::from_value(metadata).map_err(|e| Error::storage(format!("{} cannot be read", place()), e))?;
        Ok(UserRecord::Record(metadata))
    }

    fn refuse_long(&self, user: &UserId, entries: &Map<String, Value>) -> Result<()> {
        let long = entries.iter().find(|(_, entry)| entry.as_object().is_some_and(is_long));
        let Some((slug, _)) = long else { return Ok(()) };
        let file = self.label(&self.user_folder(user).join(FILE_NAME));
        Err(Error::damaged(format!("{file} still holds entries in the long form ({slug:?}); run `plugyard migrate-records` first")))
    }

    fn write_entries(&self, user: &UserId, entries: &Map<String, Value>) -> Result<()> {
        let folder = self.user_folder(user);
        let path = folder.join(FILE_NAME);
        let failed = |e: std::io::Error| Error::storage(format!("{} cannot be written", self.label(&path)), e);
        let text = entries_text(entries).map_err(|e| failed(e.into()))?;
        disk::ensure_dir(&folder).map_err(failed)?;
        disk::replace_file(&path, &text).map_err(failed)
    }
}

/// What a file holds for one slug.
pub fn entry_of(metadata: &InstallationMetadata) -> serde_json::Result<Value> {
    Ok(json!({ METADATA: serde_json::to_value(metadata)? }))
}

/// A file with these entries.
pub fn entries_text(entries: &Map<String, Value>) -> serde_json::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(entries)?;
    text.push(b'\n');
    Ok(text)
}

fn is_long(entry: &Map<String, Value>) -> bool {
    entry.keys().any(|member| member != METADATA)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::domain::{Timestamp, record::InstallationType};

    struct Fixture {
        _temp: tempfile::TempDir,
        folder: PluginsFolder,
        user: UserId,
        file: PathBuf,
    }

    impl Fixture {
        fn new() -> Self {
            let temp = tempfile::tempdir().unwrap();
            let folder = PluginsFolder::open(temp.path()).unwrap();
            let user: UserId = "d66ca7d9d8294281b565b9aa8b02a9f1".parse().unwrap();
            let file = folder.user_folder(&user).join(FILE_NAME);
            Self { _temp: temp, folder, user, file }
        }

        fn with_file(text: &str) -> Self {
            let fixture = Self::new();
            fs::create_dir(fixture.file.parent().unwrap()).unwrap();
            fs::write(&fixture.file, text).unwrap();
            fixture
        }

        fn text(&self) -> String {
            fs::read_to_string(&self.file).unwrap()
        }
    }

    fn slug(text: &str) -> Slug {
        text.parse().unwrap()
    }

    fn metadata(by: &str) -> InstallationMetadata {
        let extra = Map::from_iter([("build".to_owned(), serde_json::from_str("1.50").unwrap())]);
        InstallationMetadata::new(InstallationType::Local, Some("https://u:p@example.org/r"), by, Timestamp(1_750_000_000_000), extra)
            .unwrap()
    }

    const LONG: &str =
        r#"{"NetworkReview":{"version":"1.0.0","shared_path":"/srv/x","enabled":true,"installation_metadata":{"installed_by":"a"}}}"#;

    #[test]
    fn records_come_back_as_they_were_written() {
        let fixture = Fixture::new();
        let Fixture { folder, user, .. } = &fixture;
        let version: Version = "1.0.0".parse().unwrap();
        assert!(!folder.plugin_exists_for_user(user, &slug("b")).unwrap());
        assert_eq!(folder.get_user_plugin_path(user, &slug("b"), &version).unwrap(), None);
        folder.register_user_plugin(user, &slug("b"), &metadata("ann")).unwrap();
        folder.register_user_plugin(user, &slug("a"), &metadata("bob")).unwrap();
        assert!(folder.plugin_exists_for_user(user, &slug("b")).unwrap());
        assert_eq!(folder.get_user_plugin_path(user, &slug("b"), &version).unwrap().unwrap(), folder.root().join("shared/b/v1.0.0"));
        let records = folder.read_user_records(user).unwrap();
        assert_eq!(records.get("a"), Some(&UserRecord::Record(metadata("bob"))));
        assert_eq!(records.len(), 2);
        insta::assert_snapshot!(fixture.text(), @r#"
        {
          "b": {
            "installation_metadata": {
              "installation_type": "local",
              "source_url": "https://example.org/r",
              "installed_by": "ann",
              "installed_at": "2025-06-15T15:06:40Z",
              "build": 1.50
            }
          },
          "a": {
            "installation_metadata": {
              "installation_type": "local",
              "source_url": "https://example.org/r",
              "installed_by": "bob",
              "installed_at": "2025-06-15T15:06:40Z",
              "build": 1.50
            }
          }
        }
        "#);
        assert!(folder.unregister_user_plugin(user, &slug("b")).unwrap());
        assert!(!folder.unregister_user_plugin(user, &slug("b")).unwrap());
        assert_eq!(folder.read_user_records(user).unwrap().into_keys().collect::<Vec<_>>(), ["a"]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&fixture.file), mode(fixture.file.parent().unwrap())), (0o600, 0o700));
        }
    }

    #[test]
    fn damage_is_told_and_left_as_it_is() {
        for text in [
            "",
            "{",
            "[]",
            "null",
            "{}}",
            r#"{"a":1}"#,
            r#"{"a":{}}"#,
            r#"{"a":{"installation_metadata":null}}"#,
            r#"{"a":{"installation_metadata":{"installed_by":"x"}}}"#,
        ] {
            let fixture = Fixture::with_file(text);
            let Fixture { folder, user, .. } = &fixture;
            let outcomes = [
                folder.read_user_records(user).map(drop),
                folder.plugin_exists_for_user(user, &slug("a")).map(drop),
                folder.register_user_plugin(user, &slug("b"), &metadata("x")),
                folder.unregister_user_plugin(user, &slug("a")).map(drop),
                folder.check_user_records(user),
            ];
            for outcome in outcomes {
                let refused = outcome.unwrap_err();
                assert!(matches!(&refused, Error::Storage { .. }), "{text}");
                let message = refused.to_string();
                assert!(message.starts_with(&format!("users/user_{user}/{FILE_NAME}")), "{message}");
                assert!(!refused.chain().to_string().contains(folder.root().to_str().unwrap()));
            }
            assert_eq!(fixture.text(), text);
        }
    }

    #[test]
    fn a_long_entry_counts_but_stops_writes() {
        let fixture = Fixture::with_file(LONG);
        let Fixture { folder, user, .. } = &fixture;
        assert!(folder.plugin_exists_for_user(user, &slug("NetworkReview")).unwrap());
        assert!(matches!(folder.read_user_records(user).unwrap().get("NetworkReview"), Some(UserRecord::Long(_))));
        for outcome in [
            folder.register_user_plugin(user, &slug("other"), &metadata("x")),
            folder.unregister_user_plugin(user, &slug("NetworkReview")).map(drop),
            folder.check_user_records(user),
        ] {
            let refused = outcome.unwrap_err();
            assert_eq!(refused.code(), "storage");
            assert!(refused.to_string().contains("`plugyard migrate-records`"), "{refused}");
        }
        assert!(!folder.unregister_user_plugin(user, &slug("absent")).unwrap());
        assert_eq!(fixture.text(), LONG);
    }

    #[test]
    fn what_a_killed_writer_left_is_in_nobodys_way() {
        let fixture = Fixture::with_file("{}");
        fs::write(fixture.file.with_extension("tmp"), "{\"half").unwrap();
        assert!(fixture.folder.read_user_records(&fixture.user).unwrap().is_empty());
        fixture.folder.register_user_plugin(&fixture.user, &slug("a"), &metadata("x")).unwrap();
        assert!(fixture.folder.plugin_exists_for_user(&fixture.user, &slug("a")).unwrap());
        assert_eq!(fs::read_dir(fixture.file.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn writers_at_the_same_time_lose_nothing() {
        let fixture = Fixture::new();
        thread::scope(|scope| {
            for writer in ["a", "b"] {
                let Fixture { folder, user, .. } = &fixture;
                scope.spawn(move || {
                    for number in 0..50 {
                        folder.register_user_plugin(user, &slug(&format!("{writer}{number}")), &metadata(writer)).unwrap();
                    }
                });
            }
        });
        assert_eq!(fixture.folder.read_user_records(&fixture.user).unwrap().len(), 100);
    }

    #[test]
    fn a_removed_user_leaves_nothing() {
        let fixture = Fixture::with_file(LONG);
        assert!(fixture.folder.remove_user(&fixture.user).unwrap());
        assert!(!fixture.folder.remove_user(&fixture.user).unwrap());
        assert_eq!(fs::read_dir(fixture.folder.users()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        use std::os::unix::fs::symlink;
        let fixture = Fixture::with_file("{}");
        let elsewhere = fixture.folder.root().join("elsewhere");
        fs::rename(&fixture.file, &elsewhere).unwrap();
        symlink(&elsewhere, &fixture.file).unwrap();
        assert!(matches!(fixture.folder.read_user_records(&fixture.user), Err(Error::Storage { .. })));
        assert!(matches!(fixture.folder.register_user_plugin(&fixture.user, &slug("a"), &metadata("x")), Err(Error::Storage { .. })));
        assert_eq!(fs::read_to_string(elsewhere).unwrap(), "{}");
    }
}
