//! Entries and their revisions.

use std::str::FromStr;

use super::StateKey;
use crate::{
    domain::{Timestamp, UserId},
    error::{Error, Result},
};

/// Where a frontend wants a state to be kept. `none` and `session` belong to the browser; only imports bring them here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    None,
    Session,
    Persistent,
    Custom,
}

impl Strategy {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Session => "session",
            Self::Persistent => "persistent",
            Self::Custom => "custom",
        }
    }

    /// Refuses what the browser keeps itself.
    pub fn stored_here(self) -> Result<Self> {
        match self {
            Self::None | Self::Session => Err(Error::invalid(
                "/state_strategy",
                format!("`{}` belongs to the browser; this server keeps `persistent` and `custom`", self.as_str()),
            )),
            kept => Ok(kept),
        }
    }
}

impl FromStr for Strategy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        [Self::None, Self::Session, Self::Persistent, Self::Custom]
            .into_iter()
            .find(|strategy| strategy.as_str() == text)
            .ok_or_else(|| Error::invalid("/state_strategy", format!("{text:?} is none of none, session, persistent, custom")))
    }
}

/// How a document lies in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Plain,
    Zstd,
}

impl Encoding {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Zstd => "zstd",
        }
    }
}

impl FromStr for Encoding {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "plain" => Ok(Self::Plain),
            "zstd" => Ok(Self::Zstd),
            _ => Err(Error::invalid("encoding", format!("{text:?} is neither `plain` nor `zstd`"))),
        }
    }
}

/// A document in the form that the database keeps, with what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub data: Vec<u8>,
    pub encoding: Encoding,
    /// Of the compact JSON, in bytes.
    pub size: i64,
    /// Of the compact JSON.
    pub sha256: String,
    /// Of the JSON with sorted members.
    pub content_sha256: String,
}

impl Stored {
    pub fn stored_size(&self) -> i64 {
        i64::try_from(self.data.len()).unwrap_or(i64::MAX)
    }
}

/// One document of a user, without the document.
#[derive(Debug, Clone, PartialEq, Eq)]
#[doc(alias = "PluginState")]
#[doc(alias = "plugin_states")]
pub struct Entry {
    pub id: String,
    pub user: UserId,
    pub key: StateKey,
    /// Of the compact JSON, in bytes; 0 for a tombstone.
    pub size: i64,
    pub stored_size: i64,
    pub encoding: Encoding,
    pub sha256: String,
    pub content_sha256: String,
    pub schema_version: Option<String>,
    pub plugin_version: Option<String>,
    pub strategy: Strategy,
    pub device: Option<String>,
    /// The user's counter at the last change of anything; the entity tag.
    pub seq: i64,
    /// Counts changes of content, through deletions.
    pub version: i64,
    /// False only for what an import brought so.
    pub active: bool,
    pub last_accessed: Timestamp,
    pub access_count: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub deleted_at: Option<Timestamp>,
}

impl Entry {
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Whether it is there at all: neither a tombstone nor past its end, swept or not.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.deleted_at.is_none() && !self.has_expired(now)
    }
}

/// What a revision did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeType {
    Create,
    Update,
    Delete,
    Restore,
    Expire,
}

impl ChangeType {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Restore => "restore",
            Self::Expire => "expire",
        }
    }
}

impl FromStr for ChangeType {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        [Self::Create, Self::Update, Self::Delete, Self::Restore, Self::Expire]
            .into_iter()
            .find(|change| change.as_str() == text)
            .ok_or_else(|| Error::invalid("change", format!("{text:?} is no change of a state entry")))
    }
}

/// One change of an entry's content, without the document.
#[derive(Debug, Clone, PartialEq, Eq)]
#[doc(alias = "PluginStateHistory")]
pub struct Revision {
    pub version: i64,
    pub seq: i64,
    pub change: ChangeType,
    pub encoding: Encoding,
    pub size: i64,
    pub stored_size: i64,
    pub sha256: String,
    pub schema_version: Option<String>,
    pub plugin_version: Option<String>,
    pub device: Option<String>,
    pub actor: String,
    pub user_agent: Option<String>,
    pub created_at: Timestamp,
}
