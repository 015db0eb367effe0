//! A folder of an older system, read to its end: what it calls itself, what it holds, and the manifest that makes of it.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    domain::{
        Manifest, ReleasePath, Slug, UserId, Version, json,
        legacy::{Described, describe, overlaid, read_version},
        manifest::{MAX_MANIFEST, PackageFiles, read_members},
    },
    error::{Error, Result},
    files::{Description, Examined},
};

/// What the small files of a folder say.
pub struct Said {
    pub slug: Slug,
    pub version: Version,
    /// As it is written there.
    pub written_version: String,
    /// What the release is.
    pub described: Described,
    /// What an installer noted for one user.
    pub installer: Option<Installer>,
}

/// What an installer wrote beside a plugin's files.
pub const INSTALLER_FILE: &str = "plugin_metadata.json";

/// `plugin_metadata.json`: `{plugin_data, module_data, installed_for_user, installed_at}`.
#[derive(Clone)]
pub struct Installer {
    pub described: Described,
    /// The members beside `plugin_data` and `module_data`.
    pub rest: Map<String, Value>,
}

/// Content and manifest of a folder.
#[derive(Clone)]
pub struct Content {
    pub digest: String,
    pub manifest: Arc<Manifest>,
}

/// Reads what describes the folder; none when nothing names its slug.
///
/// # Errors
/// What is wrong, in words for a report.
pub fn read(description: &Description, owner: Option<&UserId>) -> Result<Option<Said>, String> {
    let installer = description.metadata.as_deref().map(read_installer).transpose()?;
    let described = match (&description.plugin_json, &installer) {
        (Some(text), _) => describe(&object("plugin.json", text)?, None),
        (None, Some(installer)) => installer.described.clone(),
        (None, None) => return Ok(None),
    };
    let member = |name: &str| described.members.get(name).and_then(Value::as_str).unwrap_or_default();
    let noted = described.rest.get("plugin_slug").and_then(Value::as_str);
    let slug = match (description.plugin_json.is_some(), noted) {
        (false, Some(slug)) => slug,
        _ => bare_id(member("id"), owner),
    };
    let slug = slug.parse().map_err(reason)?;
    let written_version = member("version").to_owned();
    let version = old_version(&written_version)?;
    Ok(Some(Said { slug, version, written_version, described, installer }))
}

/// A version of an older system; its build metadata would mark a variant here.
pub fn old_version(text: &str) -> Result<Version, String> {
    read_version(text.trim().trim_start_matches(['v', 'V'])).map(|version| version.base()).map_err(|_| match text {
        "" => "names no version".to_owned(),
        text => format!("its version {text:?} cannot be read as a semantic version"),
    })
}

/// Ids of installed plugins carry their owner in front.
pub fn bare_id<'a>(id: &'a str, owner: Option<&UserId>) -> &'a str {
    let Some(owner) = owner else { return id };
    let rest = |length: usize| {
        let (prefix, rest) = id.split_at_checked(length)?;
        (prefix.parse::<UserId>().ok()? == *owner).then(|| rest.strip_prefix('_'))?
    };
    rest(32).or_else(|| rest(36)).unwrap_or(id)
}

/// The manifest that the described plugin has under this name, with these files.
pub fn manifest(described: &Described, slug: &Slug, version: &Version, files: &Examined) -> Result<Manifest> {
    let mut members = described.members.clone();
    members.insert("id".to_owned(), Value::from(slug.as_str()));
    members.insert("version".to_owned(), Value::from(version.to_string()));
    read_members(&members, &PackageFiles::new(&files.paths, &unread))
}

/// What a user's own description makes of a release's manifest.
pub fn personal_manifest(released: &Manifest, described: &Described) -> Result<Manifest> {
    let members = overlaid(released, described)?;
    let paths: Vec<ReleasePath> = released.bundle_location.iter().filter_map(|path| path.parse().ok()).collect();
    read_members(&members, &PackageFiles::new(&paths, &unread))
}

fn unread(_: &ReleasePath) -> Result<Vec<u8>> {
    Err(Error::damaged("a described plugin's manifest is not read from its files"))
}

/// Whether the old system had it on, as far as it says.
pub fn switch(described: &Described) -> Option<bool> {
    let said = described.rest.get("enabled").and_then(|value| match value {
        Value::Bool(on) => Some(*on),
        Value::Number(number) => Some(number.as_i64()? != 0),
        _ => None,
    });
    let status = described.members.get("status").and_then(Value::as_str);
    said.or_else(|| status.filter(|status| matches!(*status, "deactivated" | "disabled" | "inactive")).map(|_| false))
}

/// One line for every value that is of another type than it should be.
pub fn notes(described: &Described, keeper: &str) -> Vec<String> {
    described.unreadable.keys().map(|place| format!("{place} cannot be read and is kept in {keeper}")).collect()
}

fn read_installer(text: &[u8]) -> Result<Installer, String> {
    let mut rest = object("plugin_metadata.json", text)?;
    let plugin = match rest.shift_remove("plugin_data") {
        Some(Value::Object(plugin)) => plugin,
        _ => return Err("plugin_metadata.json has no plugin_data".to_owned()),
    };
    let modules = match rest.shift_remove("module_data") {
        Some(Value::Array(modules)) => modules.into_iter().filter_map(|module| match module {
            Value::Object(module) => Some(module),
            _ => None,
        }),
        Some(Value::Null) | None => return Ok(Installer { described: describe(&plugin, None), rest }),
        Some(_) => return Err("the module_data of plugin_metadata.json is no list".to_owned()),
    };
    let modules: Vec<Map<String, Value>> = modules.collect();
    Ok(Installer { described: describe(&plugin, Some(&modules)), rest })
}

/// A small file that holds a JSON object.
pub fn object(name: &str, text: &[u8]) -> Result<Map<String, Value>, String> {
    if text.len() > MAX_MANIFEST {
        return Err(format!("{name} has more than {MAX_MANIFEST} bytes"));
    }
    let text = std::str::from_utf8(text).map_err(|e| format!("{name} is not UTF-8: {e}"))?;
    match json::parse(text.strip_prefix('\u{feff}').unwrap_or(text)) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(format!("{name} does not hold an object")),
        Err(e) => Err(format!("{name} does not parse: {e}")),
    }
}

/// An error in words for a report, places inside the package included.
pub fn reason(error: Error) -> String {
    match error {
        Error::Validation { errors } | Error::InvalidPackage { errors, .. } => errors
            .into_iter()
            .map(|v| if v.pointer.is_empty() { v.message } else { format!("{} {}", v.pointer, v.message) })
            .collect::<Vec<_>>()
            .join("; "),
        other => other.chain().to_string(),
    }
}
