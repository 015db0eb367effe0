//! One file as an answer, the same for all three addresses but for caching.

use std::sync::Arc;

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder,
    body::SizedStream,
    http::header::{self, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, InvalidHeaderValue, X_CONTENT_TYPE_OPTIONS},
    web::Bytes,
};
use futures_util::{TryStreamExt, stream};

use super::{
    conditions::{Outcome, Validators, evaluate},
    encoding,
};
use crate::{
    app::{
        App,
        contents::{self, Content, Representation},
        serving::Served,
    },
    domain::ReleasePath,
    error::{Error, Result},
    files,
    http::{
        middleware::{HeadRequest, TrimmedSlash},
        problem::HttpResult,
    },
};

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// A document that a plugin brings must not run scripts with the server's origin.
const SANDBOX: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// Any XML may hold XHTML, and so scripts.
fn is_document(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or(content_type).trim_end();
    essence == "text/html" || essence.ends_with("/xml") || essence.ends_with("+xml")
}

/// How long and by whom an answer may be kept.
#[derive(Clone, Copy, PartialEq)]
pub enum Caching {
    /// The address names a version and is the same for all users.
    Shared,
    /// The address names a version and is one user's.
    Private,
    /// The address is one user's and follows the installed version.
    Current,
    /// The caller's token decides.
    Token,
}

impl Caching {
    fn cache_control(self) -> HeaderValue {
        static SHARED: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
        static PRIVATE: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");
        static CURRENT: HeaderValue = HeaderValue::from_static("no-cache");
        static TOKEN: HeaderValue = HeaderValue::from_static("private, no-cache");
        match self {
            Self::Shared => SHARED.clone(),
            Self::Private => PRIVATE.clone(),
            Self::Current => CURRENT.clone(),
            Self::Token => TOKEN.clone(),
        }
    }

    fn vary(self) -> HeaderValue {
        static BY_TOKEN: HeaderValue = HeaderValue::from_static("Accept-Encoding, Authorization");
        static FOR_ALL: HeaderValue = HeaderValue::from_static("Accept-Encoding");
        if self == Self::Token { BY_TOKEN.clone() } else { FOR_ALL.clone() }
    }
}

// Values of every answer, checked once by the compiler instead of for each.
static BYTES: HeaderValue = HeaderValue::from_static("bytes");
static NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
static CROSS_ORIGIN: HeaderValue = HeaderValue::from_static("cross-origin");

/// The file's path as the request wrote it: what follows the first `segments` segments of the address, not normalised.
pub fn requested_path(request: &HttpRequest, segments: usize) -> Result<ReleasePath> {
    let absent = || Error::NotFound("file".to_owned());
    if request.extensions().contains::<TrimmedSlash>() {
        return Err(absent());
    }
    // The address begins with a slash, so the first piece is empty.
    let raw = request.uri().path().splitn(segments + 2, '/').nth(segments + 1).ok_or_else(absent)?;
    ReleasePath::from_url(raw).map_err(|_| absent())
}

/// A service worker would stay in control of pages after its plugin is gone.
pub fn refuse_service_worker(request: &HttpRequest) -> Result<()> {
    match request.headers().get("service-worker").is_some_and(|value| value == "script") {
        true => Err(Error::Forbidden("plugin files cannot be service workers".to_owned())),
        false => Ok(()),
    }
}

/// Whole, a part, or only the head of a file, by what the request asks for.
pub async fn answer(app: &App, request: &HttpRequest, served: Served, caching: Caching) -> HttpResult {
    match attempt(app, request, &served, caching).await {
        // A copy is no longer what it was. Now it is known what there is.
        Err(Error::Busy { .. }) => Ok(attempt(app, request, &served, caching).await?),
        answer => Ok(answer?),
    }
}

