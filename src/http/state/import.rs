//! Taking in an export.

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    http::header,
    post,
    web::{self, Payload},
};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};

use super::{access::StateAccess, export::NDJSON};
use crate::{
    app::{
        App,
        state::{Import, ImportMode, Imported},
    },
    error::{Error, Result},
    http::{
        extract::Query,
        problem::{HttpResult, ProblemSchema},
    },
};

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    /// `replace`: what the export lacks is deleted, of the plugins that it is complete for. `merge`: entries that are there take
    /// its content. `skip`: they stay as they are.
    #[param(inline)]
    mode: String,
    /// Only says what would happen.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StateImport)]
pub struct ImportAnswer {
    dry_run: bool,
    created: u64,
    updated: u64,
    /// Entries that were so already.
    unchanged: u64,
    /// Entries that were to stay as they are, or have ended since the export.
    skipped: u64,
    /// Entries that the export lacks.
    deleted: u64,
}

impl ImportAnswer {
    fn new(dry_run: bool, imported: Imported) -> Self {
        let Imported { created, updated, unchanged, skipped, deleted } = imported;
        Self { dry_run, created, updated, unchanged, skipped, deleted }
    }
}

/// Takes in an export, all of it or nothing: new revisions, within policies, schemas and quotas. What is not in order is told
/// by the numbers of its lines.
#[utoipa::path(
    tag = "state",
    operation_id = "import_state",
    params(Parameters),
    request_body(content = String, content_type = "application/x-ndjson"),
    responses(
        (status = 200, body = ImportAnswer),
        (status = 409, description = "incompatible_version", body = ProblemSchema),
        (status = 507, description = "quota_exceeded", body = ProblemSchema)
    )
)]
#[post("/plugin-state/import")]
pub async fn import(
    request: HttpRequest,
    user: StateAccess,
    app: web::Data<App>,
    query: Query<Parameters>,
    mut body: Payload,
) -> HttpResult {
    let Parameters { mode, dry_run } = query.0;
    let mode: ImportMode = mode.parse()?;
    require_ndjson(&request)?;
    let mut import = Import::begin(&app, &user.access);
    while let Some(chunk) = body.next().await {
        import.write(&chunk.map_err(|e| Error::BadRequest(format!("the body ended early: {e}")))?).await?;
    }
    Ok(HttpResponse::Ok().json(ImportAnswer::new(dry_run, import.finish(mode, dry_run).await?)))
}

fn require_ndjson(request: &HttpRequest) -> Result<()> {
    let is_plain = request.headers().get(header::CONTENT_ENCODING).is_none_or(|coding| coding == "identity");
    match request.content_type().eq_ignore_ascii_case(NDJSON) && is_plain {
        true => Ok(()),
        false => Err(Error::UnsupportedMediaType(format!("this needs a body of type {NDJSON}, not compressed"))),
    }
}
