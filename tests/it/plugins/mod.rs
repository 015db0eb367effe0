//! A user's plugins through the front door.

mod enable;
mod frontend;
mod install;
mod install_package;
mod list;
mod manifest;
mod mirror;
mod modules;
mod register;
mod requests;
mod sharing;
mod status;
mod strangers;
mod uninstall;

use serde_json::json;

use crate::support::{Package, package};

/// A plugin whose manifest says everything that there is to say.
fn full(version: &str) -> Package {
    let module = json!({
        "id": "demo-mod", "name": "DemoModule", "displayName": "Demo", "description": "d", "icon": "Star", "category": "utilities",
        "enabled": true, "priority": 1, "props": {"a": 1.50}, "configFields": {"size": {"type": "number", "default": 10}},
        "requiredServices": {"api": {"methods": ["get"], "version": "1.0.0"}},
        "layout": {"minWidth": 2, "minHeight": 2, "defaultWidth": 4, "defaultHeight": 3}, "dependencies": [], "tags": ["demo"],
        "messages": {"sends": ["a"], "receives": []},
    });
    package("DemoPlugin", version)
        .with("name", "Demo Plugin")
        .with("description", "demo")
        .with("author", "me")
        .with("lastUpdated", "2026-01-01")
        .with("compatibility", "1.0.0")
        .with("downloads", 7)
        .with("scope", "DemoPlugin")
        .with("bundlemethod", "webpack")
        .with("bundlelocation", "/dist/remoteEntry.js")
        .with("longDescription", "long")
        .with("official", true)
        .with("sourceType", "github")
        .with("updateCheckUrl", "https://example.org/check")
        .with("permissions", json!(["storage.read"]))
        .with("configFields", json!({"refresh": {"type": "number", "default": 30}, "name": {"type": "string"}}))
        .file("dist/remoteEntry.js", "var DemoPlugin;\n")
        .module_with(module)
}

/// A plugin that says no more than it must, with a module that does not either.
fn bare() -> Package {
    let nothing = json!(null);
    let members = ["name", "description", "type", "icon", "category", "author", "bundlemethod", "bundlelocation", "tags"];
    members.iter().fold(package("Bare", "1.0.0"), |bare, member| bare.with(member, nothing.clone())).module_with(json!({"id": "m"}))
}
