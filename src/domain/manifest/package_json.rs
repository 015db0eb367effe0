//! Reader of npm's `package.json`: the package becomes a plugin that is one JavaScript module for browsers. Its own
//! dependencies are npm packages, not plugins, and are ignored.

use serde_json::Value;

use super::{Manifest, Overrides, PackageFiles, entry, fields::Fields, model, required, settle};
use crate::domain::Slug;

pub(super) fn read(mut fields: Fields<'_>, files: &PackageFiles<'_>, overrides: &Overrides) -> Option<Manifest> {
    let name = fields.text("name");
    let slug = overrides.slug.clone().or_else(|| slug(&mut fields, name.as_deref()?));
    let slug = required(&mut fields, "name", slug, "unnamed")?;
    let declared = super::declared(&mut fields, "version", overrides, overrides.version.is_some());
    let version = settle(&mut fields, "version", declared, overrides.version.as_ref());
    let version = required(&mut fields, "version", version, "0.0.0")?;
    let entry = entry::npm(files, fields.members());
    if entry.is_none() {
        fields.refuse_at("", "none of `exports`, `module`, `browser` and `main` names a file of the package that a browser could import");
    }
    Some(Manifest {
        name: name.unwrap_or_else(|| slug.to_string()),
        description: fields.text("description"),
        plugin_type: model::frontend(),
        author: author(&mut fields),
        bundle_method: Some("esm".to_owned()),
        bundle_location: entry.map(ToString::to_string),
        tags: tags(&mut fields),
        visibility: overrides.visibility,
        ..Manifest::new(slug, version)
    })
}

/// npm's name is the slug, unless it has a scope: whose `core` `@scope/core` should become is for the publisher to say.
fn slug(fields: &mut Fields<'_>, name: &str) -> Option<Slug> {
    if name.starts_with('@') {
        fields.refuse("name", "has a scope; give the `slug` to publish it under");
        return None;
    }
    fields.parsed("name")
}

/// A person as npm writes one: `Name <address>`, or an object with `name` and `email`.
fn author(fields: &mut Fields<'_>) -> Option<String> {
    match fields.value("author")? {
        Value::Object(person) => {
            let part = |name: &str| person.get(name).and_then(Value::as_str);
            match (part("name"), part("email")) {
                (Some(name), Some(email)) => Some(format!("{name} <{email}>")),
                (Some(only), None) | (None, Some(only)) => Some(only.to_owned()),
                (None, None) => None,
            }
        }
        _ => fields.text("author"),
    }
}

/// `keywords` is a list; old packages hold one string with commas or blanks, which npm splits like this.
fn tags(fields: &mut Fields<'_>) -> Vec<String> {
    match fields.value("keywords") {
        Some(Value::String(text)) => {
            text.split(|c: char| c == ',' || c.is_whitespace()).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
        }
        _ => fields.texts("keywords"),
    }
}
