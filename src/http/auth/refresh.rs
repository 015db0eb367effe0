//! The next pair of tokens.

use actix_web::{HttpRequest, post, web};
use serde::Deserialize;

use super::answer::{self, LoginBody};
use crate::{
    app::{App, accounts},
    error::Error,
    http::{
        extract::{OptionalJson, request_id},
        problem::{HttpResult, ProblemSchema},
    },
};

#[derive(Default, Deserialize, utoipa::ToSchema)]
pub struct RefreshRequest {
    /// Instead of the cookie.
    #[serde(default)]
    refresh_token: Option<String>,
}

/// Exchanges the refresh token, from the body or else the cookie, for the next pair. The one before works 60 seconds
/// longer; an older one ends the login.
#[utoipa::path(
    tag = "accounts",
    request_body = RefreshRequest,
    responses(
        (status = 200, body = LoginBody, description = "as after a login, without `user`"),
        (status = 401, description = "no refresh token, or not a valid one", body = ProblemSchema)
    )
)]
#[post("/auth/refresh")]
pub async fn refresh(app: web::Data<App>, request: HttpRequest, body: OptionalJson<RefreshRequest>) -> HttpResult {
    let in_cookie = || request.cookie(answer::COOKIE).map(|cookie| cookie.value().to_owned());
    let token = body.0.unwrap_or_default().refresh_token.or_else(in_cookie);
    let token = token.ok_or_else(|| Error::Unauthenticated("there is no refresh token in cookie or body".to_owned()))?;
    let tokens = accounts::refresh(&app, &token, request_id(&request)).await?;
    Ok(answer::tokens(&request, &app, tokens, None))
}
