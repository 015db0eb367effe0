//! How one of a user's plugins is: whether record, row and files agree.

use super::{ListedPlugin, list_one, records};
use crate::{
    app::App,
    domain::{Slug, UserId, record::InstallationMetadata},
    error::{Error, Result},
    offload,
    storage::{plugins, releases},
};

pub struct Status {
    pub slug: String,
    pub health: Health,
    pub plugin: Option<ListedPlugin>,
    pub bundle_size: Option<u64>,
    pub bundle_exists: bool,
    pub package_json_valid: bool,
    pub assets_present: bool,
    pub metadata: Option<InstallationMetadata>,
    pub drift: Option<Drift>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    Healthy,
    Unhealthy,
    NotInstalled,
}

/// Where row and record disagree; `doctor` repairs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Drift {
    RowWithoutRecord,
    RecordWithoutRow,
}

/// The answer for a plugin that the user does not have, whoever else may have it.
fn absent(slug: &str, drift: Option<Drift>, metadata: Option<InstallationMetadata>) -> Status {
    Status {
        slug: slug.to_owned(),
        health: Health::NotInstalled,
        plugin: None,
        bundle_size: None,
        bundle_exists: false,
        package_json_valid: false,
        assets_present: false,
        metadata,
        drift,
    }
}

pub async fn status(app: &App, user: &UserId, name: &str) -> Result<Status> {
    let found = match list_one(app, user, name).await {
        Ok(found) => found,
        Err(Error::NotFound(_)) => return drifted(app, user, name).await,
        Err(error) => return Err(error),
    };
    let (slug, version) = (found.installed.plugin.slug.clone(), found.installed.plugin.version.clone());
    let (wanted, exact) = (slug.clone(), version.clone());
    let files = app.db.read(move |conn| releases::files(conn, &wanted, &exact)).await?;
    let entry = found.manifest.bundle_location.clone();
    let bundle_size = files.iter().find(|file| Some(file.path.as_str()) == entry.as_deref()).map(|file| file.size);
    let total = files.len();
    // What the table promises is looked for on the disk; `doctor` also reads the content.
    let folder = app.folder.clone();
    let present = offload::run(move || {
        let mut present = Vec::new();
        for file in files {
            if let Some(path) = folder.file(&slug, &version, &file.path)?
                && std::fs::metadata(path).is_ok_and(|metadata| metadata.len() == file.size)
            {
                present.push(file.path.to_string());
            }
        }
        Ok(present)
    })
    .await?;
    let bundle_exists = entry.as_ref().is_none_or(|entry| present.contains(entry));
    let assets_present = present.len() == total;
    Ok(Status {
        slug: found.installed.plugin.slug.to_string(),
        health: if bundle_exists && assets_present { Health::Healthy } else { Health::Unhealthy },
        bundle_size,
        bundle_exists,
        package_json_valid: present.iter().any(|path| matches!(path.as_str(), "plugin.json" | "package.json")),
        assets_present,
        metadata: found.record.clone(),
        drift: None,
        plugin: Some(found),
    })
}

async fn drifted(app: &App, user: &UserId, name: &str) -> Result<Status> {
    let Ok(slug) = name.parse::<Slug>() else { return Ok(absent(name, None, None)) };
    let (owner, wanted) = (user.clone(), slug.clone());
    let row = app.db.read(move |conn| plugins::find(conn, &owner, &wanted)).await?;
    let record = records::of(app, user).await?.remove(slug.as_str());
    let drift = match (&row, &record) {
        (Some(_), None) => Some(Drift::RowWithoutRecord),
        (None, Some(_)) => Some(Drift::RecordWithoutRow),
        _ => None,
    };
    Ok(absent(name, drift, record.as_ref().and_then(records::metadata).cloned()))
}
