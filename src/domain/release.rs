//! Published versions and what the administrator decides about a slug for everybody.

use std::{fmt, str::FromStr};

use serde::Serialize;

use super::{Manifest, ReleasePath, Slug, Timestamp, UserId, Version, manifest::Visibility};
use crate::error::{Error, Result};

/// One published version: immutable but for visibility, yank and the removal of its files.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    pub slug: Slug,
    pub version: Version,
    pub manifest: Manifest,
    pub digest: Digest,
    /// Bytes of all files together.
    pub size: u64,
    pub file_count: u64,
    pub visibility: Visibility,
    /// Of the entry file, in base64; none for a plugin without a bundle.
    pub entry_sha384: Option<String>,
    pub published_by: String,
    pub published_at: Timestamp,
    pub yank: Option<Yank>,
    pub files_removed_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Yank {
    pub at: Timestamp,
    pub reason: String,
}

/// One file of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseFile {
    pub path: ReleasePath,
    pub size: u64,
    /// sha384 in base64.
    pub sha384: String,
    pub content_type: String,
}

/// A sha384 in base64 as HTML's `integrity` attribute wants it (W3C Subresource Integrity).
pub fn integrity(sha384: &str) -> String {
    format!("sha384-{sha384}")
}

/// One slug in the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct CatalogueEntry {
    pub newest: Release,
    pub available: bool,
    /// Users who have the plugin.
    pub installs: u64,
}

/// sha256 over a release's sorted content, in lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Digest(String);

impl FromStr for Digest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match hex::decode(text) {
            Ok(bytes) if bytes.len() == 32 => Ok(Self(text.to_ascii_lowercase())),
            _ => Err(Error::invalid("digest", "a digest has 64 hex digits")),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The administrator's row of a slug.
#[derive(Debug, Clone, PartialEq)]
#[doc(alias = "PluginState")]
#[doc(alias = "plugin_states")]
pub struct PluginConfig {
    pub slug: Slug,
    /// Availability for everybody.
    pub available: bool,
    /// The first publisher; none when a command on the machine made the row.
    pub owner: Option<UserId>,
}
