//! The installation record: what a user's `installed_plugins.json` holds for one slug.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Map, Value};

use super::Timestamp;
use crate::error::{Error, Result, Violation};

/// What the database owns. A record that held one of these, too, could contradict it.
pub const DATABASE_MEMBERS: &[&str] = &["version", "enabled", "shared_path", "user_config", "updated_at", "previous_version"];

/// What every record says itself; the rest is what an installer adds.
pub const OWN_MEMBERS: &[&str] = &["installation_type", "source_url", "installed_by", "installed_at"];

/// Installation metadata and nothing else: a field that the database owns cannot be expressed here. In JSON the members
/// an installer adds stand beside the four known ones.
#[derive(Debug, Clone, PartialEq)]
pub struct InstallationMetadata {
    pub installation_type: InstallationType,
    /// User, token or command name.
    pub installed_by: String,
    pub installed_at: Timestamp,
    source_url: Option<String>,
    extra: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstallationType {
    Production,
    Development,
    Local,
    Remote,
    Migrated,
    Rebuilt,
}

impl InstallationType {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Development => "development",
            Self::Local => "local",
            Self::Remote => "remote",
            Self::Migrated => "migrated",
            Self::Rebuilt => "rebuilt",
        }
    }
}

impl InstallationMetadata {
    /// Credentials in `source_url` are dropped. `extra` is what the installer adds; members that the database owns, or
    /// that are named like one of the known four, are refused, all at once.
    pub fn new(
        installation_type: InstallationType,
        source_url: Option<&str>,
        installed_by: impl Into<String>,
        installed_at: Timestamp,
        extra: Map<String, Value>,
    ) -> Result<Self> {
        let refusal = |name: &String| match name.as_str() {
            n if DATABASE_MEMBERS.contains(&n) => {
                Some(Violation::new(name, "belongs to the database and cannot be part of an installation record"))
            }
            n if OWN_MEMBERS.contains(&n) => Some(Violation::new(name, "cannot be given twice")),
            _ => None,
        };
        let errors: Vec<_> = extra.keys().filter_map(refusal).collect();
        if !errors.is_empty() {
            return Err(Error::Validation { errors });
        }
        let source_url = source_url.map(without_credentials);
        Ok(Self { installation_type, installed_by: installed_by.into(), installed_at, source_url, extra })
    }

    /// Where the installer got the package, without credentials.
    pub fn source_url(&self) -> Option<&str> {
        self.source_url.as_deref()
    }

    /// What the installer added.
    pub fn extra(&self) -> &Map<String, Value> {
        &self.extra
    }
}

// By hand, because `#[serde(flatten)]` misreads numbers whose digits are to survive as written.
impl Serialize for InstallationMetadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("installation_type", &self.installation_type)?;
        map.serialize_entry("source_url", &self.source_url)?;
        map.serialize_entry("installed_by", &self.installed_by)?;
        map.serialize_entry("installed_at", &self.installed_at)?;
        for (name, value) in &self.extra {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for InstallationMetadata {
    /// Old files write `installed_at` without an offset and mean UTC.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut members = Map::deserialize(deserializer)?;
        let mut take = |name: &'static str| members.shift_remove(name).filter(|value| !value.is_null());
        let missing = D::Error::missing_field;
        let kind = take("installation_type").ok_or_else(|| missing("installation_type"))?;
        let kind = InstallationType::deserialize(kind).map_err(D::Error::custom)?;
        let source_url = take("source_url").map(text).transpose().map_err(D::Error::custom)?;
        let installed_by = text(take("installed_by").ok_or_else(|| missing("installed_by"))?).map_err(D::Error::custom)?;
        let installed_at = text(take("installed_at").ok_or_else(|| missing("installed_at"))?).map_err(D::Error::custom)?;
        let installed_at = utc(&installed_at).map_err(D::Error::custom)?;
        Self::new(kind, source_url.as_deref(), installed_by, installed_at, members).map_err(D::Error::custom)
    }
}

fn text(value: Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(Error::invalid("", format!("{other} is not a text"))),
    }
}

/// A moment as old files write it: RFC 3339, or without an offset, which means UTC.
pub fn utc(text: &str) -> Result<Timestamp> {
    Timestamp::try_from(text.to_owned()).or_else(|refusal| {
        let local = text.parse::<jiff::civil::DateTime>().and_then(|local| local.to_zoned(jiff::tz::TimeZone::UTC));
        local.map(|at| Timestamp(at.timestamp().as_millisecond())).map_err(|_| refusal)
    })
}

