//! `installed_plugins.json` of older servers. The long form repeats what the database holds:
//!
//! ```json
//! {"NetworkReview": {"version": "1.0.0", "shared_path": "/srv/app/plugins/shared/NetworkReview/v1.0.0",
//!   "installed_at": "2025-06-10T07:30:00", "enabled": true, "user_config": {"refresh": 30},
//!   "updated_at": "2025-07-01T10:00:00", "previous_version": "0.9.0", "installation_metadata": {"installed_by": "lifecycle"}}}
//! ```
//!
//! The short form keeps `installation_metadata` alone. Nothing of an entry is lost on the way from one to the other: what
//! has no place of its own stays in the record, below `original`.

use serde_json::{Map, Value};

use super::read_version;
use crate::{
    domain::{
        Manifest, Slug, Timestamp, Version, json,
        paths::shared_path_label,
        record::{DATABASE_MEMBERS, InstallationMetadata, InstallationType, OWN_MEMBERS, utc},
    },
    error::Result,
};

const METADATA: &str = "installation_metadata";
/// Where a record keeps what has no place of its own.
const ORIGINAL: &str = "original";
/// For entries that do not say who made them.
const UNKNOWN: &str = "unknown";

/// The entries of a file in its own order.
///
/// # Errors
/// What keeps the text from being an object of entries, in words for a report.
pub fn read_file(content: &[u8]) -> Result<Map<String, Value>, String> {
    let text = std::str::from_utf8(content).map_err(|e| format!("is not UTF-8: {e}"))?;
    match json::parse_unambiguous(text.strip_prefix('\u{feff}').unwrap_or(text)) {
        Ok(Value::Object(entries)) => Ok(entries),
        Ok(_) => Err("does not hold a JSON object".to_owned()),
        Err(e) => Err(format!("is not JSON: {e}")),
    }
}

/// One entry of a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// Holds nothing but good metadata.
    Short(InstallationMetadata),
    /// Anything else that can be read.
    Long(Box<LongEntry>),
}

/// What a long entry says, each part where it belongs.
#[derive(Debug, Clone, PartialEq)]
pub struct LongEntry {
    pub version: Option<Version>,
    pub enabled: Option<bool>,
    pub installed_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
    pub previous_version: Option<Version>,
    pub user_config: Map<String, Value>,
    /// What the short form will hold.
    pub metadata: InstallationMetadata,
    /// What was read otherwise than it was written.
    pub notes: Vec<String>,
}

impl LongEntry {
    /// When the plugin was last changed.
    pub fn changed_at(&self) -> Timestamp {
        self.updated_at.unwrap_or(self.metadata.installed_at)
    }
}

/// Reads one entry. `now` stands in for a time of installation that is missing.
///
/// # Errors
/// What is wrong with it, in words for a report.
pub fn read_entry(slug: &Slug, entry: &Value, now: Timestamp) -> Result<Entry, String> {
    let Some(members) = entry.as_object() else { return Err("is not an object".to_owned()) };
    if let (1, Some(metadata)) = (members.len(), members.get(METADATA))
        && let Ok(metadata) = serde_json::from_value(metadata.clone())
    {
        return Ok(Entry::Short(metadata));
    }
    let mut reader = Reader { left: members.clone(), ..Reader::default() };
    let version = reader.version("version")?;
    if let (Some(path), Some(version)) = (reader.left.shift_remove("shared_path"), &version) {
        reader.check_path(&path, slug, version);
    }
    let enabled = reader.flag("enabled")?;
    let previous_version = reader.previous_version();
    let user_config = reader.config();
    let updated_at = reader.time("updated_at");
    let installed_at = reader.time("installed_at");
    let metadata = reader.metadata(installed_at, now).map_err(|e| e.reason())?;
    let notes = reader.notes;
    let long = LongEntry { version, enabled, installed_at, updated_at, previous_version, user_config, metadata, notes };
    Ok(Entry::Long(Box::new(long)))
}

