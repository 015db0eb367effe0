//! Reader of `plugin.json`: the keys of BrainDrive's plugin files, and beside them `config_schema` (also per module),
//! `state_policy`, `dependencies` (slug to range), `host`, `permissions`, `tags` and `visibility`.

use std::collections::BTreeMap;

use semver::VersionReq;
use serde_json::Value;

use super::{Manifest, Overrides, PackageFiles, entry, fields::Fields, model, modules, required, settle};
use crate::domain::{Slug, pointer};

pub(super) fn read(mut fields: Fields<'_>, files: &PackageFiles<'_>, overrides: &Overrides) -> Option<Manifest> {
    refuse_server_code(&mut fields);
    let declared = super::declared(&mut fields, "id", overrides, overrides.slug.is_some());
    let slug = settle(&mut fields, "slug", declared, overrides.slug.as_ref());
    let declared = super::declared(&mut fields, "version", overrides, overrides.version.is_some());
    let version = settle(&mut fields, "version", declared, overrides.version.as_ref());
    let declared = fields.parsed("visibility");
    let visibility = settle(&mut fields, "visibility", declared, overrides.visibility.as_ref());
    let slug = required(&mut fields, "id", slug, "unnamed")?;
    let version = required(&mut fields, "version", version, "0.0.0")?;
    let bundle_location = bundle_location(&mut fields, files);
    Some(Manifest {
        name: fields.text("name").unwrap_or_else(|| slug.to_string()),
        description: fields.text("description"),
        plugin_type: fields.text("type").or_else(|| fields.text("pluginType")).unwrap_or_else(model::frontend),
        icon: fields.text("icon"),
        category: fields.text("category"),
        status: fields.text("status"),
        official: fields.flag("official").unwrap_or(false),
        author: fields.text("author"),
        last_updated: fields.text("lastUpdated"),
        compatibility: fields.text("compatibility"),
        downloads: fields.count("downloads").unwrap_or(0),
        scope: fields.text("scope"),
        bundle_method: fields.text("bundleMethod").or_else(|| bundle_location.as_deref().map(bundle_method)),
        bundle_location,
        is_local: fields.flag("isLocal").unwrap_or(false),
        long_description: fields.text("longDescription"),
        source_type: fields.text("sourceType"),
        source_url: fields.text("sourceUrl"),
        update_check_url: fields.text("updateCheckUrl"),
        config_fields: fields.object("configFields").unwrap_or_default(),
        messages: fields.object("messages").unwrap_or_default(),
        dependencies: dependencies(&mut fields, &slug),
        permissions: fields.texts("permissions"),
        tags: fields.texts("tags"),
        host: fields.parsed("host"),
        visibility,
        config_schema: fields.config_schema(),
        state_policy: fields.state_policy(),
        modules: modules::read(&mut fields),
        slug,
        version,
    })
}

/// Nothing in the server runs code that a plugin brings, so a plugin that cannot work without is refused, with the reason.
fn refuse_server_code(fields: &mut Fields<'_>) {
    for name in ["endpointsFile", "requiredServicesRuntime", "backendDependencies"] {
        let asks = match fields.value(name) {
            None => false,
            Some(Value::String(text)) => !text.is_empty(),
            Some(Value::Array(items)) => !items.is_empty(),
            Some(_) => true,
        };
        if asks {
            fields.refuse(name, "asks the server to run code of the plugin, which this server never does");
        }
    }
}

/// A plugin without a bundle of its own is fine; one whose bundle is missing is not.
fn bundle_location(fields: &mut Fields<'_>, files: &PackageFiles<'_>) -> Option<String> {
    let location = fields.str("bundleLocation")?;
    entry::bundle(files, location).map(|path| path.to_string()).map_err(|fault| fields.refuse("bundleLocation", fault)).ok()
}

/// What loads a bundle when the manifest does not say. Module Federation containers are the rule; they are scripts, so a
/// file that calls itself a JavaScript module cannot be one.
fn bundle_method(location: &str) -> String {
    if location.ends_with(".mjs") { "esm" } else { "webpack" }.to_owned()
}

fn dependencies(fields: &mut Fields<'_>, slug: &Slug) -> BTreeMap<Slug, VersionReq> {
    let dependencies = fields.parsed_map("dependencies");
    if dependencies.contains_key(slug) {
        let mut pointer = fields.pointer("dependencies");
        pointer::push(&mut pointer, slug.as_str());
        fields.refuse_at(pointer, "is the plugin itself");
    }
    dependencies
}
