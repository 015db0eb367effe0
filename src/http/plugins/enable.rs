//! The user's switch for plugins and modules.

use actix_web::{HttpResponse, patch, web};
use serde::{Deserialize, Serialize};

use crate::{
    app::{App, plugins},
    http::{
        extract::{Cascade, Install, Json, ModuleSegments, PluginSegment, Query, Subject},
        problem::{HttpResult, ProblemSchema},
    },
};

#[derive(Deserialize, utoipa::ToSchema)]
pub struct Switch {
    enabled: bool,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct SwitchAnswer {
    status: &'static str,
    message: String,
}

fn answer(what: &str, name: &str, enabled: bool) -> HttpResponse {
    let done = if enabled { "enabled" } else { "disabled" };
    HttpResponse::Ok().json(SwitchAnswer { status: "success", message: format!("{what} {name} {done} successfully") })
}

/// Switches a plugin on or off for the user. Config is never touched.
#[utoipa::path(
    tag = "plugins",
    params(("plugin", description = "slug or id"), Cascade),
    request_body = Switch,
    responses(
        (status = 200, body = SwitchAnswer),
        (status = 409, description = "dependency_missing, dependency_required or incompatible_version", body = ProblemSchema)
    )
)]
#[patch("/plugins/{plugin}")]
pub async fn patch_plugin(
    subject: Subject<Install>,
    app: web::Data<App>,
    names: web::Path<PluginSegment>,
    query: Query<Cascade>,
    body: Json<Switch>,
) -> HttpResult {
    let enabled = body.0.enabled;
    let plugin = plugins::set_enabled(&app, &subject.caller, &subject.user, &names.plugin, enabled, query.0.cascade).await?;
    Ok(answer("Plugin", plugin.slug.as_str(), enabled))
}

/// Switches one module on or off for the user.
#[utoipa::path(
    tag = "plugins",
    params(("plugin", description = "slug or id"), ("module", description = "module id")),
    request_body = Switch,
    responses((status = 200, body = SwitchAnswer))
)]
#[patch("/plugins/{plugin}/modules/{module}")]
pub async fn patch_module(
    subject: Subject<Install>,
    app: web::Data<App>,
    names: web::Path<ModuleSegments>,
    body: Json<Switch>,
) -> HttpResult {
    plugins::set_module_enabled(&app, &subject.caller, &subject.user, &names.plugin, &names.module, body.0.enabled).await?;
    Ok(answer("Module", &names.module, body.0.enabled))
}
