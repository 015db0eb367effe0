//! Plugin folders of older systems: what lies where, and the small files that describe it. Nothing here is ever written.
//!
//! ```text
//! <slug>/plugin.json                       one copy for all users
//! <user id>/<folder>/plugin.json           a user's own, the id with or without dashes
//! <user id>/.metadata/<plugin id>_remote.json, _local.json
//! shared/<slug>/v<version>/                one copy for all who have the version
//! users/user_<user id>/installed_plugins.json
//! ```

use std::{
    fs::{self, DirEntry, File},
    io::Read,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use walkdir::WalkDir;

use super::{Limits, PluginsFolder, Staged, archive};
use crate::{
    domain::{ReleasePath, Timestamp, UserId, manifest::MAX_MANIFEST},
    error::{Error, Result},
    offload,
};

/// Which versions an older system knew, in its `cache/`.
pub(super) const VERSION_LIST: &str = "version_registry.json";

/// Files of an installer beside a plugin's own ones.
const METADATA_FILE: &str = "plugin_metadata.json";
const LEFT_OUT: &[&str] = &[METADATA_FILE];

/// Everything that was found, each by its name in order.
#[derive(Debug, Default)]
pub struct OldFolder {
    pub plugins: Vec<OldPlugin>,
    pub releases: Vec<OldRelease>,
    pub notes: Vec<InstallerNote>,
    pub records: Vec<OldRecords>,
    pub others: Vec<Other>,
}

/// Something in the folder.
#[derive(Debug, Clone)]
pub struct Place {
    /// Relative to the folder, with `/`.
    pub label: String,
    pub path: PathBuf,
}

/// A folder of one plugin; whether it holds one, its files say.
#[derive(Debug)]
pub struct OldPlugin {
    pub place: Place,
    /// None: one copy for all users.
    pub owner: Option<UserId>,
    pub folder_name: String,
    pub description: Description,
}

/// The small files that say what a plugin's folder holds.
#[derive(Debug)]
pub struct Description {
    pub plugin_json: Option<Vec<u8>>,
    pub package_json: Option<Vec<u8>>,
    /// BrainDrive's installer of the plugin, of which only what it declares is read.
    pub lifecycle_manager: Option<Vec<u8>>,
    /// `plugin_metadata.json`, which an installer wrote.
    pub metadata: Option<Vec<u8>>,
    /// When the newest of them was written, else the folder.
    pub written_at: Timestamp,
}

/// `shared/<slug>/v<version>`.
#[derive(Debug)]
pub struct OldRelease {
    pub place: Place,
    pub slug: String,
    /// The folder's name.
    pub version: String,
    pub description: Description,
}

/// `<user id>/.metadata/<plugin id>_remote.json` or `_local.json`.
#[derive(Debug)]
pub struct InstallerNote {
    pub place: Place,
    pub user: UserId,
    pub plugin: String,
    pub is_remote: bool,
    pub text: Vec<u8>,
}

/// `users/user_<user id>/installed_plugins.json`.
#[derive(Debug)]
pub struct OldRecords {
    pub place: Place,
    /// As the folder is called.
    pub user: String,
    pub text: Vec<u8>,
}

/// Something that is none of these.
#[derive(Debug)]
pub struct Other {
    pub label: String,
    pub reason: String,
    /// It could not be looked at.
    pub failed: bool,
}

/// The content of a folder that could become a release.
#[derive(Debug)]
pub struct Examined {
    /// Sorted.
    pub paths: Vec<ReleasePath>,
    /// As that of a release.
    pub digest: String,
}

impl OldFolder {
    /// Looks through the folder. Links are not followed.
    pub fn scan(root: &Path) -> Result<Self> {
        let mut found = Self::default();
        let entries = sorted(root).map_err(|e| Error::Setup(format!("{} cannot be read: {e}", root.display())))?;
        for entry in entries {
            found.take_top(&entry);
        }
        // Of two on one plugin the one on an address comes first: it says more.
        found.notes.sort_by_key(|note| !note.is_remote);
        Ok(found)
    }

    fn take_top(&mut self, entry: &DirEntry) {
        let place = Place { label: name(entry), path: entry.path() };
        if !is_folder(entry) {
            return self.take_file(&place);
        }
        match place.label.as_str() {
            "shared" => self.each(&place, Self::take_slug),
            "users" => self.each(&place, Self::take_records),
            "cache" => {
                let registry = place.path.join(VERSION_LIST).is_file();
                let label = if registry { format!("cache/{VERSION_LIST}") } else { "cache".to_owned() };
                self.skip(&label, "is a cache, which this server makes for itself");
            }
            "backups" | ".locks" => self.skip(&place.label, "is of the server itself"),
            label => match label.parse::<UserId>() {
                Ok(user) => self.each(&place, |found, inside, is_folder| found.take_of_user(inside, is_folder, &user)),
                Err(_) => self.take_plugin(place, None),
            },
        }
    }

    fn take_file(&mut self, place: &Place) {
        let reason = match (place.label.as_str(), read(&place.path)) {
            ("manifest.json", Ok(Some(text))) if is_empty_list(&text) => "is the empty list of an older system".to_owned(),
            (label, Ok(Some(text))) if label.ends_with(".json") && is_export(&text) => {
                "is an export of table rows, which name no slugs; `import braindrive` reads the tables themselves".to_owned()
            }
            (_, Err(e)) => return self.fail(&place.label, e.to_string()),
            _ => "is no plugin's folder".to_owned(),
        };
        self.skip(&place.label, reason);
    }

    fn take_of_user(&mut self, place: Place, is_folder: bool, user: &UserId) {
        match place.path.file_name().and_then(|name| name.to_str()) {
            Some(".metadata") if is_folder => self.each(&place, |found, inside, is_folder| found.take_note(inside, is_folder, user)),
            _ if is_folder => self.take_plugin(place, Some(user.clone())),
            _ => self.skip(&place.label, "is no plugin's folder"),
        }
    }

    fn take_plugin(&mut self, place: Place, owner: Option<UserId>) {
        let folder_name = place.label.rsplit('/').next().unwrap_or_default().to_owned();
        match Description::read(&place.path) {
            Ok(description) => self.plugins.push(OldPlugin { place, owner, folder_name, description }),
            Err(e) => self.fail(&place.label, e.to_string()),
        }
    }

    fn take_note(&mut self, place: Place, is_folder: bool, user: &UserId) {
        let file_name = place.label.rsplit('/').next().unwrap_or_default();
        let named = [("_remote.json", true), ("_local.json", false)];
        let named = named.iter().find_map(|(end, is_remote)| Some((file_name.strip_suffix(end)?.to_owned(), *is_remote)));
        match (named, read(&place.path)) {
            (Some((plugin, is_remote)), Ok(Some(text))) if !is_folder => {
                self.notes.push(InstallerNote { user: user.clone(), plugin, is_remote, text, place });
            }
            (_, Err(e)) if !is_folder => self.fail(&place.label, e.to_string()),
            _ => self.skip(&place.label, "is no installer's note on a plugin"),
        }
    }

    fn take_slug(&mut self, place: Place, is_folder: bool) {
        if !is_folder {
            return self.skip(&place.label, "is no plugin's folder");
        }
        let slug = place.label.rsplit('/').next().unwrap_or_default().to_owned();
        self.each(&place, |found, inside, is_folder| {
            let version = inside.label.rsplit('/').next().unwrap_or_default().to_owned();
            match Description::read(&inside.path) {
                _ if !is_folder => found.skip(&inside.label, "is no version's folder"),
                Ok(description) => found.releases.push(OldRelease { slug: slug.clone(), version, description, place: inside }),
                Err(e) => found.fail(&inside.label, e.to_string()),
            }
        });
    }

    fn take_records(&mut self, place: Place, is_folder: bool) {
        let user = place.label.rsplit('/').next().and_then(|name| name.strip_prefix("user_")).map(str::to_owned);
        let (Some(user), true) = (user, is_folder) else { return self.skip(&place.label, "is no user's folder") };
        self.each(&place, |found, inside, is_folder| match read(&inside.path) {
            Ok(Some(text)) if !is_folder && inside.label.ends_with("/installed_plugins.json") => {
                found.records.push(OldRecords { user: user.clone(), text, place: inside });
            }
            Err(e) if !is_folder => found.fail(&inside.label, e.to_string()),
            _ => found.skip(&inside.label, "is no file of installation records"),
        });
    }

    /// Everything directly inside a folder.
    fn each(&mut self, folder: &Place, mut take: impl FnMut(&mut Self, Place, bool)) {
        match sorted(&folder.path) {
            Ok(entries) => {
                for entry in entries {
                    let place = Place { label: format!("{}/{}", folder.label, name(&entry)), path: entry.path() };
                    take(self, place, is_folder(&entry));
                }
            }
            Err(e) => self.fail(&folder.label, e.to_string()),
        }
    }

    fn skip(&mut self, label: &str, reason: impl Into<String>) {
        self.others.push(Other { label: label.to_owned(), reason: reason.into(), failed: false });
    }

    fn fail(&mut self, label: &str, reason: String) {
        self.others.push(Other { label: label.to_owned(), reason, failed: true });
    }
}

impl Description {
    fn read(folder: &Path) -> std::io::Result<Self> {
        let file = |name: &str| read(&folder.join(name));
        let (plugin_json, package_json, metadata) = (file("plugin.json")?, file("package.json")?, file(METADATA_FILE)?);
        let written = |name: &str| written_at(&folder.join(name));
        let lifecycle_manager = file("lifecycle_manager.py")?;
        let newest = ["plugin.json", "package.json", METADATA_FILE].into_iter().filter_map(written).max();
        let written_at = newest.or_else(|| written_at(folder)).unwrap_or(Timestamp(0));
        Ok(Self { plugin_json, package_json, lifecycle_manager, metadata, written_at })
    }

    /// Whether anything says what the folder holds.
    pub fn is_empty(&self) -> bool {
        self.plugin_json.is_none() && self.package_json.is_none() && self.metadata.is_none()
    }
}

impl Place {
    /// Checks and hashes the folder's files as publishing would, and writes nothing. Installers' files are no part of it.
    pub fn examine(&self, limits: &Limits) -> Result<Examined> {
        archive::examine_tree(&self.path, limits, LEFT_OUT)
    }

    /// When the newest file was written.
    pub fn newest(&self) -> Timestamp {
        let files = WalkDir::new(&self.path).follow_links(false).into_iter().filter_map(Result::ok);
        let files = files.filter(|entry| entry.file_type().is_file() && entry.file_name() != METADATA_FILE);
        files.filter_map(|entry| written_at(entry.path())).max().unwrap_or(Timestamp(0))
    }
}

impl PluginsFolder {
    /// Copies an older system's folder of a plugin, which stays as it is.
    pub async fn stage_old(&self, place: &Place, limits: Limits) -> Result<Staged> {
        let (folder, path) = (self.clone(), place.path.clone());
        offload::run(move || archive::copy_tree(folder.begin_staging()?, &path, &limits, LEFT_OUT)).await
    }

    /// Whether one of the two folders lies inside the other.
    pub fn overlaps(&self, other: &Path) -> Result<bool> {
        let other = other.canonicalize().map_err(|e| Error::Setup(format!("{} cannot be read: {e}", other.display())))?;
        Ok(other.starts_with(self.root()) || self.root().starts_with(&other))
    }
}

fn sorted(folder: &Path) -> std::io::Result<Vec<DirEntry>> {
    let mut entries = fs::read_dir(folder)?.collect::<std::io::Result<Vec<_>>>()?;
    entries.sort_by_key(DirEntry::file_name);
    Ok(entries)
}

fn name(entry: &DirEntry) -> String {
    entry.file_name().to_string_lossy().into_owned()
}

/// A link is none.
fn is_folder(entry: &DirEntry) -> bool {
    entry.file_type().is_ok_and(|kind| kind.is_dir())
}

/// None when there is no such file; only its first part when it is larger than any description.
fn read(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Ok(None),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    }
    let mut text = Vec::new();
    File::open(path)?.take(MAX_MANIFEST as u64 + 1).read_to_end(&mut text)?;
    Ok(Some(text))
}

fn written_at(path: &Path) -> Option<Timestamp> {
    let modified = fs::symlink_metadata(path).and_then(|metadata| metadata.modified()).ok()?;
    let since = modified.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok().map(Timestamp)
}

fn is_empty_list(text: &[u8]) -> bool {
    let value: Option<serde_json::Value> = serde_json::from_slice(text).ok();
    value.is_some_and(|value| {
        value
            .as_object()
            .is_some_and(|members| members.iter().all(|(name, value)| name == "plugins" && value.as_array().is_some_and(Vec::is_empty)))
    })
}

fn is_export(text: &[u8]) -> bool {
    text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[')
}
