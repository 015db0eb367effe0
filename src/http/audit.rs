//! The audit log.

use actix_web::{HttpResponse, get, web};
use serde::{Deserialize, Serialize};

use super::{
    extract::{Authorized, Query, Read},
    paging::{PageAnswer, wanted},
    problem::HttpResult,
};
use crate::{
    app::{App, audit_log},
    domain::audit::AuditEntry,
};

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    cursor: Option<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct AuditItem {
    id: String,
    at: String,
    /// User, token or command.
    actor: String,
    /// Null for a command on the server's machine.
    actor_id: Option<String>,
    /// `<noun>.<verb>`, such as `plugin.install`.
    action: String,
    object: String,
    request_id: Option<String>,
}

impl From<AuditEntry> for AuditItem {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id,
            at: entry.at.to_string(),
            actor: entry.actor,
            actor_id: entry.actor_id.map(|id| id.to_string()),
            action: entry.action,
            object: entry.object,
            request_id: entry.request_id,
        }
    }
}

/// Changes, newest first: everybody's for administrators, their own for others.
#[utoipa::path(
    tag = "operations",
    params(Parameters),
    responses((status = 200, body = PageAnswer<AuditItem>), (status = 422, description = "a parameter is not valid"))
)]
#[get("/audit")]
pub async fn audit(user: Authorized<Read>, app: web::Data<App>, query: Query<Parameters>) -> HttpResult {
    let (limit, before) = wanted(query.0.limit, query.0.cursor.as_deref())?;
    let page = audit_log::list(&app, &user.caller, before, limit).await?;
    Ok(HttpResponse::Ok().json(PageAnswer::new(page, AuditItem::from)))
}
