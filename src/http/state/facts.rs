//! What travels in headers where the body is the bare document.

use std::{
    future::{Ready, ready},
    time::{Duration, SystemTime},
};

use actix_web::{
    FromRequest, HttpRequest, HttpResponseBuilder,
    dev::Payload,
    http::header::{self, HeaderValue, HttpDate},
};

use super::conditions::etag;
use crate::{
    app::state::Facts,
    domain::{
        Timestamp,
        state::{Entry, check_device, check_schema_version},
    },
    error::{Error, Result},
    http::problem::Problem,
};

const VERSION: &str = "plugyard-version";
const SEQ: &str = "plugyard-seq";
const SCHEMA_VERSION: &str = "plugyard-schema-version";
const PLUGIN_VERSION: &str = "plugyard-plugin-version";
const EXPIRES: &str = "plugyard-expires";
const DEVICE: &str = "plugyard-device";

/// Of answers.
pub const ANSWER_HEADERS: [&str; 6] = [VERSION, SEQ, SCHEMA_VERSION, PLUGIN_VERSION, EXPIRES, DEVICE];

pub fn insert(answer: &mut HttpResponseBuilder, entry: &Entry) {
    answer
        .insert_header((header::ETAG, etag(entry)))
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        .insert_header((header::VARY, "Authorization"))
        .insert_header((header::LAST_MODIFIED, http_date(entry.updated_at)))
        .insert_header((VERSION, entry.version))
        .insert_header((SEQ, entry.seq));
    let texts = [
        (SCHEMA_VERSION, entry.schema_version.clone()),
        (PLUGIN_VERSION, entry.plugin_version.clone()),
        (EXPIRES, entry.expires_at.map(|end| end.to_string())),
        (DEVICE, entry.device.clone()),
    ];
    for (name, text) in texts {
        // UTF-8 beyond ASCII is sent as it is.
        if let Some(Ok(value)) = text.map(|text| HeaderValue::from_bytes(text.as_bytes())) {
            answer.insert_header((name, value));
        }
    }
}

fn http_date(at: Timestamp) -> HttpDate {
    let seconds = u64::try_from(at.seconds()).unwrap_or_default();
    HttpDate::from(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

/// The facts that a request's headers name: `Plugyard-Device`, `Plugyard-Schema-Version`, and `Plugyard-Expires`, a time
/// or `never`.
pub struct FactHeaders(pub Facts);

impl FromRequest for FactHeaders {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(facts(request).map(Self).map_err(Problem::from))
    }
}

fn facts(request: &HttpRequest) -> Result<Facts> {
    let expires_at = match text(request, EXPIRES)? {
        None => None,
        Some("never") => Some(None),
        Some(text) => Some(Some(Timestamp::parse_lenient(text).map_err(|_| Error::invalid(EXPIRES, "is neither a time nor `never`"))?)),
    };
    Ok(Facts {
        strategy: None,
        expires_at,
        device: text(request, DEVICE)?.map(check_device).transpose()?,
        schema_version: text(request, SCHEMA_VERSION)?.map(check_schema_version).transpose()?,
        active: None,
    })
}

fn text<'a>(request: &'a HttpRequest, name: &str) -> Result<Option<&'a str>> {
    let value = request.headers().get(name).map(|value| std::str::from_utf8(value.as_bytes()));
    value.transpose().map_err(|_| Error::invalid(name, "is not UTF-8"))
}
