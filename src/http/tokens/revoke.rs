//! Ending an API token.

use actix_web::{HttpResponse, delete, web};

use crate::{
    app::{App, tokens},
    http::{extract::CurrentUser, problem::HttpResult},
};

/// Ends one of the caller's tokens.
#[utoipa::path(operation_id = "revoke_token", tag = "accounts", responses((status = 204)))]
#[delete("/tokens/{id}")]
pub async fn revoke(user: CurrentUser, app: web::Data<App>, id: web::Path<String>) -> HttpResult {
    tokens::revoke(&app, &user.caller, &user.caller.user, &id).await?;
    Ok(HttpResponse::NoContent().finish())
}
