//! What installers noted about a user's plugin becomes part of its record.

use serde_json::{Map, Value};

use super::tree::{Installer, object};
use crate::{
    domain::{
        Timestamp,
        record::{InstallationMetadata, InstallationType, utc, without_any_credentials},
    },
    error::Result,
    files::InstallerNote,
};

/// What a record is made of.
#[derive(Debug, Clone, Default)]
pub struct Noted {
    pub kind: Option<InstallationType>,
    pub source_url: Option<String>,
    pub installed_by: Option<String>,
    pub installed_at: Option<Timestamp>,
    /// What has no name of its own in a record.
    pub extra: Map<String, Value>,
}

impl Noted {
    /// Reads `<plugin id>_remote.json` or `_local.json`.
    ///
    /// # Errors
    /// What is wrong, in words for a report.
    pub fn read(note: &InstallerNote) -> Result<Self, String> {
        let members = object("the file", &note.text)?;
        let text = |names: &[&str]| names.iter().find_map(|name| members.get(*name)?.as_str().map(str::to_owned));
        let kind = if note.is_remote { InstallationType::Remote } else { InstallationType::Local };
        Ok(Self {
            kind: Some(kind),
            source_url: text(&["source_url", "repo_url", "url"]),
            installed_by: text(&["installed_by"]),
            installed_at: text(&["installed_at", "created_at"]).and_then(|text| utc(&text).ok()),
            extra: Map::from_iter([("installer".to_owned(), without_any_credentials(Value::Object(members)))]),
        })
    }

    /// What `plugin_metadata.json` says beside the plugin and its modules.
    pub fn of_installer(installer: &Installer) -> Self {
        let time = installer.rest.get("installed_at").and_then(Value::as_str).and_then(|text| utc(text).ok());
        let mut noted = Self { installed_at: time, ..Self::default() };
        noted.keep("installer_metadata", installer.rest.clone());
        noted.keep("unreadable", installer.described.unreadable.clone());
        noted
    }

    /// Keeps a value that has no place of its own, unless there is none.
    pub fn keep(&mut self, name: &str, values: Map<String, Value>) {
        if !values.is_empty() {
            self.extra.insert(name.to_owned(), without_any_credentials(Value::Object(values)));
        }
    }

    /// Takes from `other` what is not said yet; what has no name of its own and is said otherwise is kept beside it.
    pub fn or(mut self, other: Self) -> Self {
        for (name, value) in other.extra {
            let is_free = self.extra.get(&name).is_none_or(|said| *said == value);
            self.extra.insert(if is_free { name } else { format!("{name}_other") }, value);
        }
        Self {
            kind: self.kind.or(other.kind),
            source_url: self.source_url.or(other.source_url),
            installed_by: self.installed_by.or(other.installed_by),
            installed_at: self.installed_at.or(other.installed_at),
            extra: self.extra,
        }
    }

    pub fn metadata(self, actor: &str, otherwise: Timestamp) -> Result<InstallationMetadata> {
        InstallationMetadata::new(
            self.kind.unwrap_or(InstallationType::Migrated),
            self.source_url.as_deref(),
            self.installed_by.unwrap_or_else(|| actor.to_owned()),
            self.installed_at.unwrap_or(otherwise),
            self.extra,
        )
    }
}
