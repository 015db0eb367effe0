//! Strong ETags of JSON answers: a hash of the bytes sent.

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    http::header::{self, EntityTag, Header, IfNoneMatch},
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// The answer, or 304 when the client has these very bytes.
pub fn json(request: &HttpRequest, body: &impl Serialize) -> Result<HttpResponse> {
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
        .insert_header((header::ETAG, etag))
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        .insert_header((header::VARY, "Authorization"));
    Ok(if unchanged { response.finish() } else { response.content_type("application/json").body(bytes) })
}
