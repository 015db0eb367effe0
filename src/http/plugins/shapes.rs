//! The shapes that BrainDrive frontends know: P, M, MD and PD. Keys are mixed snake_case and camelCase there and stay so.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    app::plugins::{ListedModule, ListedPlugin},
    domain::{Manifest, config::fields_with_values},
};

/// P: a plugin.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PluginShape {
    id: String,
    #[serde(rename = "plugin_slug")]
    plugin_slug: String,
    name: String,
    description: Option<String>,
    version: String,
    r#type: String,
    plugin_type: String,
    enabled: bool,
    icon: Option<String>,
    category: Option<String>,
    status: String,
    official: bool,
    author: Option<String>,
    last_updated: Option<String>,
    compatibility: Option<String>,
    #[schema(maximum = 9007199254740991i64)]
    downloads: u64,
    scope: Option<String>,
    bundlemethod: Option<String>,
    bundlelocation: Option<String>,
    islocal: bool,
    long_description: Option<String>,
    user_id: String,
    source_type: Option<String>,
    source_url: Option<String>,
    update_check_url: Option<String>,
    last_update_check: Option<String>,
    update_available: bool,
    latest_version: Option<String>,
    installation_type: Option<String>,
    endpoints_file: Option<String>,
    route_prefix: Option<String>,
    config_fields: Map<String, Value>,
    messages: Value,
    dependencies: Vec<String>,
    permissions: Vec<String>,
    required_services_runtime: Vec<String>,
    backend_dependencies: Vec<String>,
    /// The plain values in force.
    config: Map<String, Value>,
    /// Where the bundle begins; null without one.
    #[serde(rename = "entry_url")]
    entry_url: Option<String>,
    integrity: Option<String>,
    #[serde(rename = "files_base_url")]
    files_base_url: Option<String>,
    /// In the boot manifests: what a bundle's address holds in place of the id.
    #[serde(rename = "database_id", skip_serializing_if = "Option::is_none")]
    database_id: Option<String>,
    /// Where a route shows a plugin with its modules.
    #[serde(skip_serializing_if = "Option::is_none")]
    modules: Option<Vec<ModuleShape>>,
}

/// M: a module.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModuleShape {
    id: String,
    plugin_id: String,
    name: String,
    display_name: Option<String>,
    description: Option<String>,
    icon: Option<String>,
    category: Option<String>,
    enabled: bool,
    priority: i64,
    /// Absent in MD.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    props: Map<String, Value>,
    config_fields: Map<String, Value>,
    required_services: Map<String, Value>,
    layout: Map<String, Value>,
    dependencies: Vec<Value>,
    tags: Vec<String>,
    messages: Value,
    /// The plain values in force.
    config: Map<String, Value>,
}

/// PD: a plugin beside one of its modules.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PluginDetailShape {
    id: String,
    name: String,
    description: Option<String>,
    version: String,
    r#type: String,
    enabled: bool,
    icon: Option<String>,
    category: Option<String>,
    status: String,
    official: bool,
    author: Option<String>,
    last_updated: Option<String>,
    compatibility: Option<String>,
    #[schema(maximum = 9007199254740991i64)]
    downloads: u64,
    scope: Option<String>,
    bundle_method: Option<String>,
    bundle_location: Option<String>,
    is_local: bool,
    source_type: Option<String>,
    source_url: Option<String>,
    update_check_url: Option<String>,
    last_update_check: Option<String>,
    update_available: bool,
    latest_version: Option<String>,
    installation_type: Option<String>,
    config_fields: Map<String, Value>,
    messages: Value,
    dependencies: Vec<String>,
    permissions: Vec<String>,
}

