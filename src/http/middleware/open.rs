//! The addresses that pages of every origin load bundles from: `Access-Control-Allow-Origin: *` without credentials, on
//! every answer, so that shared caches can keep them. Modules, fonts and integrity checks need it.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue, REFERRER_POLICY, VARY},
    middleware::Next,
};

/// Addresses that hold an access key.
const OF_KEYS: &str = "/api/v1/public/";
pub static NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");

pub fn is_open(path: &str) -> bool {
    path.starts_with(OF_KEYS) || path.starts_with("/api/v1/files/")
}

pub async fn open<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let open = is_open(request.path());
    let names_key = request.path().starts_with(OF_KEYS);
    let mut response = next.call(request).await?;
    if open {
        let headers = response.headers_mut();
        headers.remove(ACCESS_CONTROL_ALLOW_CREDENTIALS);
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        // Not by origin, which the list of origins adds.
        headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    if names_key {
        response.headers_mut().insert(REFERRER_POLICY, NO_REFERRER.clone());
    }
    Ok(response)
}