async fn attempt(app: &App, request: &HttpRequest, served: &Served, caching: Caching) -> Result<HttpResponse> {
    let content = contents::of(app, served).await?;
    let is_head = request.extensions().contains::<HeadRequest>();
    let prepared = prepare(request, served, &content, caching, !is_head)?;
    let Prepared { mut response, chosen, part } = prepared;
    let Some((start, length)) = part else { return Ok(response.finish()) };
    if is_head {
        return Ok(response.body(SizedStream::new(length, stream::empty::<Result<Bytes>>())));
    }
    if let Some(bytes) = in_memory(chosen, start, length) {
        return Ok(response.body(bytes));
    }
    let file = contents::open(app, served, &content, chosen.coding).await?;
    let bytes = files::read_stream(Arc::new(file), start, length).map_ok(Bytes::from);
    Ok(response.body(SizedStream::new(length, bytes)))
}

/// An answer that lacks nothing but its body.
pub struct Prepared<'a> {
    pub response: HttpResponseBuilder,
    pub chosen: &'a Representation,
    /// First byte and length of what is sent; none where the answer has no body.
    pub part: Option<(u64, u64)>,
}

/// The bytes, where the form is in memory.
pub fn in_memory(chosen: &Representation, start: u64, length: u64) -> Option<Bytes> {
    let (start, end) = (usize::try_from(start).ok()?, usize::try_from(start + length).ok()?);
    chosen.memory.as_ref().filter(|bytes| end <= bytes.len()).map(|bytes| bytes.slice(start..end))
}

/// Chooses the form, evaluates the conditions and writes the head.
pub fn prepare<'a>(
    request: &impl HttpMessage,
    served: &Served,
    content: &'a Content,
    caching: Caching,
    wants_range: bool,
) -> Result<Prepared<'a>> {
    let chosen = encoding::choose(request.headers(), content)
        .ok_or_else(|| Error::NotAcceptable("the file is there in none of the encodings asked for".to_owned()))?;
    let outcome = evaluate(request, Validators { content, chosen, modified: served.release.modified }, wants_range);
    let (mut response, told, part) = match outcome {
        Outcome::PreconditionFailed => {
            return Err(Error::PreconditionFailed { current: Some(String::from_utf8_lossy(&chosen.tag).into()) });
        }
        Outcome::NotSatisfiable => return Err(Error::RangeNotSatisfiable { size: chosen.size }),
        Outcome::NotModified(known) => (HttpResponse::NotModified(), known, None),
        Outcome::Part(start, length) => {
            let mut response = HttpResponse::PartialContent();
            response.insert_header((header::CONTENT_RANGE, format!("bytes {start}-{}/{}", start + length - 1, chosen.size)));
            (response, chosen, Some((start, length)))
        }
        Outcome::Whole => (HttpResponse::Ok(), chosen, Some((0, chosen.size))),
    };
    response
        .insert_header((header::ETAG, ready(&told.tag)?))
        .insert_header((header::LAST_MODIFIED, ready(&served.release.last_modified)?))
        .insert_header((header::CACHE_CONTROL, caching.cache_control()))
        .insert_header((header::VARY, caching.vary()))
        .insert_header((header::ACCEPT_RANGES, BYTES.clone()))
        .insert_header((X_CONTENT_TYPE_OPTIONS, NOSNIFF.clone()))
        .insert_header((CROSS_ORIGIN_RESOURCE_POLICY, CROSS_ORIGIN.clone()));
    if is_document(&served.file.file.content_type) {
        response.insert_header((CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX)));
    }
    if part.is_some() {
        response.insert_header((header::CONTENT_TYPE, ready(&served.file.content_type)?));
        if let Some(coding) = chosen.coding {
            response.insert_header((header::CONTENT_ENCODING, HeaderValue::from_static(coding.as_str())));
        }
    }
    Ok(Prepared { response, chosen, part })
}

/// A value that was written before, shared instead of copied.
fn ready(value: &Bytes) -> Result<HeaderValue> {
    HeaderValue::from_maybe_shared(value.clone()).map_err(|e: InvalidHeaderValue| Error::storage("a header cannot be written", e))
}
