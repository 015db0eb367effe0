//! Packages from addresses: fetched to a staging file, then handled as if they had been uploaded.

use crate::{
    app::App,
    domain::{Version, VersionSpec},
    error::{Error, Result, Step},
    fetch::Source,
    files::Archive,
};

/// What is to be fetched.
#[derive(Debug)]
pub struct Wanted {
    /// Of a repository, or of an archive.
    pub address: String,
    /// A release of the repository; `latest` or none for the newest. Of an archive, the version that it must have.
    pub version: Option<String>,
    /// What the archive must be.
    pub sha256: Option<[u8; 32]>,
}

#[derive(Debug)]
pub struct Fetched {
    pub archive: Archive,
    /// The address without what can hold secrets, for the installation record.
    pub source_url: String,
    /// The repository's release; none for an archive.
    pub release: Option<String>,
    /// What the manifest must say, where the caller said so.
    pub version: Option<Version>,
}

/// 64 hex digits.
pub fn sha256(text: &str) -> Result<[u8; 32]> {
    let bytes = hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| Error::invalid("sha256", "must be 64 hex digits"))
}

/// Streams the archive to the staging folder. Nothing of it is looked at but its hash.
///
/// # Errors
/// [`Error::SourceRefused`] and [`Error::SourceFailed`] with the step.
pub async fn fetch(app: &App, wanted: &Wanted) -> Result<Fetched> {
    let version = wanted.version.as_deref().map(str::trim).filter(|version| !version.is_empty());
    let (address, source_url, release, version) = match app.fetcher.source(wanted.address.trim())? {
        Source::Repository(repository) => {
            let found = app.fetcher.release(&repository, version).await?;
            (found.archive, repository.address(), Some(found.tag), None)
        }
        Source::Archive(url) => {
            let version = version.map(exact).transpose()?.flatten();
            let mut plain = url.clone();
            plain.set_query(None);
            plain.set_fragment(None);
            (url, plain.to_string(), None, version)
        }
    };
    let limit = app.settings.max_archive.as_u64();
    let mut upload = app.folder.begin_upload(limit).await?;
    app.fetcher.download(address, limit, async |piece: &[u8]| upload.write(piece).await).await?;
    let archive = upload.finish().await?;
    if let Some(expected) = wanted.sha256
        && expected != archive.sha256
    {
        let message = format!("the archive's sha256 is {}, expected was {}", hex::encode(archive.sha256), hex::encode(expected));
        return Err(Error::SourceFailed { step: Step::DownloadAndExtract, message });
    }
    Ok(Fetched { archive, source_url, release, version })
}

/// An archive is one version: it can be named, not chosen.
fn exact(version: &str) -> Result<Option<Version>> {
    match version.parse() {
        Ok(VersionSpec::Latest) => Ok(None),
        Ok(VersionSpec::Exact(version)) => Ok(Some(version)),
        _ => Err(Error::invalid("version", "must be `latest` or a full version: the address names an archive, not a repository")),
    }
}
