//! Outermost but for the short way: gives the request its id, writes pending problem bodies, counts and logs. Logs and metrics carry route
//! patterns, never addresses: those can hold access keys.

use std::time::Instant;

use actix_web::{
    Error, HttpMessage,
    body::{BodySize, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
};

use crate::{app::new_id, http::problem};

pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of the request being handled.
#[derive(Clone)]
pub struct RequestId(pub String);

pub async fn observe<B: MessageBody + 'static>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let chosen = callers_id(request.headers()).and_then(|id| id.to_str().ok());
    let id = chosen.map_or_else(new_id, str::to_owned);
    let method = request.method().to_string();
    request.extensions_mut().insert(RequestId(id.clone()));

    let response = next.call(request).await?;
    let route = response.request().match_pattern().unwrap_or_else(|| "none".to_owned());
    let mut response = problem::render(response, &id);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }

    let status = response.status().as_u16();
    let took = began.elapsed();
    let labels = [("method", method.clone()), ("route", route.clone()), ("status", status.to_string())];
    metrics::counter!("plugyard_http_requests_total", &labels).increment(1);
    metrics::histogram!("plugyard_http_request_seconds", "route" => route.clone()).record(took.as_secs_f64());
    if let BodySize::Sized(bytes) = response.response().body().size() {
        metrics::counter!("plugyard_http_sent_bytes_total").increment(bytes);
    }
    tracing::info!(request_id = %id, %method, %route, status, ms = took.as_secs_f64() * 1000.0, "request");
    Ok(response)
}

/// The id that the client has chosen, if it is a good one.
pub fn callers_id(headers: &HeaderMap) -> Option<&HeaderValue> {
    let id = headers.get(X_REQUEST_ID)?;
    let fits = (1..=64).contains(&id.len()) && id.as_bytes().iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    fits.then_some(id)
}
