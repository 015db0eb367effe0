//! The versions that a package names beside the one that counts.

use serde_json::Value;

use super::document;
use crate::{
    domain::{Manifest, Version, manifest::PackageFiles},
    error::{Error, Result},
};

/// A note for each place that names another version than `plugin_data`.
pub fn disagreements(manifest: &Manifest, files: &PackageFiles<'_>) -> Result<Vec<String>> {
    let counts = &manifest.version;
    let mut notes = Vec::new();
    if let Some((folder, version)) = files.folder.and_then(|folder| Some((folder, of_folder(folder)?)))
        && version != *counts
    {
        notes.push(format!("the folder {folder} names version {version}, plugin_data {counts}; plugin_data counts"));
    }
    if let Some(path) = files.find("package.json") {
        match (files.read)(path) {
            Ok(bytes) => match document::parse(path.as_str(), &bytes) {
                Ok(members) => notes.extend(other_version(members.get("version"), counts)),
                Err(_) => notes.push("package.json cannot be read; plugin_data counts".to_owned()),
            },
            Err(Error::TooLarge { .. }) => notes.push("package.json is too large to be read; plugin_data counts".to_owned()),
            Err(other) => return Err(other),
        }
    }
    Ok(notes)
}

fn other_version(named: Option<&Value>, counts: &Version) -> Option<String> {
    let named = named?.as_str()?;
    let differs = named.trim_start_matches('v') != counts.to_string();
    differs.then(|| format!("package.json names version {named}, plugin_data {counts}; plugin_data counts"))
}

/// `1.0.0` of `Demo-1.0.0`, `v1.0.0` and `Demo_v1.0.0-beta.1`.
fn of_folder(name: &str) -> Option<Version> {
    let starts = std::iter::once(0).chain(name.match_indices(['-', '_']).map(|(at, _)| at + 1));
    starts.filter_map(|at| name.get(at..)).find_map(|text| text.strip_prefix('v').unwrap_or(text).parse().ok())
}
