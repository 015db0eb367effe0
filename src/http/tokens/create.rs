//! Making an API token.

use actix_web::{HttpResponse, http::header, post, web};
use serde::{Deserialize, Serialize};

use crate::{
    app::{
        App,
        tokens::{self, NewToken},
    },
    domain::{Scope, Timestamp},
    http::{
        extract::{CurrentUser, Json},
        problem::HttpResult,
    },
};

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    /// For the one who reads the list; 1 to 100 characters.
    name: String,
    /// `read`, `install`, `state`, `state:<slug>`, `publish`, `admin`.
    #[schema(value_type = Vec<String>)]
    scopes: Vec<Scope>,
    /// RFC 3339; never when absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct CreatedToken {
    id: String,
    name: String,
    /// Shown this once.
    token: String,
    #[schema(value_type = Vec<String>)]
    scopes: Vec<Scope>,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// Makes an API token. Only a login or a token with the scope `admin` can, and never beyond its own rights.
#[utoipa::path(operation_id = "create_token", tag = "accounts", request_body = CreateToken, responses((status = 201, body = CreatedToken)))]
#[post("/tokens")]
pub async fn create(user: CurrentUser, app: web::Data<App>, body: Json<CreateToken>) -> HttpResult {
    let CreateToken { name, scopes, expires_at } = body.0;
    let new = NewToken { name, scopes, expires_at };
    let (made, secret) = tokens::create(&app, &user.caller, &user.caller.user, new).await?;
    Ok(HttpResponse::Created().insert_header((header::CACHE_CONTROL, "no-store")).json(CreatedToken {
        id: made.id,
        name: made.name,
        token: secret,
        scopes: made.scopes,
        expires_at: made.expires_at,
        created_at: made.created_at,
    }))
}
