//! Keeping all entries of one plugin as they are, and going back to that.

use actix_web::{HttpRequest, HttpResponse, delete, get, http::header, post, web};
use serde::{Deserialize, Serialize};

use super::access::{EntrySegment, StateAccess, entry_id};
use crate::{
    app::{App, state},
    domain::state::{self as values, Snapshot, check_name},
    error::Error,
    http::{
        etag,
        extract::{Json, Query},
        paging::{PageAnswer, wanted},
        problem::{HttpResult, ProblemSchema},
    },
};

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    /// Only of this plugin.
    plugin_id: Option<String>,
    /// 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// The `next_cursor` of the part before.
    cursor: Option<String>,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SnapshotCreate)]
pub struct SnapshotCreate {
    plugin_id: String,
    #[serde(default)]
    label: Option<String>,
    /// Whether it stays when newer ones push others out.
    #[serde(default)]
    pinned: bool,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Snapshot)]
pub struct SnapshotBody {
    id: String,
    plugin_id: String,
    /// Installed at that moment.
    plugin_version: Option<String>,
    /// `request`, `update`, `rollback` or `restore`.
    reason: &'static str,
    label: Option<String>,
    pinned: bool,
    entries: i64,
    /// Bytes of compact JSON.
    size: i64,
    /// The user's counter at that moment.
    seq: i64,
    created_by: String,
    created_at: String,
    /// Absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<Vec<SnapshotKey>>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = SnapshotKey)]
struct SnapshotKey {
    page_id: Option<String>,
    state_key: Option<String>,
    size: i64,
}

impl SnapshotBody {
    fn new(snapshot: Snapshot) -> Self {
        Self {
            id: snapshot.id,
            plugin_id: snapshot.plugin.to_string(),
            plugin_version: snapshot.plugin_version,
            reason: snapshot.reason.as_str(),
            label: snapshot.label,
            pinned: snapshot.pinned,
            entries: snapshot.entries,
            size: snapshot.size,
            seq: snapshot.seq,
            created_by: snapshot.created_by,
            created_at: snapshot.created_at.to_string(),
            keys: None,
        }
    }
}

fn key(key: values::SnapshotKey) -> SnapshotKey {
    let name = |text: String| Some(text).filter(|text| !text.is_empty());
    SnapshotKey { page_id: name(key.page), state_key: name(key.key), size: key.size }
}

/// The user's snapshots, newest first. Of each plugin the last ten are kept, and those that are pinned.
#[utoipa::path(
    tag = "state",
    params(Parameters),
    responses(
        (status = 200, body = PageAnswer<SnapshotBody>),
        (status = 304),
        (status = 422, description = "a parameter is not valid", body = ProblemSchema)
    )
)]
#[get("/plugin-state/snapshots")]
pub async fn list_snapshots(request: HttpRequest, user: StateAccess, app: web::Data<App>, query: Query<Parameters>) -> HttpResult {
    let Parameters { plugin_id, limit, cursor } = query.0;
    let (limit, before) = wanted(limit, cursor.as_deref())?;
    let page = state::list_snapshots(&app, &user.access, plugin_id, before, limit).await?;
    Ok(etag::json(&request, &PageAnswer::new(page, SnapshotBody::new))?)
}

/// Keeps all entries of one plugin as they are at this moment.
#[utoipa::path(
    tag = "state",
    request_body = SnapshotCreate,
    responses(
        (status = 201, body = SnapshotBody),
        (status = 507, description = "quota_exceeded: no more can be pinned", body = ProblemSchema)
    )
)]
#[post("/plugin-state/snapshots")]
pub async fn create_snapshot(request: HttpRequest, user: StateAccess, app: web::Data<App>, body: Json<SnapshotCreate>) -> HttpResult {
    let SnapshotCreate { plugin_id, label, pinned } = body.0;
    let label = label.map(|label| check_name("label", &label)).transpose()?;
    let made = state::create_snapshot(&app, &user.access, plugin_id, label, pinned).await?;
    let location = format!("{}/{}", request.path().trim_end_matches('/'), made.id);
    Ok(HttpResponse::Created().insert_header((header::LOCATION, location)).json(SnapshotBody::new(made)))
}

/// One snapshot with the keys it holds.
#[utoipa::path(tag = "state", params(("id" = String, Path)), responses((status = 200, body = SnapshotBody)))]
#[get("/plugin-state/snapshots/{id}")]
pub async fn get_snapshot(user: StateAccess, app: web::Data<App>, names: web::Path<EntrySegment>) -> HttpResult {
    let (found, entries) = state::snapshot(&app, &user.access, snapshot_id(&names.id)?).await?;
    let keys = Some(entries.into_iter().map(key).collect());
    Ok(HttpResponse::Ok().json(SnapshotBody { keys, ..SnapshotBody::new(found) }))
}

/// Removes a snapshot.
#[utoipa::path(tag = "state", params(("id" = String, Path)), responses((status = 204)))]
#[delete("/plugin-state/snapshots/{id}")]
pub async fn delete_snapshot(user: StateAccess, app: web::Data<App>, names: web::Path<EntrySegment>) -> HttpResult {
    state::delete_snapshot(&app, &user.access, snapshot_id(&names.id)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Makes the plugin's state what it was, in one transaction: new revisions, and deletions of what was not there. What is
/// there before is kept as a snapshot of its own.
#[utoipa::path(
    tag = "state",
    params(("id" = String, Path)),
    responses(
        (status = 200, body = SnapshotBody),
        (status = 422, description = "the plugin is not installed", body = ProblemSchema),
        (status = 500, description = "state_corrupt: a copy is damaged; nothing was changed", body = ProblemSchema),
        (status = 507, description = "quota_exceeded", body = ProblemSchema)
    )
)]
#[post("/plugin-state/snapshots/{id}/restore")]
pub async fn restore_snapshot(user: StateAccess, app: web::Data<App>, names: web::Path<EntrySegment>) -> HttpResult {
    let restored = state::restore_snapshot(&app, &user.access, snapshot_id(&names.id)?).await?;
    Ok(HttpResponse::Ok().json(SnapshotBody::new(restored)))
}

fn snapshot_id(segment: &str) -> Result<&str, Error> {
    entry_id(segment).map_err(|_| Error::NotFound("snapshot".to_owned()))
}
