//! Making an account for somebody.

use actix_web::{HttpResponse, post, web};
use serde::Deserialize;

use super::UserBody;
use crate::{
    app::{
        App,
        accounts::{self, NewAccount},
    },
    domain::Role,
    http::{
        extract::{AdminUser, Json},
        problem::{HttpResult, ProblemSchema},
    },
};

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateUser {
    /// 1 to 100 characters.
    username: String,
    #[serde(default)]
    email: Option<String>,
    /// At least 8 characters.
    password: String,
    /// `admin` or `user`; a user when absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    role: Option<Role>,
}

/// Makes an account.
#[utoipa::path(
    operation_id = "create_user", tag = "administration",
    request_body = CreateUser,
    responses((status = 201, body = UserBody), (status = 409, description = "the name or address is taken", body = ProblemSchema))
)]
#[post("/users")]
pub async fn create(user: AdminUser, app: web::Data<App>, body: Json<CreateUser>) -> HttpResult {
    let CreateUser { username, email, password, role } = body.0;
    let account = NewAccount { username, email, full_name: None, password, role: role.unwrap_or(Role::User) };
    let made = accounts::create(&app, &user.caller, account).await?;
    Ok(HttpResponse::Created().json(UserBody::from(made)))
}
