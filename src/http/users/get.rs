//! One account.

use actix_web::{HttpResponse, get, web};

use super::{UserBody, user_id};
use crate::{
    app::{App, accounts},
    http::{extract::AdminUser, problem::HttpResult},
};

/// One account.
#[utoipa::path(operation_id = "get_user", tag = "administration", params(("user_id" = String, Path)), responses((status = 200, body = UserBody)))]
#[get("/users/{user_id}")]
pub async fn get(user: AdminUser, app: web::Data<App>, id: web::Path<String>) -> HttpResult {
    let account = accounts::find(&app, &user.caller, &user_id(&id)?).await?;
    Ok(HttpResponse::Ok().json(UserBody::from(account)))
}
