//! Whether a frontend could load one of a user's plugins, looked at from here.

use serde_json::Value;

use super::{Health, ListedModule, ListedPlugin, status};
use crate::{
    app::App,
    domain::{UserId, schema},
    error::{Error, Result},
};

#[derive(Debug)]
pub struct Loading {
    /// Every file that the release has is on the disk.
    pub files_exist: bool,
    /// The entry file is there and would be served.
    pub bundle_accessible: bool,
    pub modules: Vec<ModuleLoading>,
    pub errors: Vec<String>,
    pub warnings: Vec<String>,
}

#[derive(Debug)]
pub struct ModuleLoading {
    pub name: String,
    /// Whether the values in force fit what the module declares.
    pub configured: bool,
    pub has_required_fields: bool,
    pub issues: Vec<String>,
}

/// Looks for files, switches and values; nothing of the plugin is run.
pub async fn test_loading(app: &App, user: &UserId, name: &str) -> Result<Loading> {
    let found = status(app, user, name).await?;
    let plugin = match (found.health, found.plugin) {
        (Health::NotInstalled, _) | (_, None) => return Err(Error::NotFound("plugin".to_owned())),
        (_, Some(plugin)) => plugin,
    };
    let mut errors = Vec::new();
    if !found.bundle_exists {
        errors.push("the entry file is missing on disk".to_owned());
    }
    if !found.assets_present {
        errors.push("files of the release are missing on disk".to_owned());
    }
    Ok(Loading {
        files_exist: found.assets_present,
        bundle_accessible: found.bundle_exists && plugin.entry.is_some() && plugin.installed.is_served(),
        modules: plugin.modules.iter().map(module_loading).collect::<Result<_>>()?,
        errors,
        warnings: warnings(&plugin),
    })
}

fn warnings(plugin: &ListedPlugin) -> Vec<String> {
    let installed = &plugin.installed;
    let warnings = [
        (!installed.plugin.enabled, "the plugin is disabled"),
        (!installed.available, "the administrator has switched the plugin off"),
        (plugin.entry.is_none(), "the plugin has no bundle of its own"),
        (plugin.modules.is_empty(), "the plugin has no modules"),
    ];
    warnings.into_iter().filter(|(holds, _)| *holds).map(|(_, text)| text.to_owned()).collect()
}

fn module_loading(module: &ListedModule) -> Result<ModuleLoading> {
    let declared = &module.declared;
    let violations = match schema::check(declared.config_schema.as_ref(), &Value::Object(module.config.clone())) {
        Ok(()) => Vec::new(),
        Err(Error::Validation { errors }) => errors,
        Err(other) => return Err(other),
    };
    let required = declared.config_schema.as_ref().and_then(|schema| schema.get("required")?.as_array());
    let missing = |name: &Value| name.as_str().is_some_and(|name| !module.config.contains_key(name));
    Ok(ModuleLoading {
        name: declared.name.clone(),
        configured: violations.is_empty(),
        has_required_fields: !required.is_some_and(|names| names.iter().any(missing)),
        issues: violations.into_iter().map(|violation| format!("{}: {}", violation.pointer, violation.message)).collect(),
    })
}