/// With a scheme, everything before the host goes (a bare user name can be a token); without one only `user:password@`,
/// because `git@host:path` is the ordinary way to write an SSH address.
pub fn without_credentials(url: &str) -> String {
    let (start, always) = match url.find("://") {
        Some(at) => (at + 3, true),
        None => (if url.starts_with("//") { 2 } else { 0 }, false),
    };
    let (scheme, rest) = url.split_at(start);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    match authority.rsplit_once('@') {
        Some((user, host)) if always || user.contains(':') => format!("{scheme}{host}{tail}"),
        _ => url.to_owned(),
    }
}

/// The same for every address in a value, however deep it stands.
pub fn without_any_credentials(value: Value) -> Value {
    match value {
        Value::String(text) if text.contains("://") => Value::String(without_credentials(&text)),
        Value::Array(items) => Value::Array(items.into_iter().map(without_any_credentials).collect()),
        Value::Object(members) => Value::Object(members.into_iter().map(|(name, value)| (name, without_any_credentials(value))).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> serde_json::Result<InstallationMetadata> {
        serde_json::from_str(text)
    }

    #[test]
    fn members_an_installer_adds_stand_beside_the_known_ones_and_keep_digits_and_order() {
        let text = r#"{"installation_type":"remote","source_url":null,"installed_by":"ann","installed_at":"2026-01-01T00:00:00Z","z":1.10,"a":{"n":12345678901234567890123}}"#;
        let metadata = parse(text).unwrap();
        assert_eq!(metadata.extra().keys().collect::<Vec<_>>(), ["z", "a"]);
        assert_eq!(serde_json::to_string(&metadata).unwrap(), text);
        assert_eq!(serde_json::from_value::<InstallationMetadata>(serde_json::to_value(&metadata).unwrap()).unwrap(), metadata);
    }

    #[test]
    fn times_without_offset_are_utc() {
        for (written, read) in [
            ("2025-06-10T07:30:00", "2025-06-10T07:30:00Z"),
            ("2025-06-10 07:30:00.250000", "2025-06-10T07:30:00.25Z"),
            ("2025-06-10T07:30:00+02:00", "2025-06-10T05:30:00Z"),
            ("2025-06-10T07:30:00Z", "2025-06-10T07:30:00Z"),
        ] {
            let metadata = parse(&json!({"installation_type":"local","installed_by":"x","installed_at":written}).to_string()).unwrap();
            assert_eq!(metadata.installed_at.to_string(), read);
        }
        assert!(parse(r#"{"installation_type":"local","installed_by":"x","installed_at":"yesterday"}"#).is_err());
    }

    #[test]
    fn what_the_database_owns_cannot_be_expressed() {
        for name in DATABASE_MEMBERS.iter().chain(OWN_MEMBERS) {
            let extra = Map::from_iter([((*name).to_owned(), json!(1))]);
            let refused = InstallationMetadata::new(InstallationType::Local, None, "x", Timestamp(0), extra).unwrap_err();
            assert!(refused.to_string().contains(name), "{refused}");
        }
        assert!(
            parse(r#"{"installation_type":"local","installed_by":"x","installed_at":"2025-06-10T07:30:00Z","version":"1.0.0"}"#).is_err()
        );
    }

    #[test]
    fn what_is_missing_or_of_another_kind_is_named() {
        for (text, member) in [
            (r#"{}"#, "installation_type"),
            (r#"{"installation_type":"magic"}"#, "magic"),
            (r#"{"installation_type":"local"}"#, "installed_by"),
            (r#"{"installation_type":"local","installed_by":"x"}"#, "installed_at"),
            (r#"{"installation_type":"local","installed_by":7}"#, "7"),
            (r#"{"installation_type":"local","source_url":[]}"#, "[]"),
        ] {
            let refused = parse(text).unwrap_err().to_string();
            assert!(refused.contains(member), "{text}: {refused}");
        }
    }

    #[test]
    fn credentials_leave_the_source_url() {
        for (given, kept) in [
            ("https://ann:secret@example.org/r?x=1", "https://example.org/r?x=1"),
            ("https://ghp_token@example.org", "https://example.org"),
            ("https://ann:se@cret@example.org:8080/r", "https://example.org:8080/r"),
            ("https://example.org/@scope/pkg", "https://example.org/@scope/pkg"),
            ("ann:secret@example.org/r", "example.org/r"),
            ("//ann:secret@example.org/r", "//example.org/r"),
            ("git@example.org:org/repo", "git@example.org:org/repo"),
            ("chat.zip", "chat.zip"),
        ] {
            let metadata = InstallationMetadata::new(InstallationType::Remote, Some(given), "x", Timestamp(0), Map::new()).unwrap();
            assert_eq!(metadata.source_url(), Some(kept));
        }
    }
}
