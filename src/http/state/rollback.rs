//! Going back to what an entry held before.

use actix_web::{post, web};
use serde::Deserialize;

use super::{
    access::{EntrySegment, StateAccess, entry_id},
    conditions::Conditions,
    record::{Record, answer},
};
use crate::{
    app::{App, state},
    http::{
        extract::Json,
        problem::{HttpResult, ProblemSchema},
    },
};

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StateRollback)]
pub struct RollbackBody {
    /// A version of the entry's history.
    to: i64,
}

/// Makes the document of an earlier version the current one: a new revision, itself undoable. Brings a deleted entry back.
#[utoipa::path(
    tag = "state",
    operation_id = "rollback_state",
    params(("id" = String, Path)),
    request_body = RollbackBody,
    responses(
        (status = 200, body = Record),
        (status = 412, description = "the entry is not as expected; `current` says how it is", body = ProblemSchema),
        (status = 428, description = "the plugin's policy wants a precondition", body = ProblemSchema),
        (status = 500, description = "state_corrupt", body = ProblemSchema),
        (status = 507, description = "quota_exceeded", body = ProblemSchema)
    )
)]
#[post("/plugin-state/{id}/rollback")]
pub async fn rollback(
    user: StateAccess,
    app: web::Data<App>,
    names: web::Path<EntrySegment>,
    conditions: Conditions,
    body: Json<RollbackBody>,
) -> HttpResult {
    Ok(answer(state::rollback(&app, &user.access, entry_id(&names.id)?, body.0.to, conditions.0).await?)?)
}
