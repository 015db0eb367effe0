//! What a frontend loads at start: the caller's enabled, available plugins by slug.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, get, web};

use super::shapes::PluginShape;
use crate::{
    app::{
        App,
        plugins::{self, ListedPlugin},
    },
    domain::UserId,
    error::Result,
    http::{
        etag,
        extract::{Authorized, Read},
        problem::HttpResult,
    },
};

async fn served(app: &App, user: &UserId) -> Result<Vec<ListedPlugin>> {
    let mut listed = plugins::list(app, user).await?;
    listed.retain(|one| one.installed.is_served());
    Ok(listed)
}

fn by_slug(listed: &[ListedPlugin], shape: impl Fn(&ListedPlugin) -> PluginShape) -> BTreeMap<&str, PluginShape> {
    listed.iter().map(|one| (one.installed.plugin.slug.as_str(), shape(one))).collect()
}

/// The caller's enabled, available plugins.
#[utoipa::path(tag = "plugins", responses((status = 200, body = BTreeMap<String, PluginShape>), (status = 304, description = "unchanged")))]
#[get("/plugins/manifest")]
pub async fn manifest(user: Authorized<Read>, app: web::Data<App>, request: HttpRequest) -> HttpResult {
    let listed = served(&app, &user.caller.user).await?;
    Ok(etag::json(&request, &by_slug(&listed, PluginShape::in_manifest))?)
}

/// The same with every module, disabled ones too.
#[utoipa::path(tag = "plugins", responses((status = 200, body = BTreeMap<String, PluginShape>), (status = 304, description = "unchanged")))]
#[get("/plugins/manifest/designer")]
pub async fn designer_manifest(user: Authorized<Read>, app: web::Data<App>, request: HttpRequest) -> HttpResult {
    let listed = served(&app, &user.caller.user).await?;
    Ok(etag::json(&request, &by_slug(&listed, |one| PluginShape::in_manifest(one).with_modules(one)))?)
}
