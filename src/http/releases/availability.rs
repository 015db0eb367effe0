//! The administrator's switch for everybody.

use actix_web::{HttpResponse, put, web};
use serde::{Deserialize, Serialize};

use crate::{
    app::{App, releases},
    domain::Slug,
    http::{
        extract::{AdminUser, Json, known},
        problem::HttpResult,
    },
};

#[derive(Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Availability {
    status: Status,
}

#[derive(Clone, Copy, PartialEq, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum Status {
    Enabled,
    Disabled,
}

/// Switches a plugin on or off for everybody; users' decisions and config stay.
#[utoipa::path(tag = "releases", request_body = Availability, responses((status = 200, body = Availability)))]
#[put("/releases/{slug}/availability")]
pub async fn put_availability(user: AdminUser, app: web::Data<App>, slug: web::Path<String>, body: Json<Availability>) -> HttpResult {
    let slug: Slug = known(&slug)?;
    releases::set_available(&app, &user.caller, &slug, body.0.status == Status::Enabled).await?;
    Ok(HttpResponse::Ok().json(body.0))
}
