//! What handlers receive: the caller with the right that the route needs, bodies and queries in typed form. What these
//! types cannot express is a rule and belongs to `app`.

use std::{
    future::Future,
    future::{Ready, ready},
    marker::PhantomData,
    pin::Pin,
    str::FromStr,
    sync::Arc,
};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::header,
    web::{BytesMut, Data},
};
use futures_util::StreamExt;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::{Map, Value};

use super::{
    middleware::{self, RequestId},
    problem::Problem,
};
use crate::{
    app::{App, access},
    domain::{Caller, Scope, UserId, json::PlainValue},
    error::{Error, Result},
};

type Extracting<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

pub fn app(request: &HttpRequest) -> Result<Arc<App>> {
    let data = request.app_data::<Data<App>>().ok_or_else(|| Error::damaged("the server was built without its state"))?;
    Ok(Arc::clone(data))
}

/// A right that a route needs.
pub trait Right: 'static {
    fn check(caller: &Caller) -> Result<()>;
}

macro_rules! rights {
    ($($(#[$doc:meta])* $name:ident = $check:expr;)*) => {$(
        $(#[$doc])*
        pub struct $name;
        impl Right for $name {
            fn check(caller: &Caller) -> Result<()> {
                let check: fn(&Caller) -> Result<()> = $check;
                check(caller)
            }
        }
    )*};
}

rights! {
    /// Any valid credential.
    Any = |_| Ok(());
    /// GET outside the state routes.
    Read = |caller| caller.require(&Scope::Read);
    /// Writes under `/plugins`.
    Install = |caller| caller.require(&Scope::Install);
    /// Writes under `/releases`.
    Publish = |caller| caller.require(&Scope::Publish);
    /// Both at once: installing what one brings along.
    InstallAndPublish = |caller| caller.require(&Scope::Install).and_then(|()| caller.require(&Scope::Publish));
    /// An administrator.
    Admin = Caller::require_admin;
}

/// The authenticated caller, holding the right.
pub struct Authorized<R: Right> {
    pub caller: Caller,
    right: PhantomData<R>,
}

pub type CurrentUser = Authorized<Any>;
pub type AdminUser = Authorized<Admin>;

/// The caller, if they hold the right. Not async: the handler's other extractors must not answer first.
fn authorized<R: Right>(request: &HttpRequest) -> Result<Caller> {
    let caller = middleware::caller(request)?;
    R::check(&caller)?;
    Ok(caller)
}

impl<R: Right> FromRequest for Authorized<R> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(authorized::<R>(request).map(|caller| Self { caller, right: PhantomData }).map_err(Problem::from))
    }
}

/// The request's id, for the audit log.
pub fn request_id(request: &HttpRequest) -> Option<String> {
    request.extensions().get::<RequestId>().map(|id| id.0.clone())
}

/// Whose plugins a route works on: the caller's own, or under `/users/{user_id}/` those of the user named there, for
/// administrators.
pub struct Subject<R: Right> {
    pub caller: Caller,
    pub user: UserId,
    right: PhantomData<R>,
}

impl<R: Right> FromRequest for Subject<R> {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let for_another = request.match_info().get("user_id").is_some();
        let caller = authorized::<R>(request).and_then(|caller| {
            if for_another {
                caller.require_admin()?;
            }
            Ok(caller)
        });
        let request = request.clone();
        Box::pin(async move {
            let caller = caller?;
            let user = match request.match_info().get("user_id") {
                None => caller.user.clone(),
                Some(id) => access::other_user(&*app(&request)?, &caller, id).await?,
            };
            Ok(Self { caller, user, right: PhantomData })
        })
    }
}

/// A path segment that names something: what breaks the rules of names cannot exist, so it is absent rather than invalid.
pub fn known<T: FromStr<Err = Error>>(segment: &str) -> Result<T> {
    segment.parse().map_err(|_| Error::NotFound("address".to_owned()))
}

/// A JSON body, at most `max_json` bytes. 415 for another media type, 400 when it is not JSON, 422 when it is not a `T`.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let body = read_json(&request, payload).await?;
            Ok(Self(json_of(&request, &body)?))
        })
    }
}

/// As [`Json`], where the body may be left out.
pub struct OptionalJson<T>(pub Option<T>);

impl<T: DeserializeOwned + 'static> FromRequest for OptionalJson<T> {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let body = read_json(&request, payload).await?;
            Ok(Self(if body.is_empty() { None } else { Some(json_of(&request, &body)?) }))
        })
    }
}

async fn read_json(request: &HttpRequest, payload: Payload) -> Result<BytesMut> {
    let limit = app(request)?.settings.max_json.as_u64();
    read_body(request, payload, "the JSON body", limit).await
}