impl PluginShape {
    pub fn new(listed: &ListedPlugin) -> Self {
        let (plugin, manifest) = (&listed.installed.plugin, listed.manifest.clone());
        let config = listed.config.clone();
        Self {
            id: plugin.id.clone(),
            plugin_slug: plugin.slug.to_string(),
            version: plugin.version.to_string(),
            plugin_type: manifest.plugin_type.clone(),
            enabled: plugin.enabled,
            status: status(&manifest),
            user_id: plugin.user.to_string(),
            source_url: listed.source_url().map(str::to_owned),
            last_update_check: listed.check.as_ref().map(|check| check.checked_at.to_string()),
            update_available: listed.update_available(),
            latest_version: listed.latest().map(ToString::to_string),
            installation_type: installation_type(listed),
            endpoints_file: None,
            route_prefix: None,
            config_fields: fields_with_values(&manifest.config_fields, &config),
            config,
            messages: messages(&manifest.messages),
            dependencies: manifest.dependencies.keys().map(ToString::to_string).collect(),
            required_services_runtime: Vec::new(),
            backend_dependencies: Vec::new(),
            entry_url: listed.entry.as_ref().map(|entry| entry.url.clone()),
            integrity: listed.entry.as_ref().and_then(|entry| entry.integrity.clone()),
            files_base_url: listed.entry.as_ref().map(|entry| entry.files_base_url.clone()),
            database_id: None,
            modules: None,
            name: manifest.name,
            description: manifest.description,
            r#type: manifest.plugin_type,
            icon: manifest.icon,
            category: manifest.category,
            official: manifest.official,
            author: manifest.author,
            last_updated: manifest.last_updated,
            compatibility: manifest.compatibility,
            downloads: manifest.downloads,
            scope: manifest.scope,
            bundlemethod: manifest.bundle_method,
            bundlelocation: manifest.bundle_location,
            islocal: manifest.is_local,
            long_description: manifest.long_description,
            source_type: manifest.source_type,
            update_check_url: manifest.update_check_url,
            permissions: manifest.permissions,
        }
    }

    /// As the boot manifests name it: by slug, with what bundle addresses hold.
    pub fn in_manifest(listed: &ListedPlugin) -> Self {
        let plugin = &listed.installed.plugin;
        let database_id = format!("{}.v{}", plugin.access_key.as_str(), plugin.version);
        Self { id: plugin.slug.to_string(), database_id: Some(database_id), ..Self::new(listed) }
    }

    pub fn with_modules(self, listed: &ListedPlugin) -> Self {
        let modules = listed.modules.iter().map(|module| ModuleShape::new(listed, module, &self.id)).collect();
        Self { modules: Some(modules), ..self }
    }
}

impl ModuleShape {
    /// `plugin_id` is what the route calls the plugin.
    pub fn new(listed: &ListedPlugin, module: &ListedModule, plugin_id: &str) -> Self {
        let declared = module.declared.clone();
        let config = module.config.clone();
        Self {
            plugin_id: plugin_id.to_owned(),
            enabled: module.row.enabled,
            user_id: Some(listed.installed.plugin.user.to_string()),
            config_fields: fields_with_values(&declared.config_fields, &config),
            config,
            messages: messages(&declared.messages),
            id: declared.id,
            name: declared.name,
            display_name: declared.display_name,
            description: declared.description,
            icon: declared.icon,
            category: declared.category,
            priority: declared.priority,
            props: declared.props,
            required_services: declared.required_services,
            layout: declared.layout,
            dependencies: declared.dependencies,
            tags: declared.tags,
        }
    }

    /// MD: M without `userId`.
    pub fn detail(mut self) -> Self {
        self.user_id = None;
        self
    }
}

impl PluginDetailShape {
    pub fn new(listed: &ListedPlugin) -> Self {
        let p = PluginShape::new(listed);
        Self {
            id: p.id,
            name: p.name,
            description: p.description,
            version: p.version,
            r#type: p.r#type,
            enabled: p.enabled,
            icon: p.icon,
            category: p.category,
            status: p.status,
            official: p.official,
            author: p.author,
            last_updated: p.last_updated,
            compatibility: p.compatibility,
            downloads: p.downloads,
            scope: p.scope,
            bundle_method: p.bundlemethod,
            bundle_location: p.bundlelocation,
            is_local: p.islocal,
            source_type: p.source_type,
            source_url: p.source_url,
            update_check_url: p.update_check_url,
            last_update_check: p.last_update_check,
            update_available: p.update_available,
            latest_version: p.latest_version,
            installation_type: p.installation_type,
            config_fields: p.config_fields,
            messages: p.messages,
            dependencies: p.dependencies,
            permissions: p.permissions,
        }
    }
}

fn status(manifest: &Manifest) -> String {
    manifest.status.clone().unwrap_or_else(|| "activated".to_owned())
}

fn installation_type(listed: &ListedPlugin) -> Option<String> {
    listed.record.as_ref().map(|record| record.installation_type.as_str().to_owned())
}

fn messages(declared: &Map<String, Value>) -> Value {
    if declared.is_empty() { json!({"sends": [], "receives": []}) } else { Value::Object(declared.clone()) }
}
