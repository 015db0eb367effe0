//! A plugin as an older file or row describes it, brought into the keys and types of `plugin.json` that the manifest's
//! reader takes. Spellings differ (`bundleMethod`, `bundle_method`, `bundlemethod`), exports hold JSON inside strings and
//! booleans as numbers.

use serde_json::{Map, Value, json};

use super::row::flag;
use crate::domain::{
    Slug, json as plain,
    manifest::{Visibility, module_id_fault},
    record::without_credentials,
    schema,
};

/// A plugin's members, each of the type that a manifest wants.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Described {
    /// The keys of `plugin.json`, `modules` included.
    pub members: Map<String, Value>,
    /// What was left out because it has another type, by its JSON pointer, as it was.
    pub unreadable: Map<String, Value>,
    /// What has no place in a manifest, as it was.
    pub rest: Map<String, Value>,
}

#[derive(Clone, Copy)]
enum Shape {
    Text,
    /// An address, kept without user and password.
    Url,
    Flag,
    Integer,
    Count,
    Object,
    Texts,
    List,
    /// Slug to range; a list of slugs means any version of each.
    Dependencies,
    Range,
    Visibility,
    Schema,
    /// Refused by the manifest's reader unless empty.
    Any,
}

const PLUGIN: &[(&str, Shape)] = &[
    ("id", Shape::Text),
    ("name", Shape::Text),
    ("description", Shape::Text),
    ("version", Shape::Text),
    ("type", Shape::Text),
    ("pluginType", Shape::Text),
    ("icon", Shape::Text),
    ("category", Shape::Text),
    ("status", Shape::Text),
    ("official", Shape::Flag),
    ("author", Shape::Text),
    ("lastUpdated", Shape::Text),
    ("compatibility", Shape::Text),
    ("downloads", Shape::Count),
    ("scope", Shape::Text),
    ("bundleMethod", Shape::Text),
    ("bundleLocation", Shape::Text),
    ("isLocal", Shape::Flag),
    ("longDescription", Shape::Text),
    ("sourceType", Shape::Text),
    ("sourceUrl", Shape::Url),
    ("updateCheckUrl", Shape::Url),
    ("configFields", Shape::Object),
    ("messages", Shape::Object),
    ("dependencies", Shape::Dependencies),
    ("permissions", Shape::Texts),
    ("tags", Shape::Texts),
    ("host", Shape::Range),
    ("visibility", Shape::Visibility),
    ("configSchema", Shape::Schema),
    ("statePolicy", Shape::Object),
    ("endpointsFile", Shape::Any),
    ("requiredServicesRuntime", Shape::Any),
    ("backendDependencies", Shape::Any),
];

const MODULE: &[(&str, Shape)] = &[
    ("id", Shape::Text),
    ("name", Shape::Text),
    ("displayName", Shape::Text),
    ("description", Shape::Text),
    ("icon", Shape::Text),
    ("category", Shape::Text),
    ("tags", Shape::Texts),
    ("enabled", Shape::Flag),
    ("priority", Shape::Integer),
    ("props", Shape::Object),
    ("configFields", Shape::Object),
    ("messages", Shape::Object),
    ("requiredServices", Shape::Object),
    ("dependencies", Shape::List),
    ("layout", Shape::Object),
    ("configSchema", Shape::Schema),
];

/// Reads a plugin. Its modules are `modules` where given, else the member of that name.
pub fn describe(members: &Map<String, Value>, modules: Option<&[Map<String, Value>]>) -> Described {
    let mut described = Described::default();
    let own;
    let modules = match modules {
        Some(given) => given,
        None => {
            own = own_modules(members, &mut described);
            &own
        }
    };
    let members = members.iter().filter(|(name, _)| *name != "modules");
    described.members = read(PLUGIN, members, "", &mut described);
    let modules = modules.iter().enumerate().filter_map(|(at, module)| {
        let pointer = format!("/modules/{at}");
        let read = read(MODULE, module.iter(), &pointer, &mut described);
        let id = read.get("id").and_then(Value::as_str);
        if id.is_none_or(|id| module_id_fault(id).is_some()) {
            described.unreadable.insert(pointer, Value::Object(module.clone()));
            return None;
        }
        Some(Value::Object(read))
    });
    let modules: Vec<Value> = modules.collect();
    described.members.insert("modules".to_owned(), Value::Array(modules));
    described
}

