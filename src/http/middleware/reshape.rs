//! Before routing: HEAD is answered by the GET routes, and API routes answer with and without a trailing slash.

use actix_web::{
    Error, HttpMessage,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, Uri, uri::PathAndQuery},
    middleware::Next,
};

/// The API page, whose own addresses are relative to a folder.
const PAGE: &str = "/api/docs";

/// Left on requests that asked for the head alone, so that nobody reads a file for nothing.
pub struct HeadRequest;

/// Left on requests whose address ended in a slash. File routes refuse them: file paths are never normalised.
pub struct TrimmedSlash;

pub async fn reshape<B: MessageBody>(mut request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    if request.method() == Method::HEAD {
        // The connection remembers that it must not send a body.
        request.head_mut().method = Method::GET;
        request.extensions_mut().insert(HeadRequest);
    }
    if let Some(trimmed) = without_trailing_slash(request.uri())
        && !request.path().starts_with(PAGE)
    {
        request.match_info_mut().get_mut().update(&trimmed);
        request.head_mut().uri = trimmed;
        request.extensions_mut().insert(TrimmedSlash);
    }
    next.call(request).await
}

/// One slash, not more: `//` never stands for `/`.
fn without_trailing_slash(uri: &Uri) -> Option<Uri> {
    let path = uri.path().strip_suffix('/').filter(|path| !path.is_empty() && !path.ends_with('/'))?;
    let shorter = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(shorter).ok()?);
    Uri::from_parts(parts).ok()
}
