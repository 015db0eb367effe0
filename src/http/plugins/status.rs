//! How one of the caller's plugins is.

use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use serde_json::Value;

use super::shapes::PluginShape;
use crate::{
    app::{
        App,
        plugins::{self, Drift, Health, Status},
    },
    error::{Error, Result},
    http::{
        extract::{Read, SlugSegment, Subject},
        problem::HttpResult,
    },
};

#[derive(Serialize, utoipa::ToSchema)]
pub struct StatusAnswer {
    status: &'static str,
    data: StatusData,
}

#[derive(Serialize, utoipa::ToSchema)]
struct StatusData {
    plugin_slug: String,
    exists: bool,
    /// `healthy`, `unhealthy` or `not_installed`.
    status: &'static str,
    plugin_info: Option<PluginShape>,
    health_details: HealthDetails,
    installation_metadata: Option<Value>,
    /// Where row and record disagree: `row_without_record` or `record_without_row`.
    #[schema(value_type = Option<String>)]
    drift: Option<Drift>,
}

#[derive(Serialize, utoipa::ToSchema)]
struct HealthDetails {
    bundle_exists: bool,
    #[schema(maximum = 9007199254740991i64)]
    bundle_size: Option<u64>,
    package_json_valid: bool,
    assets_present: bool,
}

impl StatusAnswer {
    pub fn new(found: Status) -> Result<Self> {
        let metadata = found.metadata.as_ref().map(serde_json::to_value).transpose();
        Ok(Self {
            status: "success",
            data: StatusData {
                plugin_slug: found.slug,
                exists: found.health != Health::NotInstalled,
                status: match found.health {
                    Health::Healthy => "healthy",
                    Health::Unhealthy => "unhealthy",
                    Health::NotInstalled => "not_installed",
                },
                plugin_info: found.plugin.as_ref().map(PluginShape::new),
                health_details: HealthDetails {
                    bundle_exists: found.bundle_exists,
                    bundle_size: found.bundle_size,
                    package_json_valid: found.package_json_valid,
                    assets_present: found.assets_present,
                },
                installation_metadata: metadata.map_err(|e| Error::storage("cannot write a record", e))?,
                drift: found.drift,
            },
        })
    }
}

/// Whether the plugin is installed and its files are there. A plugin of somebody else is `not_installed`.
#[utoipa::path(tag = "plugins", params(("slug", description = "slug or id")), responses((status = 200, body = StatusAnswer)))]
#[get("/plugins/{slug}/status")]
pub async fn status(subject: Subject<Read>, app: web::Data<App>, names: web::Path<SlugSegment>) -> HttpResult {
    let found = plugins::status(&app, &subject.user, &names.slug).await?;
    Ok(HttpResponse::Ok().json(StatusAnswer::new(found)?))
}
