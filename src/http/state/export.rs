//! All entries as one text.

use actix_web::{HttpResponse, get, http::header, web};
use serde::Deserialize;

use super::{access::StateAccess, spooled};
use crate::{
    app::{App, state},
    http::{
        extract::Query,
        problem::{HttpResult, ProblemSchema},
    },
};

/// Newline-delimited JSON has no registered type; this is what everybody sends.
pub const NDJSON: &str = "application/x-ndjson";

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    /// Only of this plugin.
    plugin_id: Option<String>,
}

/// The live entries as they are at one moment: a header, a line for each entry, a trailer with their number, each with a
/// checksum. History is not in it.
#[utoipa::path(
    tag = "state",
    operation_id = "export_state",
    params(Parameters),
    responses(
        (status = 200, body = String, content_type = "application/x-ndjson"),
        (status = 422, description = "a parameter is not valid", body = ProblemSchema),
        (status = 500, description = "state_corrupt", body = ProblemSchema)
    )
)]
#[get("/plugin-state/export")]
pub async fn export(user: StateAccess, app: web::Data<App>, query: Query<Parameters>) -> HttpResult {
    let spool = state::export(&app, &user.access, query.0.plugin_id).await?;
    let mut answer = HttpResponse::Ok();
    answer
        .content_type(NDJSON)
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"plugyard-state.ndjson\""));
    Ok(spooled::body(answer, spool.finish()))
}
