//! What a frontend loads at start: the caller's enabled, available plugins by slug.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, get, web};

use super::shapes::PluginShape;
use crate::{
    app::{
        App,
        plugins::{self, ListedPlugin, ManifestView, Sources},
    },
    domain::UserId,
    http::{
        etag::Tagged,
        extract::{Authorized, Read},
        problem::HttpResult,
    },
};

/// The answer in one of the two views; it is kept for requests that ask again.
async fn answer(app: &App, user: &UserId, request: &HttpRequest, view: ManifestView) -> HttpResult {
    let before = app.db.changes().moment();
    let mut listed = plugins::list(app, user).await?;
    let sources = Sources::new(before, &listed);
    listed.retain(|one| one.installed.is_served());
    let shape = |one: &ListedPlugin| match view {
        ManifestView::Manifest => PluginShape::in_manifest(one),
        ManifestView::Designer => PluginShape::in_manifest(one).with_modules(one),
    };
    let tagged = Tagged::new(&by_slug(&listed, shape))?;
    sources.keep(app, user, view, tagged.tag.clone(), tagged.body.clone());
    Ok(tagged.answer(request)?)
}

fn by_slug(listed: &[ListedPlugin], shape: impl Fn(&ListedPlugin) -> PluginShape) -> BTreeMap<&str, PluginShape> {
    listed.iter().map(|one| (one.installed.plugin.slug.as_str(), shape(one))).collect()
}

/// The caller's enabled, available plugins.
#[utoipa::path(tag = "plugins", responses((status = 200, body = BTreeMap<String, PluginShape>), (status = 304, description = "unchanged")))]
#[get("/plugins/manifest")]
pub async fn manifest(user: Authorized<Read>, app: web::Data<App>, request: HttpRequest) -> HttpResult {
    answer(&app, &user.caller.user, &request, ManifestView::Manifest).await
}

/// The same with every module, disabled ones too.
#[utoipa::path(tag = "plugins", responses((status = 200, body = BTreeMap<String, PluginShape>), (status = 304, description = "unchanged")))]
#[get("/plugins/manifest/designer")]
pub async fn designer_manifest(user: Authorized<Read>, app: web::Data<App>, request: HttpRequest) -> HttpResult {
    answer(&app, &user.caller.user, &request, ManifestView::Designer).await
}
