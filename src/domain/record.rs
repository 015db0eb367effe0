//! The installation record: what a user's `installed_plugins.json` holds for one slug.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Timestamp;

/// Installation metadata and nothing else: a field that the database owns cannot be expressed here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstallationMetadata {
    pub installation_type: InstallationType,
    /// Where the installer got the package, without credentials.
    pub source_url: Option<String>,
    /// User, token or command name.
    pub installed_by: String,
    pub installed_at: Timestamp,
    /// What an installer adds. Kept in a member of its own, because flattened structs misread numbers when digits are
    /// to survive as written.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
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
