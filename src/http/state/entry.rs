//! One entry by its natural key: the body is the bare document, facts travel in headers.

use actix_web::{
    HttpRequest, HttpResponse, delete, get,
    http::header::{self, EntityTag, TryIntoHeaderValue},
    patch, put, web,
};
use serde::Deserialize;

use super::{
    access::StateAccess,
    body::OneDocument,
    conditions::{Conditions, is_known},
    facts::{self, FactHeaders},
    record::Record,
};
use crate::{
    app::{
        App,
        state::{self, Draft, Form, Found, KeyText, Outcome, Request, Written},
    },
    error::Error,
    http::{
        extract::Query,
        problem::{HttpResult, ProblemSchema},
    },
};

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct KeyParameters {
    /// The plugin's slug, or the id of the user's installation.
    plugin_id: String,
    /// Absent or empty: none.
    page_id: Option<String>,
    /// Absent or empty: none.
    state_key: Option<String>,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReadParameters {
    /// Fills in the defaults of the policy's schema; they are never stored.
    #[serde(default)]
    defaults: bool,
}

impl From<KeyParameters> for KeyText {
    fn from(query: KeyParameters) -> Self {
        Self { plugin_id: query.plugin_id, page_id: query.page_id, state_key: query.state_key }
    }
}

/// The key in a query that asks for nothing else.
pub fn kept_key(query: &str) -> Option<KeyText> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Alone {
        plugin_id: String,
        page_id: Option<String>,
        state_key: Option<String>,
    }
    let Alone { plugin_id, page_id, state_key } = web::Query::<Alone>::from_query(query).ok()?.into_inner();
    Some(KeyText { plugin_id, page_id, state_key })
}

/// The document, byte for byte as it is kept; facts in headers.
#[utoipa::path(
    tag = "state",
    params(KeyParameters, ReadParameters),
    responses(
        (status = 200, body = Object),
        (status = 304),
        (status = 404, description = "there is no such entry", body = ProblemSchema),
        (status = 422, description = "a parameter is not valid", body = ProblemSchema),
        (status = 500, description = "state_corrupt", body = ProblemSchema)
    )
)]
#[get("/plugin-state/entry")]
pub async fn get_entry(
    request: HttpRequest,
    user: StateAccess,
    app: web::Data<App>,
    query: Query<KeyParameters>,
    reading: Query<ReadParameters>,
) -> HttpResult {
    let key = query.0.into();
    let found = match reading.0.defaults {
        true => state::find_filled(&app, &user.access, key).await?,
        false => state::find(&app, &user.access, key).await?,
    };
    let mut answer = document(&request, &found);
    if reading.0.defaults {
        // Not byte for byte what is kept; a schema can change without the entry.
        let tag = EntityTag::new_weak(found.entry.seq.to_string()).try_into_value();
        answer.headers_mut().insert(header::ETAG, tag.map_err(|e| Error::storage("a tag cannot be written", e))?);
    }
    Ok(answer)
}

/// The bare document, or that the client has it.
pub fn document(request: &HttpRequest, found: &Found) -> HttpResponse {
    let known = is_known(request, &found.entry);
    let mut answer = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    facts::insert(&mut answer, &found.entry);
    if known { answer.finish() } else { answer.content_type("application/json").body(found.json.clone()) }
}

/// Creates or replaces the entry in one request. `If-None-Match: *` only creates, `If-Match` only replaces what is known;
/// `Prefer: return=minimal` asks for no body. Headers may name `Plugyard-Device`, `Plugyard-Expires` (a time or `never`)
/// and `Plugyard-Schema-Version`; what is not named stays.
#[utoipa::path(
    tag = "state",
    params(KeyParameters),
    request_body = Object,
    responses(
        (status = 200, description = "replaced, or so already", body = Record),
        (status = 201, description = "created", body = Record),
        (status = 204, description = "done, and no answer wanted"),
        (status = 409, description = "incompatible_version", body = ProblemSchema),
        (status = 412, description = "the entry is not as expected; `current` says how it is", body = ProblemSchema),
        (status = 428, description = "the plugin's policy wants a precondition", body = ProblemSchema),
        (status = 507, description = "quota_exceeded", body = ProblemSchema)
    )
)]
#[put("/plugin-state/entry")]
pub async fn put_entry(
    request: HttpRequest,
    user: StateAccess,
    app: web::Data<App>,
    query: Query<KeyParameters>,
    conditions: Conditions,
    facts: FactHeaders,
    body: OneDocument,
) -> HttpResult {
    let draft = Draft { text: body.0.into(), facts: facts.0, form: Form::Any };
    let written = state::write(&app, &user.access, &query.0.into(), &Request::Put { draft, guard: conditions.0 }).await?;
    Ok(answer(&request, &written))
}

/// Applies a merge patch (RFC 7396) to the document.
#[utoipa::path(
    tag = "state",
    params(KeyParameters),
    request_body = Object,
    responses(
        (status = 200, body = Record),
        (status = 204, description = "done, and no answer wanted"),
        (status = 404, description = "there is no such entry", body = ProblemSchema),
        (status = 409, description = "incompatible_version", body = ProblemSchema),
        (status = 412, description = "the entry is not as expected; `current` says how it is", body = ProblemSchema),
        (status = 428, description = "the plugin's policy wants a precondition", body = ProblemSchema),
        (status = 500, description = "state_corrupt", body = ProblemSchema),
        (status = 507, description = "quota_exceeded", body = ProblemSchema)
    )
)]
#[patch("/plugin-state/entry")]
pub async fn patch_entry(
    request: HttpRequest,
    user: StateAccess,
    app: web::Data<App>,
    query: Query<KeyParameters>,
    conditions: Conditions,
    facts: FactHeaders,
    body: OneDocument,
) -> HttpResult {
    let draft = Draft { text: body.0.into(), facts: facts.0, form: Form::Any };
    let written = state::write(&app, &user.access, &query.0.into(), &Request::Patch { draft, guard: conditions.0 }).await?;
    Ok(answer(&request, &written))
}

/// Deletes the entry. Its history stays, and brings it back.
#[utoipa::path(
    tag = "state",
    params(KeyParameters),
    responses(
        (status = 204),
        (status = 400, description = "a condition that cannot be read", body = ProblemSchema),
        (status = 404, description = "there is no such entry", body = ProblemSchema),
        (status = 412, description = "the entry is not as expected; `current` says how it is", body = ProblemSchema),
        (status = 422, description = "a parameter is not valid", body = ProblemSchema),
        (status = 428, description = "the plugin's policy wants a precondition", body = ProblemSchema)
    )
)]
#[delete("/plugin-state/entry")]
pub async fn delete_entry(user: StateAccess, app: web::Data<App>, query: Query<KeyParameters>, conditions: Conditions) -> HttpResult {
    state::write(&app, &user.access, &query.0.into(), &Request::Delete { guard: conditions.0 }).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn answer(request: &HttpRequest, written: &Written) -> HttpResponse {
    let prefer = request.headers().get_all("prefer").filter_map(|value| value.to_str().ok());
    let minimal = prefer.flat_map(|value| value.split(',')).any(|wish| wish.trim().eq_ignore_ascii_case("return=minimal"));
    let mut answer = match (minimal, written.outcome) {
        (true, _) => HttpResponse::NoContent(),
        (false, Outcome::Created) => HttpResponse::Created(),
        (false, _) => HttpResponse::Ok(),
    };
    facts::insert(&mut answer, &written.entry);
    if minimal { answer.finish() } else { answer.json(Record::facts(&written.entry)) }
}
