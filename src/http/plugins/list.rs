//! The caller's plugins in the native shape.

use actix_web::{HttpRequest, get, web};
use serde::Serialize;

use crate::{
    app::{
        App,
        plugins::{self, ListedPlugin},
    },
    http::{
        etag,
        extract::{Read, Subject},
        problem::HttpResult,
    },
};

#[derive(Serialize, utoipa::ToSchema)]
pub struct Plugins {
    items: Vec<PluginItem>,
}

#[derive(Serialize, utoipa::ToSchema)]
struct PluginItem {
    slug: String,
    id: String,
    version: String,
    enabled: bool,
    /// The administrator's decision for everybody.
    available: bool,
    enabled_at: Option<String>,
    disabled_at: Option<String>,
    revision: i64,
    entry_url: Option<String>,
    integrity: Option<String>,
    files_base_url: Option<String>,
    update_available: bool,
    latest_version: Option<String>,
}

impl From<&ListedPlugin> for PluginItem {
    fn from(listed: &ListedPlugin) -> Self {
        let plugin = &listed.installed.plugin;
        Self {
            slug: plugin.slug.to_string(),
            id: plugin.id.clone(),
            version: plugin.version.to_string(),
            enabled: plugin.enabled,
            available: listed.installed.available,
            enabled_at: plugin.enabled_at.map(|at| at.to_string()),
            disabled_at: plugin.disabled_at.map(|at| at.to_string()),
            revision: plugin.revision,
            entry_url: listed.entry.as_ref().map(|entry| entry.url.clone()),
            integrity: listed.entry.as_ref().and_then(|entry| entry.integrity.clone()),
            files_base_url: listed.entry.as_ref().map(|entry| entry.files_base_url.clone()),
            update_available: listed.update_available(),
            latest_version: listed.latest().map(ToString::to_string),
        }
    }
}

/// The user's plugins, by slug.
#[utoipa::path(tag = "plugins", responses((status = 200, body = Plugins), (status = 304, description = "unchanged")))]
#[get("/plugins")]
pub async fn list_plugins(subject: Subject<Read>, app: web::Data<App>, request: HttpRequest) -> HttpResult {
    let listed = plugins::list(&app, &subject.user).await?;
    Ok(etag::json(&request, &Plugins { items: listed.iter().map(PluginItem::from).collect() })?)
}
