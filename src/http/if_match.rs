//! `If-Match`: the caller writes only if the object is as they know it.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::header::{self, Header},
};

use super::problem::Problem;
use crate::{
    app::plugins::Expected,
    error::{Error, Result},
};

/// None without the header. One that cannot be read is refused: ignoring it would write over somebody's change.
pub struct IfMatch(pub Option<Expected>);

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request).map(Self).map_err(Problem::from))
    }
}

fn parse(request: &HttpRequest) -> Result<Option<Expected>> {
    if !request.headers().contains_key(header::IfMatch::name()) {
        return Ok(None);
    }
    match request.get_header::<header::IfMatch>() {
        Some(header::IfMatch::Any) => Ok(Some(Expected::Any)),
        Some(header::IfMatch::Items(tags)) if !tags.is_empty() => {
            // Weak tags never match here (RFC 9110, section 13.1.1).
            Ok(Some(Expected::OneOf(tags.into_iter().filter(|tag| !tag.weak).map(|tag| tag.tag().to_owned()).collect())))
        }
        _ => Err(Error::BadRequest("If-Match holds no entity tags".to_owned())),
    }
}
