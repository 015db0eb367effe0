//! Removing an account.

use actix_web::{HttpResponse, delete, web};

use super::user_id;
use crate::{
    app::{App, accounts},
    http::{
        extract::AdminUser,
        problem::{HttpResult, ProblemSchema},
    },
};

/// Removes an account with its plugins, tokens and state. What it has published stays.
#[utoipa::path(
    operation_id = "delete_user", tag = "administration",
    params(("user_id" = String, Path)),
    responses((status = 204), (status = 409, description = "conflict: the last active administrator", body = ProblemSchema))
)]
#[delete("/users/{user_id}")]
pub async fn delete(user: AdminUser, app: web::Data<App>, id: web::Path<String>) -> HttpResult {
    accounts::delete(&app, &user.caller, &user_id(&id)?).await?;
    Ok(HttpResponse::NoContent().finish())
}
