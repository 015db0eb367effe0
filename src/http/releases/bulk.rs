//! Installing and updating for every user.

use actix_web::{HttpResponse, post, web};
use serde::{Deserialize, Serialize};

use crate::{
    app::{
        App,
        releases::{self, BulkReport},
    },
    domain::VersionSpec,
    error::{Error, Result},
    http::{
        extract::{AdminUser, OptionalJson, SlugSegment, known},
        problem::HttpResult,
    },
};

#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkBody {
    /// A version, range, channel or `latest` (the default).
    version: Option<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct BulkAnswer {
    #[schema(maximum = 9007199254740991i64)]
    done: u64,
    /// Had the plugin, or the version.
    #[schema(maximum = 9007199254740991i64)]
    already_done: u64,
    failed: Vec<BulkFailure>,
}

#[derive(Serialize, utoipa::ToSchema)]
struct BulkFailure {
    user_id: String,
    /// Of the error.
    code: &'static str,
}

impl From<BulkReport> for BulkAnswer {
    fn from(report: BulkReport) -> Self {
        let failure = |(user, code): (crate::domain::UserId, _)| BulkFailure { user_id: user.to_string(), code };
        Self { done: report.done, already_done: report.already_done, failed: report.failed.into_iter().map(failure).collect() }
    }
}

fn version(body: OptionalJson<BulkBody>) -> Result<Option<VersionSpec>> {
    let text = body.0.unwrap_or_default().version;
    text.map(|text| text.parse().map_err(|_| Error::invalid("/version", "is no version, range or channel"))).transpose()
}

/// Installs for every active user who does not have the plugin. Can be run again.
#[utoipa::path(
    tag = "releases",
    params(("slug", description = "slug")),
    request_body(content = Option<BulkBody>, content_type = "application/json"),
    responses((status = 200, body = BulkAnswer))
)]
#[post("/releases/{slug}/install-all")]
pub async fn install_all(user: AdminUser, app: web::Data<App>, names: web::Path<SlugSegment>, body: OptionalJson<BulkBody>) -> HttpResult {
    let report = releases::install_all(&app, &user.caller, &known(&names.slug)?, version(body)?).await?;
    Ok(HttpResponse::Ok().json(BulkAnswer::from(report)))
}

/// Updates everybody who has the plugin. Can be run again.
#[utoipa::path(
    tag = "releases",
    params(("slug", description = "slug")),
    request_body(content = Option<BulkBody>, content_type = "application/json"),
    responses((status = 200, body = BulkAnswer))
)]
#[post("/releases/{slug}/update-all")]
pub async fn update_all(user: AdminUser, app: web::Data<App>, names: web::Path<SlugSegment>, body: OptionalJson<BulkBody>) -> HttpResult {
    let report = releases::update_all(&app, &user.caller, &known(&names.slug)?, version(body)?).await?;
    Ok(HttpResponse::Ok().json(BulkAnswer::from(report)))
}
