//! Plugins that a frontend describes by itself.

use actix_web::{HttpResponse, post, web};
use serde::Serialize;

use crate::{
    app::{App, plugins},
    domain::Slug,
    http::{
        extract::{Authorized, Install, JsonObject, SlugSegment, known},
        problem::{HttpResult, ProblemSchema},
    },
};

#[derive(Serialize, utoipa::ToSchema)]
pub struct RegisterAnswer {
    status: &'static str,
    message: String,
}

/// Installs what is published under this slug and the version in the body, else keeps what the body says as a plugin
/// without files. The body has the members of a plugin as answers show it, `modules` among them; `version` is required.
#[utoipa::path(
    tag = "plugins",
    operation_id = "register_plugin",
    params(("slug", description = "slug")),
    request_body = Object,
    responses((status = 200, body = RegisterAnswer), (status = 409, description = "already_exists, or a dependency", body = ProblemSchema))
)]
#[post("/plugins/{slug}/register")]
pub async fn register(user: Authorized<Install>, app: web::Data<App>, names: web::Path<SlugSegment>, body: JsonObject) -> HttpResult {
    let slug: Slug = known(&names.slug)?;
    let plugin = plugins::register(&app, &user.caller, &user.caller.user, &slug, &body.0).await?;
    let message = format!("Plugin {} registered successfully", plugin.slug);
    Ok(HttpResponse::Ok().json(RegisterAnswer { status: "success", message }))
}
