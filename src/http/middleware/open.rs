//! The addresses that pages of every origin load bundles from: `Access-Control-Allow-Origin: *` without credentials, on
//! every answer, so that shared caches can keep them. Modules, fonts and integrity checks need it.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue, VARY},
    middleware::Next,
};

pub fn is_open(path: &str) -> bool {
    path.starts_with("/api/v1/public/") || path.starts_with("/api/v1/files/")
}

pub async fn open<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    let open = is_open(request.path());
    let mut response = next.call(request).await?;
    if open {
        let headers = response.headers_mut();
        headers.remove(ACCESS_CONTROL_ALLOW_CREDENTIALS);
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        // Not by origin, which the list of origins adds.
        headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    Ok(response)
}
