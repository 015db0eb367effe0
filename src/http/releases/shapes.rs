//! Releases as answers show them.

use serde::Serialize;
use serde_json::Value;

use crate::{
    domain::release::{Release, ReleaseFile, integrity},
    error::{Error, Result},
};

/// One release without its manifest.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ReleaseSummary {
    slug: String,
    version: String,
    /// sha256 over the sorted content, in hex.
    digest: String,
    /// Bytes of all files.
    #[schema(maximum = 9007199254740991i64)]
    size: u64,
    #[schema(maximum = 9007199254740991i64)]
    file_count: u64,
    visibility: String,
    published_by: String,
    published_at: String,
    yanked_at: Option<String>,
    yank_reason: Option<String>,
    files_removed_at: Option<String>,
    /// Absent in lists of versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest: Option<Value>,
    /// What the package says that does not count; where it was just published and there is any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl ReleaseSummary {
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
            warnings: Vec::new(),
        }
    }

    pub fn with_manifest(release: &Release) -> Result<Self> {
        let manifest = serde_json::to_value(&release.manifest).map_err(|e| Error::storage("cannot write a manifest", e))?;
        Ok(Self { manifest: Some(manifest), ..Self::new(release) })
    }

    pub fn with_warnings(self, warnings: Vec<String>) -> Self {
        Self { warnings, ..self }
    }
}

/// One file of a release.
#[derive(Serialize, utoipa::ToSchema)]
pub struct FileItem {
    path: String,
    #[schema(maximum = 9007199254740991i64)]
    size: u64,
    /// `sha384-...`
    integrity: String,
    content_type: String,
}

impl From<ReleaseFile> for FileItem {
    fn from(file: ReleaseFile) -> Self {
        Self { path: file.path.to_string(), size: file.size, integrity: integrity(&file.sha384), content_type: file.content_type }
    }
}
