//! Plugin-wide values, for administrators.

use actix_web::{
    HttpResponse, get,
    http::header::{self, EntityTag},
    patch, put, web,
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    app::{
        App,
        plugins::NewValues,
        releases::{self, WideConfig},
    },
    http::{
        extract::{AdminUser, JsonObject, SlugSegment, known},
        if_match::IfMatch,
        problem::{HttpResult, ProblemSchema},
    },
};

#[derive(Serialize, utoipa::ToSchema)]
pub struct WideConfigAnswer {
    /// In force for every user who has not set their own.
    config: Map<String, Value>,
}

fn answer(config: WideConfig) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::ETAG, EntityTag::new_strong(config.tag))).json(WideConfigAnswer { config: config.values })
}

/// The plugin-wide values.
#[utoipa::path(tag = "releases", params(("slug", description = "slug")), responses((status = 200, body = WideConfigAnswer)))]
#[get("/releases/{slug}/config")]
pub async fn get_wide_config(user: AdminUser, app: web::Data<App>, names: web::Path<SlugSegment>) -> HttpResult {
    Ok(answer(releases::wide_config(&app, &user.caller, known(&names.slug)?).await?))
}

/// Replaces the plugin-wide values.
#[utoipa::path(
    tag = "releases",
    params(("slug", description = "slug")),
    request_body = Object,
    responses((status = 200, body = WideConfigAnswer), (status = 412, description = "changed since it was read", body = ProblemSchema))
)]
#[put("/releases/{slug}/config")]
pub async fn put_wide_config(
    user: AdminUser,
    app: web::Data<App>,
    names: web::Path<SlugSegment>,
    expected: IfMatch,
    body: JsonObject,
) -> HttpResult {
    let new = NewValues::Replace(body.0);
    Ok(answer(releases::set_wide_config(&app, &user.caller, known(&names.slug)?, new, expected.0).await?))
}

/// Merges into the plugin-wide values (RFC 7396).
#[utoipa::path(
    tag = "releases",
    params(("slug", description = "slug")),
    request_body = Object,
    responses((status = 200, body = WideConfigAnswer), (status = 412, description = "changed since it was read", body = ProblemSchema))
)]
#[patch("/releases/{slug}/config")]
pub async fn patch_wide_config(
    user: AdminUser,
    app: web::Data<App>,
    names: web::Path<SlugSegment>,
    expected: IfMatch,
    body: JsonObject,
) -> HttpResult {
    let new = NewValues::Patch(body.0);
    Ok(answer(releases::set_wide_config(&app, &user.caller, known(&names.slug)?, new, expected.0).await?))
}
