//! All accounts.

use actix_web::{HttpResponse, get, web};

use super::UserBody;
use crate::{
    app::{App, accounts},
    http::{
        extract::{AdminUser, Query},
        page::{ListBody, PageParameters},
        problem::{HttpResult, ProblemSchema},
    },
};

/// All accounts, by id.
#[utoipa::path(
    tag = "administration",
    params(PageParameters),
    responses((status = 200, body = ListBody<UserBody>), (status = 422, description = "validation", body = ProblemSchema))
)]
#[get("/users")]
pub async fn list(user: AdminUser, app: web::Data<App>, query: Query<PageParameters>) -> HttpResult {
    let page = accounts::list(&app, &user.caller, query.0.after()?, query.0.limit()?).await?;
    Ok(HttpResponse::Ok().json(ListBody::new(page, UserBody::from)))
}
