//! Who asks, found out before any handler's extractors run: those are polled together, and a body that cannot be read
//! must not answer somebody without a token.

use actix_web::{
    Error as ActixError, HttpMessage, HttpRequest,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header,
    middleware::Next,
};

use super::is_open;
use crate::{
    app::access,
    domain::Caller,
    error::{Error, Result},
    http::extract::{app, request_id},
};

/// What the request's token says. Taken by the extractor that the handler names.
struct Authenticated(Result<Caller>);

pub async fn authenticate<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, ActixError> {
    // Open addresses are capabilities themselves; a token there costs nothing.
    if request.headers().contains_key(header::AUTHORIZATION) && !is_open(request.path()) {
        let found = bearer(request.request()).await;
        request.extensions_mut().insert(Authenticated(found));
    }
    next.call(request).await
}

async fn bearer(request: &HttpRequest) -> Result<Caller> {
    access::authenticate(&*app(request)?, bearer_token(request)?, request_id(request)).await
}

pub fn bearer_token(request: &HttpRequest) -> Result<&str> {
    let text = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (scheme, token) =
        text.and_then(|text| text.split_once(' ')).ok_or_else(|| refuse("the Authorization header is not `Bearer <token>`"))?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(refuse("only bearer tokens are understood"));
    }
    Ok(token.trim())
}

/// The caller of an authenticated request.
pub fn caller(request: &HttpRequest) -> Result<Caller> {
    let found = request.extensions_mut().remove::<Authenticated>();
    found.map_or_else(|| Err(refuse("this needs a bearer token")), |Authenticated(found)| found)
}

fn refuse(why: &str) -> Error {
    Error::Unauthenticated(why.to_owned())
}
