//! Taking a plugin from a user.

use actix_web::{HttpResponse, delete, web};
use serde::{Deserialize, Serialize};

use crate::{
    app::{App, plugins},
    http::{
        extract::{Authorized, Cascade, Install, PluginSegment, Query, SlugSegment, Subject},
        problem::{HttpResult, ProblemSchema},
    },
};

#[derive(Serialize, utoipa::ToSchema)]
pub struct UninstallAnswer {
    status: &'static str,
    message: String,
    data: UninstallData,
}

#[derive(Serialize, utoipa::ToSchema)]
struct UninstallData {
    plugin_slug: String,
    plugin_id: String,
    #[schema(maximum = 1000000)]
    deleted_modules: usize,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PurgeState {
    /// Erases what is kept of the plugin's state: entries, their history and snapshots.
    #[serde(default)]
    purge_state: bool,
}

/// Removes the plugin from the user; the release stays for others.
#[utoipa::path(tag = "plugins", params(("slug", description = "slug or id"), Cascade, PurgeState), responses((status = 200, body = UninstallAnswer), (status = 409, description = "dependency_required", body = ProblemSchema), (status = 422, description = "a parameter is not valid", body = ProblemSchema)))]
#[delete("/plugins/{slug}/uninstall")]
pub async fn uninstall(
    subject: Subject<Install>,
    app: web::Data<App>,
    names: web::Path<SlugSegment>,
    query: Query<Cascade>,
    purge: Query<PurgeState>,
) -> HttpResult {
    let removed = plugins::uninstall(&app, &subject.caller, &subject.user, &names.slug, query.0.cascade, purge.0.purge_state).await?;
    Ok(HttpResponse::Ok().json(UninstallAnswer {
        status: "success",
        message: format!("Plugin {} uninstalled successfully", removed.slug),
        data: UninstallData { plugin_slug: removed.slug.to_string(), plugin_id: removed.id, deleted_modules: removed.modules },
    }))
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct DeleteAnswer {
    status: &'static str,
    message: String,
}

/// The same under an older address.
#[utoipa::path(
    tag = "plugins",
    params(("plugin", description = "slug or id"), Cascade),
    responses(
        (status = 200, body = DeleteAnswer),
        (status = 409, description = "dependency_required", body = ProblemSchema),
        (status = 422, description = "a parameter is not valid", body = ProblemSchema)
    )
)]
#[delete("/plugins/{plugin}")]
pub async fn delete_plugin(
    user: Authorized<Install>,
    app: web::Data<App>,
    names: web::Path<PluginSegment>,
    query: Query<Cascade>,
) -> HttpResult {
    let removed = plugins::uninstall(&app, &user.caller, &user.caller.user, &names.plugin, query.0.cascade, false).await?;
    let message = format!("Plugin {} deleted successfully", removed.slug);
    Ok(HttpResponse::Ok().json(DeleteAnswer { status: "success", message }))
}