fn own_modules(members: &Map<String, Value>, described: &mut Described) -> Vec<Map<String, Value>> {
    let listed = members.get("modules").map(|value| (value, unwrapped(value)));
    match listed {
        None | Some((_, Value::Null)) => Vec::new(),
        Some((_, Value::Array(items))) => items
            .into_iter()
            .enumerate()
            .filter_map(|(at, item)| match item {
                Value::Object(module) => Some(module),
                other => {
                    described.unreadable.insert(format!("/modules/{at}"), other);
                    None
                }
            })
            .collect(),
        Some((raw, _)) => {
            described.unreadable.insert("/modules".to_owned(), raw.clone());
            Vec::new()
        }
    }
}

fn read<'a>(
    shapes: &[(&str, Shape)],
    members: impl Iterator<Item = (&'a String, &'a Value)>,
    pointer: &str,
    described: &mut Described,
) -> Map<String, Value> {
    let mut read = Map::new();
    for (name, value) in members {
        let folded = name.replace('_', "").to_ascii_lowercase();
        let known = shapes.iter().find(|(known, _)| known.to_ascii_lowercase() == folded);
        match known {
            _ if value.is_null() => {}
            None if pointer.is_empty() => drop(described.rest.insert(name.clone(), value.clone())),
            None => drop(described.rest.insert(format!("{pointer}/{name}"), value.clone())),
            Some((known, shape)) => match shape.take(value) {
                Ok(None) => {}
                Ok(Some(value)) => drop(read.insert((*known).to_owned(), value)),
                Err(()) => drop(described.unreadable.insert(format!("{pointer}/{name}"), value.clone())),
            },
        }
    }
    read
}

impl Shape {
    /// The value as this shape; none when it says nothing.
    fn take(self, value: &Value) -> Result<Option<Value>, ()> {
        let is_blank = |value: &Value| value.as_str().is_some_and(|text| text.trim().is_empty());
        match self {
            Self::Text => match value {
                Value::String(text) => Ok(Some(json!(text))),
                Value::Number(number) => Ok(Some(json!(number.to_string()))),
                _ => Err(()),
            },
            _ if is_blank(value) => Ok(None),
            Self::Url => value.as_str().map(|text| Some(json!(without_credentials(text)))).ok_or(()),
            Self::Flag => match value {
                Value::Bool(_) => Ok(Some(value.clone())),
                Value::Number(number) => flag(&number.to_string()).map(|flag| Some(json!(flag))).ok_or(()),
                Value::String(text) => flag(text).map(|flag| Some(json!(flag))).ok_or(()),
                _ => Err(()),
            },
            Self::Integer => number(value).and_then(|text| text.parse::<i64>().ok()).map(|number| Some(json!(number))).ok_or(()),
            Self::Count => number(value).and_then(|text| text.parse::<u64>().ok()).map(|number| Some(json!(number))).ok_or(()),
            Self::Object => match unwrapped(value) {
                Value::Object(members) => Ok(Some(Value::Object(members))),
                Value::Null => Ok(None),
                // What some writers make of an empty object.
                Value::Array(items) if items.is_empty() => Ok(None),
                _ => Err(()),
            },
            Self::List => list(value).map(|items| Some(Value::Array(items))),
            Self::Texts => {
                let items = list(value)?;
                if items.iter().all(Value::is_string) { Ok(Some(Value::Array(items))) } else { Err(()) }
            }
            Self::Dependencies => dependencies(&unwrapped(value)).map(Some),
            Self::Range => value.as_str().filter(|text| semver::VersionReq::parse(text).is_ok()).map(|_| Some(value.clone())).ok_or(()),
            Self::Visibility => value.as_str().filter(|text| text.parse::<Visibility>().is_ok()).map(|_| Some(value.clone())).ok_or(()),
            Self::Schema => {
                if schema::faults(value).is_empty() {
                    Ok(Some(value.clone()))
                } else {
                    Err(())
                }
            }
            Self::Any => Ok(Some(unwrapped(value)).filter(|value| !value.is_null())),
        }
    }
}

