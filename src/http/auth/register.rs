//! An account of one's own.

use actix_web::{HttpRequest, HttpResponse, post, web};
use serde::Deserialize;

use crate::{
    app::{
        App,
        accounts::{self, NewAccount},
    },
    domain::Role,
    http::{
        extract::{Json, request_id},
        problem::{HttpResult, ProblemSchema},
        users::UserBody,
    },
};

#[derive(Deserialize, utoipa::ToSchema)]
pub struct RegisterRequest {
    /// 1 to 100 characters.
    username: String,
    email: String,
    /// At least 8 characters.
    password: String,
    #[serde(default)]
    full_name: Option<String>,
}

/// Makes an account, where the setting `registration` allows it.
#[utoipa::path(
    tag = "accounts",
    request_body = RegisterRequest,
    responses(
        (status = 200, body = UserBody),
        (status = 403, description = "accounts are made by administrators here", body = ProblemSchema),
        (status = 409, description = "the name or address is taken", body = ProblemSchema)
    )
)]
#[post("/auth/register")]
pub async fn register(app: web::Data<App>, request: HttpRequest, body: Json<RegisterRequest>) -> HttpResult {
    let RegisterRequest { username, email, password, full_name } = body.0;
    let account = NewAccount { username, email: Some(email), full_name, password, role: Role::User };
    let user = accounts::register(&app, account, request_id(&request)).await?;
    Ok(HttpResponse::Ok().json(UserBody::from(user)))
}
