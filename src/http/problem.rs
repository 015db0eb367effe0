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
use serde_json::{Value, json};

use crate::error::Error;

/// How long a client waits before it repeats a request that found us busy.
const RETRY_AFTER_BUSY: u64 = 1;

/// What handlers return; turns into a problem answer.
pub type HttpResult<T = HttpResponse> = Result<T, Problem>;

/// An error on its way out. The request's id is added where the answer leaves ([`render`]).
#[derive(Debug)]
pub struct Problem {
    error: Error,
    /// B routes that promise an object in `detail`.
    detail: Option<Value>,
}

/// Kept in the response until the outermost middleware writes the body.
#[derive(Clone)]
struct Pending(Value);

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self { error, detail: None }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

/// The status table.
fn status(error: &Error) -> StatusCode {
    match error {
        Error::MalformedJson(_) | Error::BadRequest(_) => StatusCode::BAD_REQUEST,
        Error::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        Error::Forbidden(_) | Error::PublishNotAllowed(_) => StatusCode::FORBIDDEN,
        Error::NotFound(_) => StatusCode::NOT_FOUND,
        Error::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
        Error::AlreadyExists(_)
        | Error::VersionTaken { .. }
        | Error::Yanked { .. }
        | Error::Conflict(_)
        | Error::IncompatibleVersion(_)
        | Error::DependencyMissing { .. }
        | Error::DependencyCycle { .. }
        | Error::DependencyRequired { .. }
        | Error::Unavailable(_) => StatusCode::CONFLICT,
        Error::Gone(_) => StatusCode::GONE,
        Error::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Error::PreconditionFailed { .. } => StatusCode::PRECONDITION_FAILED,
        Error::RangeNotSatisfiable { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
        Error::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Error::Validation { .. } | Error::InvalidPackage { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Error::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::Busy { .. } | Error::Storage { .. } | Error::Setup(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

impl Problem {
    fn body(&self) -> Value {
        let status = status(&self.error);
        let detail = match (&self.detail, &self.error) {
            (Some(detail), _) => detail.clone(),
            // What failed below us is for the log.
            (None, Error::Storage { .. } | Error::Setup(_)) => json!("the server's storage failed; the request had no effect"),
            (None, error) => json!(error.to_string()),
        };
        let mut body = json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or("Error"),
            "status": status.as_u16(),
            "detail": detail,
            "code": self.error.code(),
        });
        match &self.error {
            Error::TooLarge { limit, actual, .. } => {
                body["limit"] = json!(limit);
                body["actual"] = json!(actual);
            }
            Error::PreconditionFailed { current } => body["current"] = json!(current),
            Error::DependencyMissing { missing, propose, .. } => {
                body["missing"] = json!(missing);
                body["propose"] = json!(propose);
            }
            Error::DependencyCycle { cycle } => body["cycle"] = json!(cycle),
            Error::DependencyRequired { chain, .. } => body["chain"] = json!(chain),
            Error::Validation { errors } => body["errors"] = json!(errors),
            Error::InvalidPackage { step, errors } => {
                body["step"] = json!(step);
                body["errors"] = json!(errors);
            }
            _ => {}
        }
        body
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        status(&self.error)
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        if let Error::Storage { .. } | Error::Setup(_) = &self.error {
            tracing::error!(error = %self.error.chain(), "a request failed");
        }
        let mut response = HttpResponse::build(self.status_code());
        match &self.error {
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
        response.extensions_mut().insert(Pending(self.body()));
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
            Problem { error: Error::BadRequest(detail), detail: None }.body()
        }
        None => return response.map_into_boxed_body(),
    };
    body["status"] = json!(response.status().as_u16());
    body["request_id"] = json!(request_id);
    let mut response = response.map_body(|_, _| BoxBody::new(body.to_string()));
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
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Violation)]
pub struct ViolationSchema {
    pointer: String,
    message: String,
}
