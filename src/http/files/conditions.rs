//! Preconditions and ranges of a GET, in the order of RFC 9110, section 13.2.2. Headers that do not parse are ignored, as
//! the RFC asks.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::{
    HttpMessage, HttpRequest,
    http::header::{self, ByteRangeSpec, EntityTag, Header, IfMatch, IfModifiedSince, IfNoneMatch, IfRange, IfUnmodifiedSince, Range},
};

use crate::http::middleware::HeadRequest;

/// What is known of the file that a request asks for.
pub struct Validators {
    pub etag: EntityTag,
    pub modified: SystemTime,
    pub size: u64,
}

/// What the client gets.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    Whole,
    /// First byte and length.
    Part(u64, u64),
    NotModified,
    PreconditionFailed,
    NotSatisfiable,
}

pub fn evaluate(request: &HttpRequest, file: &Validators) -> Outcome {
    if !precondition_holds(request, file) {
        return Outcome::PreconditionFailed;
    }
    if is_unchanged(request, file) {
        return Outcome::NotModified;
    }
    match wanted_range(request, file) {
        None => Outcome::Whole,
        Some(range) => match range.to_satisfiable_range(file.size) {
            Some((first, last)) => Outcome::Part(first, last - first + 1),
            None => Outcome::NotSatisfiable,
        },
    }
}

/// The header, if it is there and makes sense.
fn header<H: Header>(request: &HttpRequest) -> Option<H> {
    if request.headers().contains_key(H::name()) { request.get_header::<H>() } else { None }
}

fn precondition_holds(request: &HttpRequest, file: &Validators) -> bool {
    match header::<IfMatch>(request) {
        Some(IfMatch::Any) => true,
        Some(IfMatch::Items(tags)) => tags.iter().any(|tag| tag.strong_eq(&file.etag)),
        None => header::<IfUnmodifiedSince>(request).is_none_or(|since| whole_seconds(file.modified) <= whole_seconds(since.0.into())),
    }
}

fn is_unchanged(request: &HttpRequest, file: &Validators) -> bool {
    match header::<IfNoneMatch>(request) {
        Some(IfNoneMatch::Any) => true,
        Some(IfNoneMatch::Items(tags)) => tags.iter().any(|tag| tag.weak_eq(&file.etag)),
        None => header::<IfModifiedSince>(request).is_some_and(|since| whole_seconds(file.modified) <= whole_seconds(since.0.into())),
    }
}

/// One range of bytes. Several at once get the whole file, which every client must take; HEAD knows no ranges (RFC 9110,
/// section 14.2).
fn wanted_range(request: &HttpRequest, file: &Validators) -> Option<ByteRangeSpec> {
    if request.extensions().contains::<HeadRequest>() {
        return None;
    }
    let text = request.headers().get(header::RANGE)?.to_str().ok()?;
    let Ok(Range::Bytes(ranges)) = text.parse::<Range>() else { return None };
    let [range] = ranges.as_slice() else { return None };
    let same = match header::<IfRange>(request) {
        None => !request.headers().contains_key(header::IF_RANGE),
        Some(IfRange::EntityTag(tag)) => tag.strong_eq(&file.etag),
        Some(IfRange::Date(date)) => whole_seconds(date.into()) == whole_seconds(file.modified),
    };
    same.then(|| range.clone())
}

/// HTTP dates have no fractions.
pub fn whole_seconds(moment: SystemTime) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(moment.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}
