//! One of the caller's plugins as frontends show it, and whether they reach these routes at all.

use actix_web::{HttpResponse, get, post, web};
use serde::Serialize;

use super::shapes::PluginShape;
use crate::{
    app::{App, plugins},
    http::{
        extract::{Authorized, Install, PluginSegment, Read, SlugSegment},
        problem::HttpResult,
    },
};

/// A plugin with its modules.
#[utoipa::path(tag = "plugins", params(("plugin", description = "slug or id")), responses((status = 200, body = PluginShape)))]
#[get("/plugins/{plugin}/info")]
pub async fn info(user: Authorized<Read>, app: web::Data<App>, names: web::Path<PluginSegment>) -> HttpResult {
    let listed = plugins::list_one(&app, &user.caller.user, &names.plugin).await?;
    Ok(HttpResponse::Ok().json(PluginShape::new(&listed).with_modules(&listed)))
}

/// A plugin.
#[utoipa::path(tag = "plugins", params(("slug", description = "slug or id")), responses((status = 200, body = PluginShape)))]
#[get("/plugins/by-slug/{slug}")]
pub async fn by_slug(user: Authorized<Read>, app: web::Data<App>, names: web::Path<SlugSegment>) -> HttpResult {
    let listed = plugins::list_one(&app, &user.caller.user, &names.slug).await?;
    Ok(HttpResponse::Ok().json(PluginShape::new(&listed)))
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct TestAnswer {
    message: &'static str,
    user_id: String,
}

/// Whether requests arrive here, and as whom.
#[utoipa::path(tag = "plugins", operation_id = "test_plugins", responses((status = 200, body = TestAnswer)))]
#[get("/plugins/test")]
pub async fn test(user: Authorized<Read>) -> HttpResponse {
    HttpResponse::Ok().json(TestAnswer { message: "Plugin router is working!", user_id: user.caller.user.to_string() })
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct RefreshAnswer {
    #[schema(maximum = 1000000)]
    total: usize,
    /// Always 0: nothing has to be found anew here.
    #[schema(maximum = 1000000)]
    new: usize,
    #[schema(maximum = 1000000)]
    removed: usize,
}

/// How many plugins the caller has. Every answer is fresh, so there is nothing else to do.
#[utoipa::path(tag = "plugins", responses((status = 200, body = RefreshAnswer)))]
#[post("/plugins/refresh-cache")]
pub async fn refresh_cache(user: Authorized<Install>, app: web::Data<App>) -> HttpResult {
    let total = plugins::list(&app, &user.caller.user).await?.len();
    Ok(HttpResponse::Ok().json(RefreshAnswer { total, new: 0, removed: 0 }))
}
