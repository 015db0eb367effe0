//! What an entry held before.

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    access::{EntrySegment, StateAccess, entry_id},
    record::raw,
};
use crate::{
    app::{App, state},
    domain::state::Revision,
    error::Error,
    http::{
        etag,
        extract::Query,
        paging::{PageAnswer, PageParameters},
        problem::{HttpResult, ProblemSchema},
    },
};

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StateRevision)]
pub struct RevisionBody {
    version: i64,
    seq: i64,
    /// `create`, `update`, `delete`, `restore` or `expire`.
    change: &'static str,
    /// Bytes of compact JSON; 0 where the change left no document.
    size: i64,
    sha256: String,
    device_id: Option<String>,
    actor: String,
    user_agent: Option<String>,
    state_schema_version: Option<String>,
    plugin_version: Option<String>,
    created_at: String,
    /// Null where the change left no document; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    document: Option<Option<Box<RawValue>>>,
}

impl RevisionBody {
    fn new(revision: Revision) -> Self {
        Self {
            version: revision.version,
            seq: revision.seq,
            change: revision.change.as_str(),
            size: revision.size,
            sha256: revision.sha256,
            device_id: revision.device,
            actor: revision.actor,
            user_agent: revision.user_agent,
            state_schema_version: revision.schema_version,
            plugin_version: revision.plugin_version,
            created_at: revision.created_at.to_string(),
            document: None,
        }
    }
}

/// The entry's revisions, newest first; also those of a deleted entry.
#[utoipa::path(
    tag = "state",
    params(("id" = String, Path), PageParameters),
    responses((status = 200, body = PageAnswer<RevisionBody>), (status = 304), (status = 422, description = "a parameter is not valid", body = ProblemSchema))
)]
#[get("/plugin-state/{id}/history")]
pub async fn list_revisions(
    request: HttpRequest,
    user: StateAccess,
    app: web::Data<App>,
    names: web::Path<EntrySegment>,
    query: Query<PageParameters>,
) -> HttpResult {
    let (limit, before) = query.0.wanted()?;
    let before = before.map(|text| text.parse().map_err(|_| Error::invalid("cursor", "is not one that this server gave"))).transpose()?;
    let page = state::history(&app, &user.access, entry_id(&names.id)?, before, limit).await?;
    Ok(etag::json(&request, &PageAnswer::new(page, RevisionBody::new))?)
}

#[derive(Deserialize)]
pub struct RevisionSegments {
    id: String,
    version: String,
}

/// One revision with its document.
#[utoipa::path(
    tag = "state",
    params(("id" = String, Path), ("version" = String, Path)),
    responses((status = 200, body = RevisionBody), (status = 500, description = "state_corrupt", body = ProblemSchema))
)]
#[get("/plugin-state/{id}/history/{version}")]
pub async fn get_revision(user: StateAccess, app: web::Data<App>, names: web::Path<RevisionSegments>) -> HttpResult {
    let version = names.version.parse().map_err(|_| Error::NotFound("revision".to_owned()))?;
    let found = state::revision(&app, &user.access, entry_id(&names.id)?, version).await?;
    let document = found.json.map(|json| raw(&names.id, json)).transpose()?;
    Ok(HttpResponse::Ok().json(RevisionBody { document: Some(document), ..RevisionBody::new(found.revision) }))
}
