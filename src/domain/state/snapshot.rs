//! Snapshots: all entries of one plugin of a user as they were at one moment.

use std::str::FromStr;

use super::{Stored, Strategy};
use crate::{
    domain::{Slug, Timestamp, UserId},
    error::{Error, Result},
};

/// Why a snapshot was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotReason {
    Request,
    /// Before the plugin was updated.
    Update,
    /// Before the plugin was rolled back, and its state with it.
    Rollback,
    /// Before another snapshot was restored.
    Restore,
}

impl SnapshotReason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Update => "update",
            Self::Rollback => "rollback",
            Self::Restore => "restore",
        }
    }
}

impl FromStr for SnapshotReason {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        [Self::Request, Self::Update, Self::Rollback, Self::Restore]
            .into_iter()
            .find(|reason| reason.as_str() == text)
            .ok_or_else(|| Error::invalid("reason", format!("{text:?} is no reason of a snapshot")))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Sorts by time.
    pub id: String,
    pub user: UserId,
    pub plugin: Slug,
    /// Installed at that moment.
    pub plugin_version: Option<String>,
    pub reason: SnapshotReason,
    pub label: Option<String>,
    /// Whether it stays when newer ones push others out.
    pub pinned: bool,
    pub entries: i64,
    /// Bytes of compact JSON.
    pub size: i64,
    /// The user's counter at that moment.
    pub seq: i64,
    pub created_by: String,
    pub created_at: Timestamp,
}

/// Which entry it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotKey {
    pub page: String,
    pub key: String,
    /// Bytes of compact JSON.
    pub size: i64,
    pub expires_at: Option<Timestamp>,
}

/// That entry as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotEntry {
    pub document: Stored,
    pub schema_version: Option<String>,
    pub strategy: Strategy,
    pub device: Option<String>,
}
