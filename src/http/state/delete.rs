//! Deleting an entry by its id.

use actix_web::{HttpResponse, delete, web};
use serde::{Deserialize, Serialize};

use super::{
    access::{EntrySegment, StateAccess, entry_id},
    conditions::Conditions,
};
use crate::{
    app::{App, state},
    http::{
        extract::Query,
        problem::{HttpResult, ProblemSchema},
    },
};

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    /// Erases the document everywhere: entry, revisions and copies in snapshots.
    #[serde(default)]
    purge: bool,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct DeleteAnswer {
    message: &'static str,
}

/// Deletes an entry. Unless it is purged, its history stays and brings it back.
#[utoipa::path(
    tag = "state",
    operation_id = "delete_state",
    params(("id" = String, Path), Parameters),
    responses(
        (status = 200, body = DeleteAnswer),
        (status = 400, description = "a condition that cannot be read", body = ProblemSchema),
        (status = 412, description = "the entry is not as expected; `current` says how it is", body = ProblemSchema),
        (status = 422, description = "a parameter is not valid", body = ProblemSchema),
        (status = 428, description = "the plugin's policy wants a precondition", body = ProblemSchema)
    )
)]
#[delete("/plugin-state/{id}")]
pub async fn delete(
    user: StateAccess,
    app: web::Data<App>,
    names: web::Path<EntrySegment>,
    query: Query<Parameters>,
    conditions: Conditions,
) -> HttpResult {
    state::delete_by_id(&app, &user.access, entry_id(&names.id)?, conditions.0, query.0.purge).await?;
    Ok(HttpResponse::Ok().json(DeleteAnswer { message: "Plugin state deleted successfully" }))
}