fn json_of<T: DeserializeOwned>(request: &HttpRequest, body: &[u8]) -> Result<T> {
    let is_json = |text: &str| text == "application/json" || text.ends_with("+json");
    if !is_json(&request.content_type().to_ascii_lowercase()) {
        return Err(Error::UnsupportedMediaType("this needs a body of type application/json".to_owned()));
    }
    // serde takes a list for a struct, by position; no caller means that.
    if body.trim_ascii_start().starts_with(b"[") {
        parse_json::<IgnoredAny>(body)?;
        return Err(Error::invalid("", "this must be an object"));
    }
    parse_json(body)
}

/// For members that may be absent but are not null unless `T` says so.
pub fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Reads the whole body; refuses one above `limit` bytes without reading it to its end.
pub async fn read_body(request: &HttpRequest, mut payload: Payload, what: &'static str, limit: u64) -> Result<BytesMut> {
    let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
    if let Some(actual) = declared.filter(|actual| *actual > limit) {
        return Err(Error::TooLarge { what, limit, actual: Some(actual) });
    }
    // What is announced is below the limit, and memory is only taken once it is filled.
    let mut body = BytesMut::with_capacity(declared.and_then(|size| usize::try_from(size).ok()).unwrap_or_default());
    while let Some(chunk) = payload.next().await {
        body.extend_from_slice(&chunk.map_err(|e| Error::BadRequest(format!("the body ended early: {e}")))?);
        if body.len() as u64 > limit {
            return Err(Error::TooLarge { what, limit, actual: None });
        }
    }
    Ok(body)
}

/// JSON text to a value: malformed text and wrong types are different errors, the latter with a pointer.
pub fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let text = std::str::from_utf8(body).map_err(|e| Error::MalformedJson(e.to_string()))?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|e| match e.inner().classify() {
        // Syntax comes first, wherever the wrong type was met.
        serde_json::error::Category::Data => match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) => Error::invalid(pointer(e.path()), strip_position(&e.inner().to_string())),
            Err(e) => Error::MalformedJson(e.to_string()),
        },
        // Where one of several words is expected, serde_json takes anything but a text for malformed.
        _ if serde_json::from_str::<IgnoredAny>(text).is_ok() => Error::invalid(pointer(e.path()), "this is not one of the values allowed"),
        _ => Error::MalformedJson(e.inner().to_string()),
    })?;
    deserializer.end().map_err(|e| Error::MalformedJson(e.to_string()))?;
    Ok(value)
}

/// A JSON pointer (RFC 6901) to where deserialisation failed.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(format!("/{index}")),
            Segment::Map { key } => Some(format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

/// Line and column say nothing that the pointer does not.
fn strip_position(message: &str) -> String {
    message.split(" at line ").next().unwrap_or(message).to_owned()
}

/// The query string as a typed struct; wrong values are 422 with the parameter's name where serde tells it.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Query<T> {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // Else every byte that is no text would be the same sign in its place.
        let is_text = |pair: &&str| percent_encoding::percent_decode_str(pair).decode_utf8().is_ok();
        let parsed = match request.query_string().split('&').find(|pair| !is_text(pair)) {
            None => actix_web::web::Query::<T>::from_query(request.query_string()).map_err(|e| Error::invalid("query", e.to_string())),
            Some(pair) => Err(Error::invalid(pair.split('=').next().unwrap_or_default(), "is not UTF-8")),
        };
        std::future::ready(parsed.map(|query| Self(query.into_inner())).map_err(Problem::from))
    }
}

/// Path segments by name, so that the same handler works with and without `/users/{user_id}` before it.
#[derive(Deserialize)]
pub struct SlugSegment {
    pub slug: String,
}

#[derive(Deserialize)]
pub struct PluginSegment {
    pub plugin: String,
}

#[derive(Deserialize)]
pub struct ModuleSegments {
    pub plugin: String,
    pub module: String,
}

/// Whether plugins that need this one are taken along.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Cascade {
    /// Takes plugins that need this one along, instead of refusing.
    #[serde(default)]
    pub cascade: bool,
}

/// A member that is checked on its own, because the object around it may hold anything else.
pub fn typed<T: DeserializeOwned>(pointer: &str, value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(|e| Error::invalid(pointer, e.to_string()))
}

/// A body that is a JSON object of anything, read so that no text has a meaning beyond JSON.
pub struct JsonObject(pub Map<String, Value>);

impl FromRequest for JsonObject {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = Json::<PlainValue>::from_request(request, payload);
        Box::pin(async move {
            match body.await?.0.0 {
                Value::Object(members) => Ok(Self(members)),
                _ => Err(Error::invalid("", "must be a JSON object").into()),
            }
        })
    }
}
