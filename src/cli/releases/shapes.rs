//! Releases as results show them, with the members that the server's answers have.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    cli::failure::Result,
    domain::release::{CatalogueEntry, Release},
    error::Error,
};

/// One line of the catalogue.
#[derive(Serialize, Deserialize)]
pub struct CatalogueItem {
    pub slug: String,
    /// The newest.
    pub version: String,
    pub name: String,
    pub description: Option<String>,
    pub category: Option<String>,
    pub available: bool,
    /// Users who have it.
    pub installs: u64,
    pub published_at: String,
}

impl From<CatalogueEntry> for CatalogueItem {
    fn from(row: CatalogueEntry) -> Self {
        let manifest = row.newest.manifest;
        Self {
            slug: row.newest.slug.to_string(),
            version: row.newest.version.to_string(),
            name: manifest.name,
            description: manifest.description,
            category: manifest.category,
            available: row.available,
            installs: row.installs,
            published_at: row.newest.published_at.to_string(),
        }
    }
}

/// One release.
#[derive(Serialize, Deserialize)]
pub struct ReleaseItem {
    pub slug: String,
    pub version: String,
    pub digest: String,
    /// Bytes of all files.
    pub size: u64,
    pub file_count: u64,
    pub visibility: String,
    pub published_by: String,
    pub published_at: String,
    pub yanked_at: Option<String>,
    pub yank_reason: Option<String>,
    pub files_removed_at: Option<String>,
    /// Absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Value>,
}

impl ReleaseItem {
    pub fn new(release: &Release) -> Self {
        Self {
            slug: release.slug.to_string(),
            version: release.version.to_string(),
            digest: release.digest.to_string(),
            size: release.size,
            file_count: release.file_count,
            visibility: release.visibility.to_string(),
            published_by: release.published_by.clone(),
            published_at: release.published_at.to_string(),
            yanked_at: release.yank.as_ref().map(|yank| yank.at.to_string()),
            yank_reason: release.yank.as_ref().map(|yank| yank.reason.clone()),
            files_removed_at: release.files_removed_at.map(|at| at.to_string()),
            manifest: None,
        }
    }

    pub fn with_manifest(release: &Release) -> Result<Self> {
        let manifest = serde_json::to_value(&release.manifest).map_err(|e| Error::storage("a manifest cannot be printed", e))?;
        Ok(Self { manifest: Some(manifest), ..Self::new(release) })
    }

    /// What a reader should know before choosing it; empty when there is nothing.
    pub fn remark(&self) -> String {
        match (&self.yank_reason, &self.files_removed_at) {
            (Some(reason), _) => format!("yanked: {reason}"),
            (None, Some(_)) => "files removed".to_owned(),
            (None, None) => String::new(),
        }
    }
}
