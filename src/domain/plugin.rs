//! What a user has installed.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::{AccessKey, Manifest, Slug, Timestamp, UserId, Version, history::HistoryEntry, manifest::Visibility};
use crate::error::{Error, Result};

/// One row per user and slug.
#[derive(Debug, Clone, PartialEq)]
#[doc(alias = "PluginState")]
#[doc(alias = "plugin_states")]
pub struct Plugin {
    /// `<user id>_<slug>` for new installations; imported ids stay as they are.
    pub id: String,
    pub user: UserId,
    pub slug: Slug,
    pub version: Version,
    pub enabled: bool,
    /// The user's own values, a JSON object as text.
    pub config: String,
    /// Only where there is no release, or where imported metadata differ from it.
    pub manifest: Option<Manifest>,
    pub access_key: AccessKey,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub enabled_at: Option<Timestamp>,
    pub disabled_at: Option<Timestamp>,
    pub revision: i64,
}

/// A plugin with what its release and the administrator say about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Installed {
    pub plugin: Plugin,
    /// None for a plugin without files of its own.
    pub release: Option<InstalledRelease>,
    /// The administrator's decision for everybody.
    pub available: bool,
    /// The administrator's values for everybody.
    pub wide_config: Map<String, Value>,
    /// The newest version in the catalogue, if there is any.
    pub latest: Option<Version>,
}

/// What of a release matters to those who have it.
#[derive(Debug, Clone, PartialEq)]
pub struct InstalledRelease {
    pub manifest: Manifest,
    pub visibility: Visibility,
    pub entry_sha384: Option<String>,
}

impl Installed {
    /// A bundle is served when available and enabled.
    pub fn is_served(&self) -> bool {
        self.available && self.plugin.enabled
    }

    pub fn update_available(&self) -> bool {
        self.latest.as_ref().is_some_and(|latest| *latest > self.plugin.version)
    }

    /// The plugin's own manifest where it has one, else the release's.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.plugin.manifest.as_ref().or(self.release.as_ref().map(|release| &release.manifest))
    }
}

/// A user's row for one module of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleRow {
    pub id: String,
    pub enabled: bool,
    /// The user's own values, a JSON object as text.
    pub config: String,
    /// Whether the installed version still declares it.
    pub present: bool,
}

/// A plugin with everything that comes into being together with it.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPlugin {
    pub plugin: Plugin,
    pub modules: Vec<ModuleRow>,
    /// Oldest first; the last one is the installed version.
    pub history: Vec<HistoryEntry>,
}

/// Why a version came to be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Install,
    Update,
    Rollback,
    Import,
}

impl Change {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Update => "update",
            Self::Rollback => "rollback",
            Self::Import => "import",
        }
    }
}

impl FromStr for Change {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        [Self::Install, Self::Update, Self::Rollback, Self::Import]
            .into_iter()
            .find(|change| change.as_str() == text)
            .ok_or_else(|| Error::invalid("change", format!("{text:?} is no change of version")))
    }
}
