//! Values of a plugin or module: those in force, where they come from, and the user's own.

use std::collections::BTreeMap;

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
        plugins::{self, Config, NewValues},
    },
    http::{
        extract::{Install, JsonObject, ModuleSegments, PluginSegment, Read, Subject},
        if_match::IfMatch,
        problem::{HttpResult, ProblemSchema},
    },
};

#[derive(Serialize, utoipa::ToSchema)]
pub struct ConfigAnswer {
    /// The values in force: manifest's defaults < plugin-wide < the user's own.
    config: Map<String, Value>,
    /// The user's own; what PUT replaces and PATCH merges into.
    own: Map<String, Value>,
    /// Per name in force: `default`, `plugin` or `user`.
    sources: BTreeMap<String, String>,
}

fn answer(config: Config) -> HttpResponse {
    let source = |(name, source)| (name, serde_json::json!(source).as_str().unwrap_or_default().to_owned());
    HttpResponse::Ok().insert_header((header::ETAG, EntityTag::new_strong(config.tag))).json(ConfigAnswer {
        config: config.effective.values,
        own: config.own,
        sources: config.effective.sources.into_iter().map(source).collect(),
    })
}

/// The values of a plugin.
#[utoipa::path(tag = "plugins", params(("plugin", description = "slug or id")), responses((status = 200, body = ConfigAnswer)))]
#[get("/plugins/{plugin}/config")]
pub async fn get_config(subject: Subject<Read>, app: web::Data<App>, names: web::Path<PluginSegment>) -> HttpResult {
    Ok(answer(plugins::config(&app, &subject.user, &names.plugin, None).await?))
}

/// Replaces the user's own values.
#[utoipa::path(
    tag = "plugins",
    params(("plugin", description = "slug or id")),
    request_body = Object,
    responses((status = 200, body = ConfigAnswer), (status = 412, description = "changed since it was read", body = ProblemSchema))
)]
#[put("/plugins/{plugin}/config")]
pub async fn put_config(
    subject: Subject<Install>,
    app: web::Data<App>,
    names: web::Path<PluginSegment>,
    expected: IfMatch,
    body: JsonObject,
) -> HttpResult {
    let new = NewValues::Replace(body.0);
    Ok(answer(plugins::set_config(&app, &subject.caller, &subject.user, &names.plugin, None, new, expected.0).await?))
}

/// Merges into the user's own values (RFC 7396): null removes one.
#[utoipa::path(
    tag = "plugins",
    params(("plugin", description = "slug or id")),
    request_body = Object,
    responses((status = 200, body = ConfigAnswer), (status = 412, description = "changed since it was read", body = ProblemSchema))
)]
#[patch("/plugins/{plugin}/config")]
pub async fn patch_config(
    subject: Subject<Install>,
    app: web::Data<App>,
    names: web::Path<PluginSegment>,
    expected: IfMatch,
    body: JsonObject,
) -> HttpResult {
    let new = NewValues::Patch(body.0);
    Ok(answer(plugins::set_config(&app, &subject.caller, &subject.user, &names.plugin, None, new, expected.0).await?))
}

/// The values of a module.
#[utoipa::path(
    tag = "plugins",
    params(("plugin", description = "slug or id"), ("module", description = "module id")),
    responses((status = 200, body = ConfigAnswer))
)]
#[get("/plugins/{plugin}/modules/{module}/config")]
pub async fn get_module_config(subject: Subject<Read>, app: web::Data<App>, names: web::Path<ModuleSegments>) -> HttpResult {
    Ok(answer(plugins::config(&app, &subject.user, &names.plugin, Some(&names.module)).await?))
}

/// Replaces the user's own values of a module.
#[utoipa::path(
    tag = "plugins",
    params(("plugin", description = "slug or id"), ("module", description = "module id")),
    request_body = Object,
    responses((status = 200, body = ConfigAnswer), (status = 412, description = "changed since it was read", body = ProblemSchema))
)]
#[put("/plugins/{plugin}/modules/{module}/config")]
pub async fn put_module_config(
    subject: Subject<Install>,
    app: web::Data<App>,
    names: web::Path<ModuleSegments>,
    expected: IfMatch,
    body: JsonObject,
) -> HttpResult {
    let (new, module) = (NewValues::Replace(body.0), Some(names.module.as_str()));
    Ok(answer(plugins::set_config(&app, &subject.caller, &subject.user, &names.plugin, module, new, expected.0).await?))
}

/// Merges into the user's own values of a module (RFC 7396).
#[utoipa::path(
    tag = "plugins",
    params(("plugin", description = "slug or id"), ("module", description = "module id")),
    request_body = Object,
    responses((status = 200, body = ConfigAnswer), (status = 412, description = "changed since it was read", body = ProblemSchema))
)]
#[patch("/plugins/{plugin}/modules/{module}/config")]
pub async fn patch_module_config(
    subject: Subject<Install>,
    app: web::Data<App>,
    names: web::Path<ModuleSegments>,
    expected: IfMatch,
    body: JsonObject,
) -> HttpResult {
    let (new, module) = (NewValues::Patch(body.0), Some(names.module.as_str()));
    Ok(answer(plugins::set_config(&app, &subject.caller, &subject.user, &names.plugin, module, new, expected.0).await?))
}
