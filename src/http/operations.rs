//! Health, readiness and metrics.

use std::sync::Arc;

use actix_web::{HttpResponse, get, http::StatusCode, web::Data};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;

use crate::app::{App, readiness};

#[derive(Serialize, utoipa::ToSchema)]
pub struct Health {
    status: &'static str,
}

/// The process is up.
#[utoipa::path(tag = "operations", responses((status = 200, body = Health)))]
#[get("/healthz")]
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ok" })
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct Readiness {
    status: &'static str,
    /// `ok`, or what is wrong.
    database: String,
    plugins_folder: String,
}

/// Database and plugins folder can be written.
#[utoipa::path(tag = "operations", responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
#[get("/readyz")]
pub async fn readyz(app: Data<App>) -> HttpResponse {
    let found = readiness::check(&Arc::clone(&app)).await;
    let (status, word) = if found.is_ready() { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "failing") };
    let part = |ok: bool| if ok { "ok" } else { "failing" }.to_owned();
    HttpResponse::build(status).json(Readiness { status: word, database: part(found.database), plugins_folder: part(found.folder) })
}

/// Prometheus' text format.
#[utoipa::path(tag = "operations", responses((status = 200, body = String, content_type = "text/plain")))]
#[get("/metrics")]
pub async fn metrics(handle: Data<PrometheusHandle>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(handle.render())
}
