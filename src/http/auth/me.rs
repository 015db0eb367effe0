//! Who the caller is.

use actix_web::{HttpResponse, get, web};

use crate::{
    app::{App, accounts},
    http::{
        extract::{Authorized, Read},
        problem::HttpResult,
        users::UserBody,
    },
};

/// The caller's own account.
#[utoipa::path(tag = "accounts", responses((status = 200, body = UserBody)))]
#[get("/auth/me")]
pub async fn me(user: Authorized<Read>, app: web::Data<App>) -> HttpResult {
    let account = accounts::find(&app, &user.caller, &user.caller.user).await?;
    Ok(HttpResponse::Ok().json(UserBody::from(account)))
}
