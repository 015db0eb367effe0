//! Errors as answers: `application/problem+json` (RFC 9457). The one place that knows which status an error has.

use actix_web::{
    HttpResponse, ResponseError,
    body::{BoxBody, MessageBody},
    dev::ServiceResponse,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::error::Error;

/// How long a client waits before it repeats a request that found us busy.
const RETRY_AFTER_BUSY: u64 = 1;

/// What handlers return; turns into a problem answer.
pub type HttpResult<T = HttpResponse> = Result<T, Problem>;

/// An error on its way out. The request's id is added where the answer leaves ([`render`]).
#[derive(Debug)]
pub struct Problem(Box<Error>);

/// Kept in the response until the outermost middleware writes the body.
#[derive(Clone)]
struct Pending(Map<String, Value>);

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self(Box::new(error))
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The status table.
pub fn status(error: &Error) -> StatusCode {
    match error {
        Error::MalformedJson(_) | Error::BadRequest(_) | Error::InstallFailed(_) => StatusCode::BAD_REQUEST,
        Error::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        Error::Forbidden(_) | Error::PublishNotAllowed(_) => StatusCode::FORBIDDEN,
        Error::NotFound(_) => StatusCode::NOT_FOUND,
        Error::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
        Error::AlreadyExists(_)
        | Error::StateExists { .. }
        | Error::VersionTaken { .. }
        | Error::Yanked { .. }
        | Error::Conflict(_)
        | Error::IncompatibleVersion(_)
        | Error::DependencyMissing { .. }
        | Error::DependencyCycle { .. }
        | Error::DependencyRequired { .. }
        | Error::Unavailable(_) => StatusCode::CONFLICT,
        Error::Gone(_) => StatusCode::GONE,
        Error::TooLarge { .. } | Error::TooMany { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Error::PreconditionFailed { .. } => StatusCode::PRECONDITION_FAILED,
        Error::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
        Error::QuotaExceeded { .. } => StatusCode::INSUFFICIENT_STORAGE,
        Error::StateCorrupt { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        Error::RangeNotSatisfiable { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
        Error::NotAcceptable(_) => StatusCode::NOT_ACCEPTABLE,
        Error::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Error::Validation { .. } | Error::InvalidPackage { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Error::SourceRefused { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Error::SourceFailed { .. } => StatusCode::BAD_GATEWAY,
        Error::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::Busy { .. } | Error::Storage { .. } | Error::Setup(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn body(error: &Error) -> Map<String, Value> {
    let status = status(error);
    let detail = match error {
        // What failed below us is for the log.
        Error::Storage { .. } | Error::Setup(_) => json!("the server's storage failed; the request had no effect"),
        // Where frontends look for it.
        Error::InstallFailed(failure) => json!({
            "message": error.to_string(),
            "details": {"plugin_slug": failure.slug, "user_id": failure.user.as_str(), "step": failure.step},
            "suggestions": failure.suggestions,
        }),
        error => json!(error.to_string()),
    };
    let mut body = members(json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "detail": detail,
        "code": error.code(),
    }));
    body.extend(members(facts(error)));
    body
}

/// The members that belong to a code.
fn facts(error: &Error) -> Value {
    match error {
        Error::TooLarge { limit, actual, .. } => json!({"limit": limit, "actual": actual}),
        Error::TooMany { limit, actual, .. } => json!({"limit": limit, "actual": actual}),
        Error::PreconditionFailed { current } => json!({"current": current}),
        Error::StateExists { current } => json!({"current": current}),
        Error::QuotaExceeded { limit, actual, .. } => json!({"limit": limit, "actual": actual}),
        Error::StateCorrupt { entry } => json!({"entry": entry}),
        Error::DependencyMissing { missing, propose, .. } => json!({"missing": missing, "propose": propose}),
        Error::DependencyCycle { cycle } => json!({"cycle": cycle}),
        Error::DependencyRequired { chain, .. } => json!({"chain": chain}),
        Error::Validation { errors } => json!({"errors": errors}),
        Error::InvalidPackage { step, errors } => json!({"step": step, "errors": errors}),
        Error::InstallFailed(failure) => {
            let mut known = members(facts(&failure.cause));
            known.extend(members(json!({"step": failure.step, "suggestions": failure.suggestions, "cause": failure.cause.code()})));
            Value::Object(known)
        }
        _ => Value::Null,
    }
}

fn members(value: Value) -> Map<String, Value> {
    if let Value::Object(members) = value { members } else { Map::new() }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        status(&self.0)
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        if let Error::Storage { .. } | Error::Setup(_) | Error::StateCorrupt { .. } = &*self.0 {
            tracing::error!(error = %self.0.chain(), "a request failed");
        }
        let mut response = HttpResponse::build(self.status_code());
        match &*self.0 {
            Error::Busy { .. } | Error::Storage { .. } => {
                response.insert_header((header::RETRY_AFTER, RETRY_AFTER_BUSY));
            }
            Error::RateLimited { retry_after_seconds } => {
                response.insert_header((header::RETRY_AFTER, *retry_after_seconds));
            }
            Error::Unauthenticated(_) => {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
            }
            Error::RangeNotSatisfiable { size } => {
                response.insert_header((header::CONTENT_RANGE, format!("bytes */{size}")));
            }
            Error::MethodNotAllowed { allow } => {
                response.insert_header((header::ALLOW, allow.as_str()));
            }
            _ => {}
        }
        let mut response = response.finish();
        response.extensions_mut().insert(Pending(body(&self.0)));
        response
    }
}

/// Writes the body of a pending problem, now that the request's id is known. Answers that the framework itself refused
/// get a problem body too.
pub fn render<B: MessageBody + 'static>(response: ServiceResponse<B>, request_id: &str) -> ServiceResponse<BoxBody> {
    let pending = response.response().extensions().get::<Pending>().cloned();
    let refused_by_framework = response.status().is_client_error()
        && response.headers().get(header::CONTENT_TYPE).is_none_or(|t| t == "text/plain; charset=utf-8");
    let mut body = match pending {
        Some(Pending(body)) => body,
        None if refused_by_framework => {
            let detail = response.status().canonical_reason().unwrap_or("the request was refused").to_owned();
            self::body(&Error::BadRequest(detail))
        }
        None => return response.map_into_boxed_body(),
    };
    body.insert("status".to_owned(), json!(response.status().as_u16()));
    body.insert("request_id".to_owned(), json!(request_id));
    let mut response = response.map_body(|_, _| BoxBody::new(Value::Object(body).to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The shape of every error answer, for the OpenAPI document.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemSchema {
    r#type: String,
    title: String,
    status: u16,
    /// A sentence; an object where a route says so.
    detail: Value,
    /// Stable; listed in docs/ERRORS.md.
    code: String,
    request_id: String,
    limit: Option<u64>,
    actual: Option<u64>,
    errors: Option<Vec<ViolationSchema>>,
    step: Option<String>,
    suggestions: Option<Vec<String>>,
    /// The code of what made an installation fail.
    cause: Option<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Violation)]
pub struct ViolationSchema {
    pointer: String,
    message: String,
}