/// JSON inside a string, as exports and text columns hold it; what is none stays what it is.
fn unwrapped(value: &Value) -> Value {
    match value {
        Value::String(text) => plain::parse(text).unwrap_or_else(|_| value.clone()),
        other => other.clone(),
    }
}

fn number(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.trim().to_owned()),
        _ => None,
    }
}

fn list(value: &Value) -> Result<Vec<Value>, ()> {
    match unwrapped(value) {
        Value::Array(items) => Ok(items),
        Value::Null => Ok(Vec::new()),
        Value::Object(members) if members.is_empty() => Ok(Vec::new()),
        _ => Err(()),
    }
}

fn dependencies(value: &Value) -> Result<Value, ()> {
    let is_range = |value: &Value| value.as_str().is_some_and(|text| semver::VersionReq::parse(text).is_ok());
    match value {
        Value::Null => Ok(json!({})),
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().filter(|text| text.parse::<Slug>().is_ok()).map(|slug| (slug.to_owned(), json!("*"))))
            .collect::<Option<Map<_, _>>>()
            .map(Value::Object)
            .ok_or(()),
        Value::Object(members) if members.iter().all(|(slug, range)| slug.parse::<Slug>().is_ok() && is_range(range)) => Ok(value.clone()),
        _ => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn every_spelling_and_type_becomes_the_manifests() {
        let old = map(json!({
            "id": "demo", "version": 2, "official": "1", "downloads": "7", "bundle_method": "webpack", "bundlelocation": "dist/a.js",
            "config_fields": "{\"a\":{\"default\":1.50}}", "dependencies": ["other"], "permissions": "[\"net\"]", "is_local": 0,
            "messages": "", "description": null, "colour": "red", "source_url": "https://a:b@example.org",
            "modules": [{"id": "m", "display_name": "M", "enabled": "false", "priority": "3", "tags": "[]", "layout": []}],
        }));
        let read = describe(&old, None);
        assert_eq!(
            Value::Object(read.members),
            json!({
                "id": "demo", "version": "2", "official": true, "downloads": 7, "bundleMethod": "webpack", "bundleLocation": "dist/a.js",
                "configFields": {"a": {"default": serde_json::from_str::<Value>("1.50").unwrap()}}, "dependencies": {"other": "*"},
                "permissions": ["net"], "isLocal": false, "sourceUrl": "https://example.org",
                "modules": [{"id": "m", "displayName": "M", "enabled": false, "priority": 3, "tags": []}],
            })
        );
        assert_eq!(Value::Object(read.rest), json!({"colour": "red"}));
        assert_eq!(read.unreadable, Map::new());
    }

    #[test]
    fn what_cannot_be_read_is_kept_aside_under_its_place() {
        let old = map(json!({
            "id": "demo", "official": "perhaps", "config_fields": "{oops", "host": "new",
            "modules": [{"id": "m", "layout": "wide", "x": 1}, {"id": "a/b"}, 7],
        }));
        let read = describe(&old, None);
        assert_eq!(Value::Object(read.members), json!({"id": "demo", "modules": [{"id": "m"}]}));
        let expected = json!({
            "/modules/2": 7, "/official": "perhaps", "/config_fields": "{oops", "/host": "new", "/modules/0/layout": "wide",
            "/modules/1": {"id": "a/b"},
        });
        assert_eq!(Value::Object(read.unreadable), expected);
        assert_eq!(Value::Object(read.rest), json!({"/modules/0/x": 1}));
    }
}
