//! Changing one's own password.

use actix_web::{HttpResponse, put, web};
use serde::Deserialize;

use super::answer::MessageBody;
use crate::{
    app::{
        App,
        accounts::{self, NewPassword},
    },
    http::{
        extract::{CurrentUser, Json},
        problem::{HttpResult, ProblemSchema},
    },
};

#[derive(Deserialize, utoipa::ToSchema)]
pub struct PasswordRequest {
    current_password: String,
    /// At least 8 characters.
    new_password: String,
    /// The new one again.
    confirm_password: String,
}

/// Changes the caller's password and ends all other logins.
#[utoipa::path(
    tag = "accounts",
    request_body = PasswordRequest,
    responses(
        (status = 200, body = MessageBody),
        (status = 409, description = "the account has no password here, or it was changed meanwhile", body = ProblemSchema),
        (status = 429, description = "too many wrong passwords of this account", body = ProblemSchema)
    )
)]
#[put("/auth/profile/password")]
pub async fn change_password(user: CurrentUser, app: web::Data<App>, body: Json<PasswordRequest>) -> HttpResult {
    let PasswordRequest { current_password, new_password, confirm_password } = body.0;
    let change = NewPassword { current: current_password, new: new_password, confirmation: confirm_password };
    accounts::change_password(&app, &user.caller, change).await?;
    Ok(HttpResponse::Ok().json(MessageBody::new("Password changed; all other logins have ended")))
}