/// The module whose values these are: all of the names are fields of that one module, and the plugin itself does not know
/// them all. None: they are the plugin's.
pub fn module_of_config<'m>(manifest: &'m Manifest, config: &Map<String, Value>) -> Option<&'m str> {
    let knows_all = |fields: &Map<String, Value>, schema: Option<&Value>| {
        let properties = schema.and_then(|schema| schema.get("properties")).and_then(Value::as_object);
        config.keys().all(|name| fields.contains_key(name) || properties.is_some_and(|properties| properties.contains_key(name)))
    };
    if config.is_empty() || knows_all(&manifest.config_fields, manifest.config_schema.as_ref()) {
        return None;
    }
    let mut fitting = manifest.modules.iter().filter(|module| knows_all(&module.config_fields, module.config_schema.as_ref()));
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => Some(&only.id),
        _ => None,
    }
}

#[derive(Default)]
struct Reader {
    /// Members of the entry that no part of it has claimed yet.
    left: Map<String, Value>,
    /// What has no place of its own.
    original: Map<String, Value>,
    notes: Vec<String>,
}

impl Reader {
    /// Takes a member; `null` counts as absent.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.left.shift_remove(name).filter(|value| !value.is_null())
    }

    fn version(&mut self, name: &str) -> Result<Option<Version>, String> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let version = read_version(&text).map_err(|e| e.reason())?;
        if version.to_string() != text {
            self.notes.push(format!("{name} {text:?} is read as {version}"));
            self.original.insert(name.to_owned(), value);
        }
        Ok(Some(version))
    }

    fn previous_version(&mut self) -> Option<Version> {
        let name = "previous_version";
        let value = self.left.get(name).cloned();
        self.version(name).unwrap_or_else(|why| {
            self.keep(name, value.unwrap_or_default(), &why);
            None
        })
    }

    /// Slug and version are read from the path only to check them: it is built from both now.
    fn check_path(&mut self, path: &Value, slug: &Slug, version: &Version) {
        let text = path.as_str().unwrap_or_default().replace('\\', "/");
        let mut parts = text.trim_end_matches('/').rsplit('/');
        let (folder, parent) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let agrees = parent == slug.as_str() && read_version(folder.strip_prefix('v').unwrap_or(folder)).is_ok_and(|read| read == *version);
        if !agrees && !path.is_null() {
            self.notes.push(format!("shared_path was {path}, which is not {}", shared_path_label(slug, version)));
        }
    }

    fn flag(&mut self, name: &str) -> Result<Option<bool>, String> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_ascii_lowercase);
        match text.as_str() {
            "true" | "1" => Ok(Some(true)),
            "false" | "0" => Ok(Some(false)),
            _ => Err(format!("{name} is {value}, which is neither true nor false")),
        }
    }

    fn config(&mut self) -> Map<String, Value> {
        match self.take("user_config") {
            Some(Value::Object(values)) => values,
            Some(other) => {
                self.keep("user_config", other, "it is not an object");
                Map::new()
            }
            None => Map::new(),
        }
    }

    fn time(&mut self, name: &str) -> Option<Timestamp> {
        let value = self.take(name)?;
        let read = value.as_str().and_then(|text| utc(text).ok());
        if read.is_none() {
            self.keep(name, value, "it is not a time");
        }
        read
    }

    /// Keeps what cannot be used where it was meant for.
    fn keep(&mut self, name: &str, value: Value, why: &str) {
        self.notes.push(format!("{name} {value} cannot be used ({why}) and is kept in the record"));
        self.original.insert(name.to_owned(), value);
    }

    fn metadata(&mut self, installed_at: Option<Timestamp>, now: Timestamp) -> Result<InstallationMetadata> {
        let mut given = match self.take(METADATA) {
            Some(Value::Object(members)) => members,
            Some(other) => {
                self.keep(METADATA, other, "it is not an object");
                Map::new()
            }
            None => Map::new(),
        };
        let mut text = |name: &str| match given.shift_remove(name) {
            Some(Value::String(text)) => (Some(text), None),
            Some(Value::Null) | None => (None, None),
            Some(other) => (None, Some(other)),
        };
        let (kind, source_url, by, at) = (text("installation_type"), text("source_url"), text("installed_by"), text("installed_at"));
        let known = kind.0.as_ref().and_then(|kind| serde_json::from_value(Value::from(kind.as_str())).ok());
        let unknown_kind = kind.0.filter(|_| known.is_none()).map(Value::from).or(kind.1);
        let read_at = at.0.as_deref().and_then(|text| utc(text).ok());
        let unknown_at = at.0.filter(|_| read_at.is_none()).map(Value::from).or(at.1);
        for (name, value) in
            [("installation_type", unknown_kind), ("source_url", source_url.1), ("installed_by", by.1), ("installed_at", unknown_at)]
        {
            if let Some(value) = value {
                self.keep(name, value, "it is of another kind");
            }
        }
        if let (Some(inner), Some(outer)) = (read_at, installed_at)
            && inner != outer
        {
            self.notes.push(format!("installed_at was {outer} and {inner}"));
            self.original.insert("installed_at".to_owned(), Value::from(outer.to_string()));
        }
        let extra = self.extra(given);
        let installed_at = read_at.or(installed_at).unwrap_or(now);
        let kind = known.unwrap_or(InstallationType::Migrated);
        InstallationMetadata::new(kind, source_url.0.as_deref(), by.0.unwrap_or_else(|| UNKNOWN.to_owned()), installed_at, extra)
    }

    /// What an installer added, and beside it what else the entry held. A name that a record cannot hold, or that is
    /// taken, goes below `original`.
    fn extra(&mut self, given: Map<String, Value>) -> Map<String, Value> {
        let mut extra = Map::new();
        for (name, value) in given.into_iter().chain(std::mem::take(&mut self.left)) {
            let is_refused = DATABASE_MEMBERS.contains(&name.as_str()) || OWN_MEMBERS.contains(&name.as_str());
            let home = if is_refused || extra.contains_key(&name) { &mut self.original } else { &mut extra };
            home.insert(free(home, &name), value);
        }
        if !self.original.is_empty() {
            let name = free(&extra, ORIGINAL);
            extra.insert(name, Value::Object(std::mem::take(&mut self.original)));
        }
        extra
    }
}

