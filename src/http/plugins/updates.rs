//! Which of the caller's plugins there are newer versions of.

use actix_web::{HttpResponse, get, web};
use serde::Serialize;

use crate::{
    app::{
        App,
        plugins::{self, ListedPlugin},
        update_checks,
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
        let plugin = &listed.installed.plugin;
        let failure = listed.check.as_ref().and_then(|check| check.failure.as_ref());
        let message = match (listed.latest(), listed.update_available(), failure) {
            (Some(latest), true, _) => format!("Update available: {latest}"),
            (_, _, Some(failure)) => format!("The plugin's source could not be asked: {failure}"),
            _ => "Plugin is up to date".to_owned(),
        };
        Self {
            plugin_id: plugin.id.clone(),
            plugin_slug: plugin.slug.to_string(),
            current_version: plugin.version.to_string(),
            latest_version: listed.latest().map(ToString::to_string),
            repo_url: listed.source_url().map(str::to_owned),
            update_available: listed.update_available(),
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

/// Whether there is a newer version of one plugin, in the catalogue or at the repository that it was installed from, which
/// is asked now unless that was done a moment ago.
#[utoipa::path(tag = "plugins", params(("slug", description = "slug or id")), responses((status = 200, body = HintAnswer)))]
#[get("/plugins/{slug}/update/available")]
pub async fn update_available(user: Authorized<Read>, app: web::Data<App>, names: web::Path<SlugSegment>) -> HttpResult {
    let mut listed = plugins::list_one(&app, &user.caller.user, &names.slug).await?;
    if let Some(source) = listed.source_url() {
        listed.check = update_checks::check_on_demand(&app, source).await?;
    }
    Ok(HttpResponse::Ok().json(HintAnswer { status: "success", data: UpdateHint::from(&listed) }))
}

/// All of the caller's plugins with a newer version, as far as that is known: nobody is asked.
#[utoipa::path(tag = "plugins", responses((status = 200, body = HintsAnswer)))]
#[get("/plugins/updates/available")]
pub async fn updates_available(user: Authorized<Read>, app: web::Data<App>) -> HttpResult {
    let listed = plugins::list(&app, &user.caller.user).await?;
    let available_updates: Vec<_> = listed.iter().filter(|one| one.update_available()).map(UpdateHint::from).collect();
    let data = Hints { total_count: available_updates.len(), available_updates };
    Ok(HttpResponse::Ok().json(HintsAnswer { status: "success", data }))
}
