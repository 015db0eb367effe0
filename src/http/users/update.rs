//! Changing an account.

use actix_web::{HttpResponse, patch, web};
use serde::Deserialize;

use super::{UserBody, user_id};
use crate::{
    app::{
        App,
        accounts::{self, AccountChanges},
    },
    domain::Role,
    http::{
        extract::{AdminUser, Json, present},
        problem::{HttpResult, ProblemSchema},
    },
};

/// Absent members stay as they are; null clears `email` and `full_name`.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateUser {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    email: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    full_name: Option<Option<String>>,
    /// Ends the user's logins.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String)]
    password: Option<String>,
    /// `admin` or `user`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String)]
    role: Option<Role>,
    /// False ends the user's logins, and no token of theirs works.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = bool)]
    is_active: Option<bool>,
}

/// Changes an account. Somebody has to stay an active administrator.
#[utoipa::path(
    operation_id = "update_user", tag = "administration",
    params(("user_id" = String, Path)),
    request_body = UpdateUser,
    responses(
        (status = 200, body = UserBody),
        (status = 409, description = "already_exists: the address is taken; conflict: the last active administrator", body = ProblemSchema)
    )
)]
#[patch("/users/{user_id}")]
pub async fn update(user: AdminUser, app: web::Data<App>, id: web::Path<String>, body: Json<UpdateUser>) -> HttpResult {
    let UpdateUser { email, full_name, password, role, is_active } = body.0;
    let changes = AccountChanges { email, full_name, password, role, active: is_active };
    let changed = accounts::update(&app, &user.caller, &user_id(&id)?, changes).await?;
    Ok(HttpResponse::Ok().json(UserBody::from(changed)))
}
