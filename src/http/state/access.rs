//! Whose state a route works on: the caller's own, or under `/users/{user_id}/` that of the user named there, for
//! administrators; as far as the token's scopes reach.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header};

use crate::{
    app::{access::other_user, state::Access},
    domain::{Caller, UserId},
    error::{Error, Result},
    http::{extract::app, middleware, problem::Problem},
};

/// More of a user agent than this says nothing, in bytes.
const MAX_USER_AGENT: usize = 200;

pub struct StateAccess {
    pub caller: Caller,
    pub access: Access,
}

impl FromRequest for StateAccess {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // Not in the future: the handler's other extractors must not answer first.
        let for_another = request.match_info().get("user_id").is_some();
        let caller = middleware::caller(request).and_then(|caller| {
            if for_another {
                caller.require_admin()?;
            }
            Ok(caller)
        });
        let request = request.clone();
        Box::pin(async move {
            let caller = caller?;
            let access = Access::new(&caller, owner(&request, &caller).await?, user_agent(&request))?;
            Ok(Self { caller, access })
        })
    }
}

/// The user whose state it is.
pub async fn owner(request: &HttpRequest, caller: &Caller) -> Result<UserId> {
    match request.match_info().get("user_id") {
        None => Ok(caller.user.clone()),
        Some(id) => other_user(&*app(request)?, caller, id).await,
    }
}

fn user_agent(request: &HttpRequest) -> Option<String> {
    let text = request.headers().get(header::USER_AGENT)?.to_str().ok()?;
    Some(text.get(..MAX_USER_AGENT).unwrap_or(text).to_owned())
}

/// The id of an entry in an address. What cannot be one is the id of none.
pub fn entry_id(segment: &str) -> Result<&str> {
    match segment.chars().any(char::is_control) {
        true => Err(Error::NotFound("state".to_owned())),
        false => Ok(segment),
    }
}

#[derive(serde::Deserialize)]
pub struct EntrySegment {
    pub id: String,
}