/// The name, or with a number behind it when it is taken.
fn free(members: &Map<String, Value>, name: &str) -> String {
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    std::iter::once(name.to_owned()).chain(numbered).find(|name| !members.contains_key(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp(1_750_000_000_000);

    fn slug() -> Slug {
        "NetworkReview".parse().unwrap()
    }

    fn long(entry: Value) -> LongEntry {
        match read_entry(&slug(), &entry, NOW).unwrap() {
            Entry::Long(long) => *long,
            Entry::Short(_) => panic!("{entry} is long"),
        }
    }

    #[test]
    fn every_part_of_a_long_entry_finds_its_place() {
        let read = long(json!({
            "version": "1.0.0", "shared_path": "/srv/app/plugins/shared/NetworkReview/v1.0.0", "installed_at": "2025-06-10T07:30:00",
            "enabled": true, "user_config": {"refresh": 30}, "updated_at": "2025-07-01T10:00:00", "previous_version": "0.9.0",
            "installation_metadata": {"source_url": "https://example.org/r", "installation_type": "production",
                "installed_by": "lifecycle_service"}}));
        assert_eq!(read.version.as_ref().unwrap().to_string(), "1.0.0");
        assert_eq!((read.enabled, read.previous_version.as_ref().unwrap().to_string().as_str()), (Some(true), "0.9.0"));
        assert_eq!(read.installed_at.unwrap().to_string(), "2025-06-10T07:30:00Z");
        assert_eq!(read.changed_at().to_string(), "2025-07-01T10:00:00Z");
        assert_eq!(Value::Object(read.user_config), json!({"refresh": 30}));
        assert!(read.notes.is_empty(), "{:?}", read.notes);
        assert_eq!(
            serde_json::to_value(&read.metadata).unwrap(),
            json!({"installation_type": "production", "source_url": "https://example.org/r", "installed_by": "lifecycle_service",
                "installed_at": "2025-06-10T07:30:00Z"})
        );
    }

    #[test]
    fn the_short_form_reads_as_what_the_long_one_becomes() {
        let metadata = long(json!({"version": "1.0.0", "z": 1.50})).metadata;
        let short = json!({ METADATA: serde_json::to_value(&metadata).unwrap() });
        assert_eq!(read_entry(&slug(), &short, NOW).unwrap(), Entry::Short(metadata));
    }

    #[test]
    fn what_has_no_place_of_its_own_is_kept() {
        let read = long(json!({
            "version": "v1.2", "shared_path": "/x/Other/v9", "enabled": "0", "previous_version": "latest", "user_config": [1],
            "updated_at": 7, "installed_at": "2025-06-10T07:30:00", "note": "mine", "installed_by": "outer",
            "installation_metadata": {"installation_type": "github", "installed_at": "2025-01-01T00:00:00", "version": "0", "note": 2}}));
        assert_eq!((read.version.as_ref().unwrap().to_string().as_str(), read.enabled), ("1.2.0", Some(false)));
        assert_eq!(
            serde_json::to_value(&read.metadata).unwrap(),
            json!({"installation_type": "migrated", "source_url": null, "installed_by": "unknown", "installed_at": "2025-01-01T00:00:00Z",
                "note": 2, "original": {"version": "v1.2", "previous_version": "latest", "user_config": [1], "updated_at": 7,
                    "installation_type": "github", "installed_at": "2025-06-10T07:30:00Z", "version_2": "0", "note": "mine",
                    "installed_by": "outer"}})
        );
        assert_eq!(read.notes.len(), 7, "{:#?}", read.notes);
    }

    #[test]
    fn what_is_missing_is_filled_in() {
        let read = long(json!({}));
        assert_eq!((read.version, read.enabled, read.metadata.installed_at), (None, None, NOW));
        let read = long(json!({"installation_metadata": {"installed_by": "x"}}));
        assert_eq!(read.metadata.installation_type, InstallationType::Migrated);
    }

    #[test]
    fn bad_entries_are_told() {
        for (entry, why) in [
            (json!(1), "is not an object"),
            (json!(null), "is not an object"),
            (json!({"version": "latest"}), "\"latest\" is not a semantic version"),
            (json!({"version": 1.5, "enabled": "perhaps"}), "neither true nor false"),
        ] {
            let refused = read_entry(&slug(), &entry, NOW).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
    }

    #[test]
    fn files_that_cannot_be_entries_are_told() {
        for (content, why) in [
            (&b"{"[..], "is not JSON"),
            (b"", "is not JSON"),
            (b"[]", "does not hold a JSON object"),
            (b"\xff", "is not UTF-8"),
            (br#"{"a":{},"a":{}}"#, "appears twice"),
            (br#"{"a":{"b":1,"b":2}}"#, "appears twice"),
        ] {
            let refused = read_file(content).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
        assert_eq!(read_file(b"\xef\xbb\xbf{\"a\": 1.50}").unwrap().get("a").unwrap().to_string(), "1.50");
    }

    #[test]
    fn values_go_to_the_module_that_alone_declares_them() {
        let manifest = |plugin: &[&str], modules: &[(&str, &[&str])]| -> Manifest {
            let fields = |names: &[&str]| Value::Object(names.iter().map(|name| ((*name).to_owned(), json!({"type": "number"}))).collect());
            let modules: Vec<Value> =
                modules.iter().map(|(id, names)| json!({"id": id, "name": id, "configFields": fields(names)})).collect();
            serde_json::from_value(json!({"id": "X", "name": "X", "version": "1.0.0", "configFields": fields(plugin), "modules": modules}))
                .unwrap()
        };
        let config = json!({"a": 1, "b": 2}).as_object().unwrap().clone();
        for (plugin, modules, home) in [
            (&[][..], &[("m", &["a", "b", "c"][..]), ("n", &["a"])][..], Some("m")),
            (&["a", "b"], &[("m", &["a", "b"])], None),
            (&["a"], &[("m", &["a", "b"])], Some("m")),
            (&[], &[("m", &["a", "b"]), ("n", &["a", "b"])], None),
            (&[], &[("m", &["a"])], None),
        ] {
            assert_eq!(module_of_config(&manifest(plugin, modules), &config), home);
        }
        assert_eq!(module_of_config(&manifest(&[], &[("m", &["a"])]), &Map::new()), None);
    }
}
