//! The caller's API tokens.

use actix_web::{HttpResponse, get, web};
use serde::Serialize;

use crate::{
    app::{App, tokens},
    domain::{Scope, Timestamp, user::ApiToken},
    http::{
        extract::{Authorized, Query, Read},
        paging::{PageAnswer, PageParameters},
        problem::{HttpResult, ProblemSchema},
    },
};

/// An API token without its secret.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ListedToken {
    id: String,
    name: String,
    #[schema(value_type = Vec<String>)]
    scopes: Vec<Scope>,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// To the minute.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
}

impl From<ApiToken> for ListedToken {
    fn from(token: ApiToken) -> Self {
        Self {
            id: token.id,
            name: token.name,
            scopes: token.scopes,
            expires_at: token.expires_at,
            created_at: token.created_at,
            last_used_at: token.last_used_at,
        }
    }
}

/// The caller's tokens that were not revoked, oldest first.
#[utoipa::path(
    operation_id = "list_tokens", tag = "accounts",
    params(PageParameters),
    responses((status = 200, body = PageAnswer<ListedToken>), (status = 422, description = "validation", body = ProblemSchema))
)]
#[get("/tokens")]
pub async fn list(user: Authorized<Read>, app: web::Data<App>, query: Query<PageParameters>) -> HttpResult {
    let (limit, after) = query.0.wanted()?;
    let page = tokens::list(&app, &user.caller, &user.caller.user, after, limit).await?;
    Ok(HttpResponse::Ok().json(PageAnswer::new(page, ListedToken::from)))
}
