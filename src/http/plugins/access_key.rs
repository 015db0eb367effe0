//! Renewing the capability in a plugin's addresses.

use actix_web::{HttpResponse, post, web};
use serde::Serialize;

use crate::{
    app::{App, plugins},
    http::{
        extract::{Install, PluginSegment, Subject},
        problem::HttpResult,
    },
};

#[derive(Serialize, utoipa::ToSchema)]
pub struct AccessKeyAnswer {
    plugin_slug: String,
    access_key: String,
    /// What bundle addresses hold, as in the boot manifests.
    database_id: String,
}

/// Gives the plugin a new key. Addresses with the old one are absent at once, for open pages too.
#[utoipa::path(tag = "plugins", params(("plugin", description = "slug or id")), responses((status = 200, body = AccessKeyAnswer)))]
#[post("/plugins/{plugin}/access-key")]
pub async fn renew_access_key(subject: Subject<Install>, app: web::Data<App>, names: web::Path<PluginSegment>) -> HttpResult {
    let plugin = plugins::renew_access_key(&app, &subject.caller, &subject.user, &names.plugin).await?;
    Ok(HttpResponse::Ok().json(AccessKeyAnswer {
        plugin_slug: plugin.slug.to_string(),
        access_key: plugin.access_key.as_str().to_owned(),
        database_id: format!("{}.v{}", plugin.access_key.as_str(), plugin.version),
    }))
}
