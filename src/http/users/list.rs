//! All accounts.

use actix_web::{HttpResponse, get, web};

use super::UserBody;
use crate::{
    app::{App, accounts},
    error::Error,
    http::{
        extract::{AdminUser, Query},
        paging::{PageAnswer, PageParameters},
        problem::{HttpResult, ProblemSchema},
    },
};

/// All accounts, by id.
#[utoipa::path(
    operation_id = "list_users", tag = "administration",
    params(PageParameters),
    responses((status = 200, body = PageAnswer<UserBody>), (status = 422, description = "validation", body = ProblemSchema))
)]
#[get("/users")]
pub async fn list(user: AdminUser, app: web::Data<App>, query: Query<PageParameters>) -> HttpResult {
    let (limit, after) = query.0.wanted()?;
    let after = after.map(|key| key.parse()).transpose().map_err(|_| Error::invalid("cursor", "is of another list"))?;
    let page = accounts::list(&app, &user.caller, after, limit).await?;
    Ok(HttpResponse::Ok().json(PageAnswer::new(page, UserBody::from)))
}
