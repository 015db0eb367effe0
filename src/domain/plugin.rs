//! What a user has installed.

use super::{AccessKey, Manifest, Slug, Timestamp, UserId, Version};

/// One row per user and slug.
#[derive(Debug, Clone, PartialEq)]
#[doc(alias = "PluginState")]
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

/// Why a version came to be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Install,
}

impl Change {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Install => "install",
        }
    }
}
