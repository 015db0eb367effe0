//! One entry by its id.

use actix_web::{HttpRequest, HttpResponse, get, http::header, web};

use super::{
    access::{StateAccess, entry_id},
    conditions::{etag, is_known},
    record::{Record, answer},
};
use crate::{
    app::{App, state},
    http::problem::{HttpResult, ProblemSchema},
};

/// One entry with its document.
#[utoipa::path(
    tag = "state",
    operation_id = "get_state",
    params(("id" = String, Path)),
    responses((status = 200, body = Record), (status = 304), (status = 500, description = "state_corrupt", body = ProblemSchema))
)]
#[get("/plugin-state/{id}")]
pub async fn get(
    request: HttpRequest,
    user: StateAccess,
    app: web::Data<App>,
    names: web::Path<super::access::EntrySegment>,
) -> HttpResult {
    let found = state::find_by_id(&app, &user.access, entry_id(&names.id)?).await?;
    if is_known(&request, &found.entry) {
        return Ok(HttpResponse::NotModified().insert_header((header::ETAG, etag(&found.entry))).finish());
    }
    Ok(answer(found)?)
}
