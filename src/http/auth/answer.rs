//! What a login answers, and the cookie that goes with it.

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time},
    http::header,
};
use serde::Serialize;

use crate::{
    app::{App, accounts::SessionTokens},
    http::{client_address::is_https, users::UserBody},
};

pub const COOKIE: &str = "refresh_token";

#[derive(Serialize, utoipa::ToSchema)]
pub struct LoginBody {
    access_token: String,
    token_type: &'static str,
    refresh_token: String,
    /// Seconds.
    expires_in: i64,
    /// Seconds.
    refresh_expires_in: i64,
    /// Seconds since 1970.
    issued_at: i64,
    user_id: String,
    /// Only after a login.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserBody>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct MessageBody {
    message: &'static str,
}

impl MessageBody {
    pub fn new(message: &'static str) -> Self {
        Self { message }
    }
}

/// The pair of tokens, once in the body and the refresh token as a cookie too; nothing on the way may keep either.
pub fn tokens(request: &HttpRequest, app: &App, tokens: SessionTokens, user: Option<UserBody>) -> HttpResponse {
    let kept = cookie(request, app, tokens.refresh_token.clone(), tokens.refresh_expires_in);
    HttpResponse::Ok().cookie(kept).insert_header((header::CACHE_CONTROL, "no-store")).json(LoginBody {
        access_token: tokens.access_token,
        token_type: "bearer",
        refresh_token: tokens.refresh_token,
        expires_in: tokens.expires_in,
        refresh_expires_in: tokens.refresh_expires_in,
        issued_at: tokens.issued_at.seconds(),
        user_id: tokens.user.to_string(),
        user,
    })
}

/// Takes the place of the cookie and is forgotten at once.
pub fn no_cookie<'a>(request: &HttpRequest, app: &App) -> Cookie<'a> {
    cookie(request, app, String::new(), 0)
}

fn cookie<'a>(request: &HttpRequest, app: &App, value: String, seconds: i64) -> Cookie<'a> {
    Cookie::build(COOKIE, value)
        .path("/api/v1/auth")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(is_https(request, &app.settings))
        .max_age(time::Duration::seconds(seconds))
        .finish()
}
