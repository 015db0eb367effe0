//! Installing what an address names.

use serde_json::{Map, json};

use super::install_package::{InstalledPackage, PackageOrigin, failed, install_package};
use crate::{
    app::{
        App, releases,
        sources::{self, Wanted},
    },
    domain::{Caller, UserId, record::InstallationType},
    error::{Result, Step},
};

#[derive(Debug)]
pub struct InstalledSource {
    pub package: InstalledPackage,
    pub source_url: String,
    /// The repository's release; none for an archive.
    pub release: Option<String>,
    pub size: u64,
}

/// Fetches, publishes, installs. The record keeps address, release and hash.
///
/// # Errors
/// As [`install_package`].
pub async fn install_source(app: &App, caller: &Caller, user: &UserId, wanted: &Wanted) -> Result<InstalledSource> {
    // Before anything is asked for somebody who may not publish it.
    releases::may_publish(app, caller)?;
    let fetched = sources::fetch(app, wanted).await.map_err(|cause| failed(Step::UrlParsing, None, user.clone(), cause))?;
    let mut extra = Map::from_iter([("sha256".to_owned(), json!(hex::encode(fetched.archive.sha256)))]);
    extra.extend(fetched.release.iter().map(|release| ("release".to_owned(), json!(release))));
    let origin = PackageOrigin {
        installation_type: InstallationType::Remote,
        source_url: Some(fetched.source_url.clone()),
        version: fetched.version,
        extra,
    };
    let size = fetched.archive.size;
    let package = install_package(app, caller, user, fetched.archive, origin).await?;
    Ok(InstalledSource { package, source_url: fetched.source_url, release: fetched.release, size })
}
