//! Strong ETags of JSON answers: a hash of the bytes sent.

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    http::header::{self, EntityTag, Header, HeaderValue, IfNoneMatch},
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

const CACHING: &str = "private, no-cache";

/// The answer, or 304 when the client has these very bytes.
pub fn json(request: &HttpRequest, body: &impl Serialize) -> Result<HttpResponse> {
    tagged_json(request, body).map(|(response, _)| response)
}

/// 304 for a tag that the client has named.
pub fn unchanged(tag: HeaderValue) -> HttpResponse {
    HttpResponse::NotModified()
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static(CACHING)))
        .insert_header((header::VARY, HeaderValue::from_static("Authorization")))
        .finish()
}

/// As [`json`], with the tag that it has.
pub fn tagged_json(request: &HttpRequest, body: &impl Serialize) -> Result<(HttpResponse, EntityTag)> {
    let bytes = serde_json::to_vec(body).map_err(|e| Error::storage("cannot write an answer", e))?;
    let etag = EntityTag::new_strong(hex::encode(Sha256::digest(&bytes)));
    let unchanged = request.headers().contains_key(IfNoneMatch::name())
        && match request.get_header::<IfNoneMatch>() {
            Some(IfNoneMatch::Any) => true,
            Some(IfNoneMatch::Items(tags)) => tags.iter().any(|tag| tag.weak_eq(&etag)),
            None => false,
        };
    let mut response = if unchanged { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::ETAG, etag.clone()))
        .insert_header((header::CACHE_CONTROL, CACHING))
        .insert_header((header::VARY, "Authorization"));
    let response = if unchanged { response.finish() } else { response.content_type("application/json").body(bytes) };
    Ok((response, etag))
}
