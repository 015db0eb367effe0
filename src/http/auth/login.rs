//! Logging in.

use actix_web::{HttpRequest, post, web};
use serde::Deserialize;

use super::answer::{self, LoginBody};
use crate::{
    app::{App, accounts},
    http::{
        client_address::client_address,
        extract::Json,
        problem::{HttpResult, ProblemSchema},
        users::UserBody,
    },
};

#[derive(Deserialize, utoipa::ToSchema)]
pub struct LoginRequest {
    /// E-mail address or username.
    email: String,
    password: String,
}

/// Logs in with a password. The refresh token comes as a cookie too.
#[utoipa::path(
    tag = "accounts",
    request_body = LoginRequest,
    responses(
        (status = 200, body = LoginBody),
        (status = 401, description = "wrong name or password", body = ProblemSchema),
        (status = 429, description = "too many failures of this account or address", body = ProblemSchema)
    )
)]
#[post("/auth/login")]
pub async fn login(app: web::Data<App>, request: HttpRequest, body: Json<LoginRequest>) -> HttpResult {
    let address = client_address(&request, &app.settings);
    let (tokens, user) = accounts::login(&app, &body.0.email, body.0.password, address).await?;
    Ok(answer::tokens(&request, &app, tokens, Some(UserBody::from(user))))
}
