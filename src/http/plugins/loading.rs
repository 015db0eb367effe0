//! Looking whether a plugin would load, and repairing it.

use actix_web::{HttpResponse, post, web};
use serde::Serialize;

use super::status::StatusAnswer;
use crate::{
    app::{App, plugins},
    http::{
        extract::{Authorized, Install, SlugSegment},
        problem::HttpResult,
    },
};

#[derive(Serialize, utoipa::ToSchema)]
pub struct LoadingAnswer {
    plugin_installed: bool,
    files_exist: bool,
    /// Manifests are checked before they are published.
    manifest_valid: bool,
    bundle_accessible: bool,
    modules_configured: Vec<ModuleConfigured>,
    errors: Vec<String>,
    warnings: Vec<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct ModuleConfigured {
    module_name: String,
    configured: bool,
    has_required_fields: bool,
    issues: Vec<String>,
}

/// Whether a frontend could load the plugin: its files, its switches, its modules' values. Nothing of it is run.
#[utoipa::path(tag = "plugins", params(("slug", description = "slug or id")), responses((status = 200, body = LoadingAnswer)))]
#[post("/plugins/{slug}/test-loading")]
pub async fn test_loading(user: Authorized<Install>, app: web::Data<App>, names: web::Path<SlugSegment>) -> HttpResult {
    let found = plugins::test_loading(&app, &user.caller.user, &names.slug).await?;
    let module = |module: plugins::ModuleLoading| ModuleConfigured {
        module_name: module.name,
        configured: module.configured,
        has_required_fields: module.has_required_fields,
        issues: module.issues,
    };
    Ok(HttpResponse::Ok().json(LoadingAnswer {
        plugin_installed: true,
        files_exist: found.files_exist,
        manifest_valid: true,
        bundle_accessible: found.bundle_accessible,
        modules_configured: found.modules.into_iter().map(module).collect(),
        errors: found.errors,
        warnings: found.warnings,
    }))
}

/// Writes a record that is missing, removes one that nothing belongs to, adds rows of modules. Answers how the plugin is
/// then; files that are missing come back when the same content is published again.
#[utoipa::path(tag = "plugins", params(("slug", description = "slug or id")), responses((status = 200, body = StatusAnswer)))]
#[post("/plugins/{slug}/repair")]
pub async fn repair(user: Authorized<Install>, app: web::Data<App>, names: web::Path<SlugSegment>) -> HttpResult {
    let found = plugins::repair(&app, &user.caller, &user.caller.user, &names.slug).await?;
    Ok(HttpResponse::Ok().json(StatusAnswer::new(found)?))
}
