//! Preconditions and ranges of a GET, in the order of RFC 9110, section 13.2.2. Headers that do not parse are ignored, as
//! the RFC asks.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::{
    HttpMessage,
    http::header::{self, ByteRangeSpec, EntityTag, Header, IfMatch, IfModifiedSince, IfNoneMatch, IfRange, IfUnmodifiedSince, Range},
};

use crate::{
    app::{contents::Content, contents::Representation},
    domain::Timestamp,
};

/// What is known of the file that a request asks for.
#[derive(Clone, Copy)]
pub struct Validators<'a> {
    pub content: &'a Content,
    /// The form that would be sent.
    pub chosen: &'a Representation,
    /// In whole seconds.
    pub modified: Timestamp,
}

/// What the client gets.
#[derive(Debug)]
pub enum Outcome<'a> {
    Whole,
    /// First byte and length.
    Part(u64, u64),
    /// The form that the client has.
    NotModified(&'a Representation),
    PreconditionFailed,
    NotSatisfiable,
}

/// `wants_range`: HEAD knows no ranges (RFC 9110, section 14.2).
pub fn evaluate<'a>(request: &impl HttpMessage, file: Validators<'a>, wants_range: bool) -> Outcome<'a> {
    if !precondition_holds(request, file) {
        return Outcome::PreconditionFailed;
    }
    if let Some(unchanged) = unchanged(request, file) {
        return Outcome::NotModified(unchanged);
    }
    match wanted_range(request, file).filter(|_| wants_range) {
        None => Outcome::Whole,
        Some(range) => match range.to_satisfiable_range(file.chosen.size) {
            Some((first, last)) => Outcome::Part(first, last - first + 1),
            None => Outcome::NotSatisfiable,
        },
    }
}

/// The header, if it is there and makes sense.
fn header<H: Header>(request: &impl HttpMessage) -> Option<H> {
    if request.headers().contains_key(H::name()) { request.get_header::<H>() } else { None }
}

fn is_tag_of(tag: &EntityTag, one: &Representation) -> bool {
    one.tag.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) == Some(tag.tag().as_bytes())
}

fn is_strong_tag_of(tag: &EntityTag, one: &Representation) -> bool {
    !tag.weak && is_tag_of(tag, one)
}

fn precondition_holds(request: &impl HttpMessage, file: Validators<'_>) -> bool {
    match header::<IfMatch>(request) {
        Some(IfMatch::Any) => true,
        Some(IfMatch::Items(tags)) => tags.iter().any(|tag| is_strong_tag_of(tag, file.chosen)),
        None => header::<IfUnmodifiedSince>(request).is_none_or(|since| file.modified.seconds() <= seconds(since.0.into())),
    }
}

/// The form that the client has already: any one will do, but it is told of its own.
fn unchanged<'a>(request: &impl HttpMessage, file: Validators<'a>) -> Option<&'a Representation> {
    // Nearly every client sends the one tag that it was given: no need to take a list apart.
    if request.headers().get(header::IF_NONE_MATCH).is_some_and(|tags| tags.as_bytes() == file.chosen.tag) {
        return Some(file.chosen);
    }
    match header::<IfNoneMatch>(request) {
        Some(IfNoneMatch::Any) => Some(file.chosen),
        Some(IfNoneMatch::Items(tags)) => {
            let is_named = |one: &&Representation| tags.iter().any(|tag| is_tag_of(tag, one));
            [file.chosen, &file.content.plain].into_iter().chain(&file.content.encoded).find(is_named)
        }
        None => {
            let is_old = header::<IfModifiedSince>(request).is_some_and(|since| file.modified.seconds() <= seconds(since.0.into()));
            is_old.then_some(file.chosen)
        }
    }
}

/// One range of bytes. Several at once get the whole file, which every client must take.
fn wanted_range(request: &impl HttpMessage, file: Validators<'_>) -> Option<ByteRangeSpec> {
    let text = request.headers().get(header::RANGE)?.to_str().ok()?;
    let Ok(Range::Bytes(ranges)) = text.parse::<Range>() else { return None };
    let [range] = ranges.as_slice() else { return None };
    let same = match header::<IfRange>(request) {
        None => !request.headers().contains_key(header::IF_RANGE),
        Some(IfRange::EntityTag(tag)) => is_strong_tag_of(&tag, file.chosen),
        Some(IfRange::Date(date)) => seconds(date.into()) == file.modified.seconds(),
    };
    same.then(|| range.clone())
}

fn seconds(moment: SystemTime) -> i64 {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
