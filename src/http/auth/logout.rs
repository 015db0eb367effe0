//! Logging out.

use actix_web::{HttpRequest, HttpResponse, post, web};

use super::answer::{self, MessageBody};
use crate::{
    app::{App, accounts},
    http::{extract::CurrentUser, problem::HttpResult},
};

/// Ends this login: neither of its tokens works any more.
#[utoipa::path(tag = "accounts", responses((status = 200, body = MessageBody)))]
#[post("/auth/logout")]
pub async fn logout(user: CurrentUser, app: web::Data<App>, request: HttpRequest) -> HttpResult {
    accounts::logout(&app, &user.caller).await?;
    Ok(HttpResponse::Ok().cookie(answer::no_cookie(&request, &app)).json(MessageBody::new("Logged out")))
}
