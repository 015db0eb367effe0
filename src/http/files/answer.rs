//! One file as an answer, the same for all three addresses but for caching.

use std::sync::Arc;

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder,
    body::SizedStream,
    http::header::{self, CONTENT_SECURITY_POLICY, EntityTag, HttpDate, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
    web::Bytes,
};
use futures_util::{TryStreamExt, stream};

use super::conditions::{Outcome, Validators, evaluate, whole_seconds};
use crate::{
    app::serving::Served,
    domain::ReleasePath,
    error::{Error, Result},
    files,
    http::{
        middleware::{HeadRequest, TrimmedSlash},
        problem::HttpResult,
    },
};

/// A document that a plugin brings must not run scripts with the server's origin.
const SANDBOX: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:";
const SANDBOXED: [&str; 4] = ["text/html", "application/xhtml+xml", "text/xml", "image/svg+xml"];

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
    fn cache_control(self) -> &'static str {
        match self {
            Self::Shared => "public, max-age=31536000, immutable",
            Self::Private => "private, max-age=31536000, immutable",
            Self::Current => "no-cache",
            Self::Token => "private, no-cache",
        }
    }

    fn vary(self) -> &'static str {
        if self == Self::Token { "Accept-Encoding, Authorization" } else { "Accept-Encoding" }
    }
}

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

pub fn answer(request: &HttpRequest, served: Served, caching: Caching) -> HttpResult {
    let file = Validators { etag: EntityTag::new_strong(served.file.sha384.clone()), modified: served.modified, size: served.file.size };
    let outcome = evaluate(request, &file);
    match outcome {
        Outcome::PreconditionFailed => return Err(Error::PreconditionFailed { current: Some(file.etag.to_string().into()) }.into()),
        Outcome::NotSatisfiable => return Err(Error::RangeNotSatisfiable { size: file.size }.into()),
        Outcome::NotModified | Outcome::Whole | Outcome::Part(..) => {}
    }
    let mut response = match outcome {
        Outcome::NotModified => HttpResponse::NotModified(),
        Outcome::Part(..) => HttpResponse::PartialContent(),
        _ => HttpResponse::Ok(),
    };
    response
        .insert_header((header::ETAG, file.etag))
        .insert_header((header::LAST_MODIFIED, HttpDate::from(whole_seconds(file.modified))))
        .insert_header((header::CACHE_CONTROL, caching.cache_control()))
        .insert_header((header::VARY, caching.vary()))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header(("cross-origin-resource-policy", "cross-origin"));
    if matches!(caching, Caching::Private | Caching::Current) {
        // The address holds the access key.
        response.insert_header((REFERRER_POLICY, "no-referrer"));
    }
    if SANDBOXED.iter().any(|kind| served.file.content_type.starts_with(kind)) {
        response.insert_header((CONTENT_SECURITY_POLICY, SANDBOX));
    }
    let (start, length) = match outcome {
        Outcome::NotModified => return Ok(response.finish()),
        Outcome::Part(start, length) => {
            response.insert_header((header::CONTENT_RANGE, format!("bytes {start}-{}/{}", start + length - 1, file.size)));
            (start, length)
        }
        _ => (0, file.size),
    };
    response.insert_header((header::CONTENT_TYPE, served.file.content_type.as_str()));
    Ok(body(request, response, served, start, length))
}

fn body(request: &HttpRequest, mut response: HttpResponseBuilder, served: Served, start: u64, length: u64) -> HttpResponse {
    if request.extensions().contains::<HeadRequest>() {
        return response.body(SizedStream::new(length, stream::empty::<Result<Bytes>>()));
    }
    let bytes = files::read_stream(Arc::new(served.open), start, length).map_ok(Bytes::from);
    response.body(SizedStream::new(length, bytes))
}
