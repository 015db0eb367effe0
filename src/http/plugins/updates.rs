//! Which of the caller's plugins the catalogue has newer versions of.

use actix_web::{HttpResponse, get, web};
use serde::Serialize;

use crate::{
    app::{
        App,
        plugins::{self, ListedPlugin},
    },
    http::{
        extract::{Authorized, Read, SlugSegment},
        problem::HttpResult,
    },
};

#[derive(Serialize, utoipa::ToSchema)]
pub struct UpdateHint {
    plugin_id: String,
    plugin_slug: String,
    current_version: String,
    latest_version: Option<String>,
    repo_url: Option<String>,
    update_available: bool,
    message: String,
}

impl From<&ListedPlugin> for UpdateHint {
    fn from(listed: &ListedPlugin) -> Self {
        let (installed, plugin) = (&listed.installed, &listed.installed.plugin);
        let message = match (&installed.latest, installed.update_available()) {
            (Some(latest), true) => format!("Update available: {latest}"),
            _ => "Plugin is up to date".to_owned(),
        };
        Self {
            plugin_id: plugin.id.clone(),
            plugin_slug: plugin.slug.to_string(),
            current_version: plugin.version.to_string(),
            latest_version: installed.latest.as_ref().map(ToString::to_string),
            repo_url: listed.record.as_ref().and_then(|record| record.source_url()).map(str::to_owned),
            update_available: installed.update_available(),
            message,
        }
    }
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct HintAnswer {
    status: &'static str,
    data: UpdateHint,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct HintsAnswer {
    status: &'static str,
    data: Hints,
}

#[derive(Serialize, utoipa::ToSchema)]
struct Hints {
    available_updates: Vec<UpdateHint>,
    #[schema(maximum = 1000000)]
    total_count: usize,
}

/// Whether there is a newer version of one plugin.
#[utoipa::path(tag = "plugins", params(("slug", description = "slug or id")), responses((status = 200, body = HintAnswer)))]
#[get("/plugins/{slug}/update/available")]
pub async fn update_available(user: Authorized<Read>, app: web::Data<App>, names: web::Path<SlugSegment>) -> HttpResult {
    let listed = plugins::list_one(&app, &user.caller.user, &names.slug).await?;
    Ok(HttpResponse::Ok().json(HintAnswer { status: "success", data: UpdateHint::from(&listed) }))
}

/// All of the caller's plugins with a newer version.
#[utoipa::path(tag = "plugins", responses((status = 200, body = HintsAnswer)))]
#[get("/plugins/updates/available")]
pub async fn updates_available(user: Authorized<Read>, app: web::Data<App>) -> HttpResult {
    let listed = plugins::list(&app, &user.caller.user).await?;
    let available_updates: Vec<_> = listed.iter().filter(|one| one.installed.update_available()).map(UpdateHint::from).collect();
    let data = Hints { total_count: available_updates.len(), available_updates };
    Ok(HttpResponse::Ok().json(HintsAnswer { status: "success", data }))
}
