//! Update, rollback and the history of versions.

use actix_web::{HttpResponse, get, post, web};
use serde::{Deserialize, Serialize};

use crate::{
    app::{
        App,
        plugins::{self, Moved},
    },
    domain::{VersionSpec, history::HistoryEntry},
    error::Error,
    http::{
        extract::{Install, OptionalJson, Read, SlugSegment, Subject},
        problem::{HttpResult, ProblemSchema},
    },
};

#[derive(Default, Deserialize, utoipa::ToSchema)]
pub struct UpdateBody {
    /// A version, range, channel or `latest` (the default).
    version: Option<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct UpdateAnswer {
    status: &'static str,
    message: String,
    data: UpdateData,
}

#[derive(Serialize, utoipa::ToSchema)]
struct UpdateData {
    plugin_slug: String,
    plugin_id: String,
    previous_version: String,
    new_version: String,
    /// Of the plugin's state before the update; null when there was nothing to update.
    snapshot_id: Option<String>,
}

fn data(moved: &Moved) -> UpdateData {
    UpdateData {
        plugin_slug: moved.plugin.slug.to_string(),
        plugin_id: moved.plugin.id.clone(),
        previous_version: moved.previous.to_string(),
        new_version: moved.plugin.version.to_string(),
        snapshot_id: moved.snapshot.clone(),
    }
}

/// Moves the plugin to another version; config and enablement stay. When anything fails the old version goes on. Without a
/// version, a newer one that was found at the plugin's source is fetched and published first, where the caller may do that.
#[utoipa::path(
    tag = "plugins",
    params(("slug", description = "slug or id")),
    request_body(content = Option<UpdateBody>, content_type = "application/json"),
    responses(
        (status = 200, body = UpdateAnswer),
        (status = 409, description = "yanked, unavailable, a dependency, or moved meanwhile", body = ProblemSchema),
        (status = 410, description = "the release's files were removed", body = ProblemSchema)
    )
)]
#[post("/plugins/{slug}/update")]
pub async fn update(
    subject: Subject<Install>,
    app: web::Data<App>,
    names: web::Path<SlugSegment>,
    body: OptionalJson<UpdateBody>,
) -> HttpResult {
    let wanted = body.0.unwrap_or_default().version.map(|text| text.parse());
    let wanted = wanted.transpose().map_err(|_: Error| Error::invalid("/version", "is no version, range or channel"))?;
    let moved = match wanted {
        Some(wanted) if wanted != VersionSpec::Latest => plugins::update(&app, &subject.caller, &subject.user, &names.slug, wanted).await?,
        _ => plugins::update_to_newest(&app, &subject.caller, &subject.user, &names.slug).await?,
    };
    let message = format!("Plugin {} updated successfully", moved.plugin.slug);
    Ok(HttpResponse::Ok().json(UpdateAnswer { status: "success", message, data: data(&moved) }))
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct RollbackAnswer {
    previous_version: String,
    new_version: String,
    /// Of the plugin's state before the update that is undone, restored when that was asked; null without one.
    snapshot_id: Option<String>,
}

#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackBody {
    /// Whether the plugin's state goes back as well, to the snapshot that the update made.
    #[serde(default)]
    restore_state: bool,
}

/// Moves the plugin back to the version installed before; again goes one further.
#[utoipa::path(
    tag = "plugins",
    params(("slug", description = "slug or id")),
    request_body(content = Option<RollbackBody>, content_type = "application/json"),
    responses(
        (status = 200, body = RollbackAnswer),
        (status = 409, description = "no earlier version, no snapshot to restore, or a dependency", body = ProblemSchema),
        (status = 410, description = "the release's files were removed", body = ProblemSchema)
    )
)]
#[post("/plugins/{slug}/rollback")]
pub async fn rollback(
    subject: Subject<Install>,
    app: web::Data<App>,
    names: web::Path<SlugSegment>,
    body: OptionalJson<RollbackBody>,
) -> HttpResult {
    let restore_state = body.0.unwrap_or_default().restore_state;
    let moved = plugins::rollback(&app, &subject.caller, &subject.user, &names.slug, restore_state).await?;
    let UpdateData { previous_version, new_version, snapshot_id, .. } = data(&moved);
    Ok(HttpResponse::Ok().json(RollbackAnswer { previous_version, new_version, snapshot_id }))
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct VersionsAnswer {
    /// Newest first.
    items: Vec<VersionItem>,
}

#[derive(Serialize, utoipa::ToSchema)]
struct VersionItem {
    version: String,
    /// `install`, `update`, `rollback` or `import`.
    change: &'static str,
    installed_by: String,
    installed_at: String,
    /// Null for the installed version.
    replaced_at: Option<String>,
}

impl From<&HistoryEntry> for VersionItem {
    fn from(entry: &HistoryEntry) -> Self {
        Self {
            version: entry.version.to_string(),
            change: entry.change.as_str(),
            installed_by: entry.installed_by.clone(),
            installed_at: entry.installed_at.to_string(),
            replaced_at: entry.replaced_at.map(|at| at.to_string()),
        }
    }
}

/// What was installed when, and by whom.
#[utoipa::path(tag = "plugins", params(("slug", description = "slug or id")), responses((status = 200, body = VersionsAnswer)))]
#[get("/plugins/{slug}/versions")]
pub async fn versions(subject: Subject<Read>, app: web::Data<App>, names: web::Path<SlugSegment>) -> HttpResult {
    let history = plugins::history(&app, &subject.user, &names.slug).await?;
    Ok(HttpResponse::Ok().json(VersionsAnswer { items: history.iter().rev().map(VersionItem::from).collect() }))
}
