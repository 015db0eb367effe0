//! Reader of BrainDrive's `lifecycle_manager.py`. The file is parsed, never run: what counts is the literals that
//! `plugin_data` and `module_data` (or `PLUGIN_DATA` and `MODULE_DATA`) are given. What such a file does beyond describing
//! its plugin is copying files and writing database rows, which this server does by itself; a file that asks for more (a
//! backend, services, hooks) is refused.

mod literal;
mod methods;
mod source;
mod versions;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use self::source::{Source, Values};
use super::{Fields, Manifest, Overrides, PackageFiles, Reading, document, finish, plugin_json};
use crate::error::{Error, Result, Violation};

/// The members of `plugin_data` that are read; `plugin_slug` is the slug. The last five ask for what is refused.
/// (`installation_type` says how BrainDrive installed it; here the installation record does.)
const PLUGIN_KEYS: &[&str] = &[
    "name",
    "description",
    "version",
    "type",
    "icon",
    "category",
    "official",
    "author",
    "compatibility",
    "scope",
    "bundle_method",
    "bundle_location",
    "is_local",
    "long_description",
    "source_type",
    "source_url",
    "update_check_url",
    "permissions",
    "endpoints_file",
    "required_services_runtime",
    "backend_dependencies",
];
/// The members of each of `module_data` that are read; `name` is the id, too.
const MODULE_KEYS: &[&str] = &[
    "name",
    "display_name",
    "description",
    "icon",
    "category",
    "priority",
    "props",
    "config_fields",
    "messages",
    "required_services",
    "dependencies",
    "layout",
    "tags",
];
/// Objects, for which such files also write an empty list.
const OBJECTS: &[&str] = &["props", "config_fields", "messages", "required_services", "layout"];
/// Members that hold hooks.
const HOOK_KEYS: &[&str] = &["hooks", "lifecycle_hooks", "install_hooks"];
/// Kinds of plugin that come with a backend.
const BACKEND_TYPES: &[&str] = &["backend", "fullstack"];

/// # Errors
/// [`Error::InvalidPackage`]; pointers name a member of the literals (`/plugin_data/version`), messages their line.
pub(super) fn read(bytes: &[u8], files: &PackageFiles<'_>, overrides: &Overrides) -> Result<Reading> {
    let (reading, mut notes) = manifest(bytes, files, overrides).map_err(Error::bad_manifest)?;
    notes.extend(versions::disagreements(&reading, files)?);
    Ok(Reading { manifest: reading, notes })
}

fn manifest(bytes: &[u8], files: &PackageFiles<'_>, overrides: &Overrides) -> Result<(Manifest, Vec<String>), Vec<Violation>> {
    let parsed = source::parse(bytes)?;
    let source = Source::read(&parsed)?;
    let (refused, notes) = methods::judge(&source);
    if !refused.is_empty() {
        return Err(refused);
    }
    let mut lines = BTreeMap::new();
    let Values { plugin, modules } = source.values(&mut lines)?;
    // The rules for plugin.json are those of its members, too.
    let described =
        document::checked("lifecycle_manager.py", Value::Object(described(&plugin, &modules))).map_err(|v| placed(v, &lines))?;
    let mut violations = unsupported(&plugin);
    let manifest = plugin_json::read(Fields::new(&described, String::new(), &mut violations), files, overrides);
    finish(manifest, violations).map(|manifest| (manifest, notes)).map_err(|violations| placed(violations, &lines))
}

/// The same as the members of a `plugin.json`.
fn described(plugin: &Map<String, Value>, modules: &[Value]) -> Map<String, Value> {
    let mut described = picked(plugin, PLUGIN_KEYS);
    if let Some(slug) = plugin.get("plugin_slug") {
        described.insert("id".to_owned(), slug.clone());
    }
    let module = |module: &Value| match module {
        Value::Object(members) => {
            let mut described = picked(members, MODULE_KEYS);
            described.retain(|key, value| !(OBJECTS.contains(&key.as_str()) && value.as_array().is_some_and(Vec::is_empty)));
            if let Some(name) = members.get("name") {
                described.insert("id".to_owned(), name.clone());
            }
            Value::Object(described)
        }
        other => other.clone(),
    };
    described.insert("modules".to_owned(), modules.iter().map(module).collect());
    described
}

fn picked(members: &Map<String, Value>, keys: &[&str]) -> Map<String, Value> {
    keys.iter().filter_map(|&key| members.get(key).map(|value| (key.to_owned(), value.clone()))).collect()
}

/// What the literals ask for beyond what every manifest is refused for.
fn unsupported(plugin: &Map<String, Value>) -> Vec<Violation> {
    let mut refused = Vec::new();
    if let Some(kind) = plugin.get("type").and_then(Value::as_str).filter(|kind| BACKEND_TYPES.contains(kind)) {
        refused.push(Violation::new(
            "/type",
            format!("is {kind:?}: plugins with a backend are not supported, this server never runs a plugin's code"),
        ));
    }
    let holds = |value: &&Value| !matches!(value, Value::Null) && value.as_array().is_none_or(|list| !list.is_empty());
    for key in HOOK_KEYS.iter().filter(|key| plugin.get(**key).filter(holds).is_some()) {
        refused.push(Violation::new(
            format!("/{key}"),
            "asks for lifecycle hooks, which are not supported: this server never runs a plugin's code",
        ));
    }
    refused
}

/// Names the places as this file calls them, and their lines.
fn placed(violations: Vec<Violation>, lines: &BTreeMap<String, usize>) -> Vec<Violation> {
    let place = |violation: Violation| {
        let pointer = renamed(&violation.pointer);
        // What is missing has no line of its own; what it is missing in does.
        let known =
            std::iter::successors(Some(pointer.as_str()), |at| at.rsplit_once('/').map(|(above, _)| above)).find_map(|at| lines.get(at));
        let message = known.map_or_else(|| violation.message.clone(), |line| format!("line {line}: {}", violation.message));
        Violation { pointer, message }
    };
    violations.into_iter().map(place).collect()
}

fn renamed(pointer: &str) -> String {
    let is_part = |rest: &&str| rest.is_empty() || rest.starts_with('/');
    match pointer.strip_prefix("/modules").filter(is_part) {
        Some(rest) => match rest.strip_suffix("/id").filter(|index| index.matches('/').count() == 1) {
            Some(index) => format!("/module_data{index}/name"),
            None => format!("/module_data{rest}"),
        },
        None if pointer == "/id" => "/plugin_data/plugin_slug".to_owned(),
        // The whole, and what the request says.
        None if !pointer.starts_with('/') => pointer.to_owned(),
        None => format!("/plugin_data{pointer}"),
    }
}
