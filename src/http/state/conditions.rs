//! Entity tags of entries, and the conditions that requests make with them.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::header::{EntityTag, Header, IfNoneMatch},
};

use crate::{
    app::plugins,
    domain::state::{Entry, Expected, Guard},
    error::{Error, Result},
    http::{if_match::IfMatch, problem::Problem},
};

pub fn etag(entry: &Entry) -> EntityTag {
    EntityTag::new_strong(entry.seq.to_string())
}

/// Whether the client has the entry as it is.
pub fn is_known(request: &HttpRequest, entry: &Entry) -> bool {
    request.headers().contains_key(IfNoneMatch::name())
        && match request.get_header::<IfNoneMatch>() {
            Some(IfNoneMatch::Any) => true,
            Some(IfNoneMatch::Items(tags)) => tags.iter().any(|tag| tag.weak_eq(&etag(entry))),
            None => false,
        }
}

/// `If-Match`, and `If-None-Match: *` for only creating.
pub struct Conditions(pub Guard);

impl FromRequest for Conditions {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let if_match = IfMatch::from_request(request, payload).into_inner();
        ready(if_match.and_then(|if_match| Ok(Self(guard(request, if_match)?))))
    }
}

fn guard(request: &HttpRequest, if_match: IfMatch) -> Result<Guard> {
    let if_match = if_match.0.map(|expected| match expected {
        plugins::Expected::Any => Expected::Any,
        // What is no number is no tag of ours, and matches nothing.
        plugins::Expected::OneOf(tags) => Expected::OneOf(tags.iter().filter_map(|tag| tag.parse().ok()).collect()),
    });
    let only_create = match request.headers().contains_key(IfNoneMatch::name()) {
        false => false,
        true => match request.get_header::<IfNoneMatch>() {
            Some(IfNoneMatch::Any) => true,
            _ => return Err(Error::BadRequest("a write understands If-None-Match only as `*`".to_owned())),
        },
    };
    Ok(Guard { if_match, only_create, waived: false })
}
