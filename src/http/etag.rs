//! Strong ETags of JSON answers: a hash of the bytes sent.

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder,
    http::header::{self, EntityTag, Header, HeaderValue, IfNoneMatch},
    web::Bytes,
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// A JSON text and its tag, with the quotes.
pub struct Tagged {
    pub tag: Bytes,
    pub body: Bytes,
}

impl Tagged {
    pub fn new(body: &impl Serialize) -> Result<Self> {
        let bytes = serde_json::to_vec(body).map_err(|e| Error::storage("cannot write an answer", e))?;
        Ok(Self { tag: format!("\"{}\"", hex::encode(Sha256::digest(&bytes))).into(), body: bytes.into() })
    }

    /// The answer, or 304 when the client has these very bytes.
    pub fn answer(self, request: &HttpRequest) -> Result<HttpResponse> {
        let body = if is_known(request, &self.tag) { None } else { Some(self.body) };
        answer(self.tag, body)
    }
}

/// Whether the client has what this tag, with its quotes, stands for.
pub fn is_known(request: &HttpRequest, tag: &[u8]) -> bool {
    let is_it = |known: &EntityTag| tag.get(1..tag.len().saturating_sub(1)) == Some(known.tag().as_bytes());
    request.headers().contains_key(IfNoneMatch::name())
        && match request.get_header::<IfNoneMatch>() {
            Some(IfNoneMatch::Any) => true,
            Some(IfNoneMatch::Items(tags)) => tags.iter().any(is_it),
            None => false,
        }
}

/// The answer, or 304 when the client has these very bytes.
pub fn json(request: &HttpRequest, body: &impl Serialize) -> Result<HttpResponse> {
    Tagged::new(body)?.answer(request)
}

/// The body with its tag; without a body 304.
pub fn answer(tag: Bytes, body: Option<Bytes>) -> Result<HttpResponse> {
    let mut response = begin(tag, body.is_none())?;
    let Some(body) = body else { return Ok(response.finish()) };
    Ok(response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/json"))).body(body))
}

/// An answer that lacks nothing but its body, which 304 never has.
pub fn begin(tag: Bytes, is_known: bool) -> Result<HttpResponseBuilder> {
    let tag = HeaderValue::from_maybe_shared(tag).map_err(|e| Error::storage("a header cannot be written", e))?;
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")))
        .insert_header((header::VARY, HeaderValue::from_static("Authorization")));
    Ok(response)
}
