//! Bodies of the state routes: larger than others, and perhaps compressed.

use std::{future::Future, io::Read, pin::Pin};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::header::{self, ContentEncoding},
};
use serde::de::DeserializeOwned;

use crate::{
    error::{Error, Result},
    http::{
        extract::{app, parse_json, read_body},
        problem::Problem,
    },
    offload,
};

/// What stands around a document in a body with one of them, in bytes.
const AROUND: u64 = 1024 * 1024;
/// A body with several documents, in bytes.
const SEVERAL: u64 = 64 * 1024 * 1024;
const WHAT: &str = "the body";

/// JSON text with room for one document, as it is after decompression.
pub struct OneDocument(pub Vec<u8>);

/// JSON text with room for several documents.
pub struct SeveralDocuments(pub Vec<u8>);

impl FromRequest for OneDocument {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let limit = one(app(&request)?.settings.max_state_document.as_u64());
            Ok(Self(read(&request, payload, limit).await?))
        })
    }
}

impl FromRequest for SeveralDocuments {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let limit = several(app(&request)?.settings.max_state_document.as_u64());
            Ok(Self(read(&request, payload, limit).await?))
        })
    }
}

/// Bytes of a body with one document of at most this size.
pub fn one(document: u64) -> u64 {
    document.saturating_add(AROUND)
}

/// Bytes of a body with several documents.
pub fn several(document: u64) -> u64 {
    one(document).max(SEVERAL)
}

async fn read(request: &HttpRequest, payload: Payload, limit: u64) -> Result<Vec<u8>> {
    let body = read_body(request, payload, WHAT, limit).await?;
    let media_type = request.content_type().to_ascii_lowercase();
    if media_type != "application/json" && !media_type.ends_with("+json") {
        return Err(Error::UnsupportedMediaType("this needs a body of type application/json".to_owned()));
    }
    let encoding = request.headers().get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?").trim().to_ascii_lowercase());
    let encoding = match encoding.as_deref() {
        None | Some("identity") => return Ok(body.into()),
        Some("gzip") => ContentEncoding::Gzip,
        Some("zstd") => ContentEncoding::Zstd,
        Some(_) => {
            return Err(Error::UnsupportedMediaType("bodies are understood plain, or with Content-Encoding gzip or zstd".to_owned()));
        }
    };
    offload::run(move || inflate(encoding, &body, limit)).await
}

/// Never holds more than the limit, whatever the body claims to become.
fn inflate(encoding: ContentEncoding, body: &[u8], limit: u64) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    let most = limit.saturating_add(1);
    let read = match encoding {
        ContentEncoding::Gzip => flate2::read::MultiGzDecoder::new(body).take(most).read_to_end(&mut text),
        _ => zstd::stream::read::Decoder::new(body).and_then(|decoder| decoder.take(most).read_to_end(&mut text)),
    };
    read.map_err(|e| Error::BadRequest(format!("the compressed body is damaged: {e}")))?;
    match text.len() as u64 > limit {
        true => Err(Error::TooLarge { what: WHAT, limit, actual: None }),
        false => Ok(text),
    }
}

/// The text as a `T`, which must be an object.
pub async fn typed<T: DeserializeOwned + Send + 'static>(text: Vec<u8>) -> Result<T> {
    let work = move || {
        let value = parse_json::<T>(&text)?;
        match text.trim_ascii_start().starts_with(b"{") {
            true => Ok(value),
            false => Err(Error::invalid("", "this must be an object")),
        }
    };
    offload::run(work).await
}
