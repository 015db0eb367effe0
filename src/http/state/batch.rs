//! Many writes in one request.

use actix_web::{
    HttpResponse, post,
    web::{self, Bytes},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    access::StateAccess,
    body::{SeveralDocuments, typed},
    conditions::etag,
    create::end,
};
use crate::{
    app::{
        App,
        state::{self, Draft, Facts, Form, Item, ItemResult, KeyText, Outcome, Request},
    },
    domain::state::{Expected, Guard, check_device, check_schema_version},
    error::{Error, Result},
    http::{
        extract::present,
        problem::{HttpResult, status},
    },
};

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StateBatch)]
pub struct BatchBody {
    /// At most 1000.
    operations: Vec<OperationBody>,
    /// All or nothing.
    #[serde(default)]
    atomic: bool,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = StateOperationKind)]
pub enum Kind {
    Put,
    Patch,
    Delete,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StateKey)]
pub struct KeyBody {
    plugin_id: String,
    #[serde(default)]
    page_id: Option<String>,
    #[serde(default)]
    state_key: Option<String>,
}

impl From<KeyBody> for KeyText {
    fn from(key: KeyBody) -> Self {
        Self { plugin_id: key.plugin_id, page_id: key.page_id, state_key: key.state_key }
    }
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StateOperation)]
struct OperationBody {
    op: Kind,
    key: KeyBody,
    /// The entry as it is known; `*` for any.
    #[serde(default)]
    etag: Option<String>,
    /// Of `put`; or the merge patch of `patch`. `null` is a document, too.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Object>)]
    document: Option<Box<RawValue>>,
    #[serde(default)]
    device_id: Option<String>,
    #[serde(default)]
    state_schema_version: Option<String>,
    #[serde(default)]
    ttl_expires_at: Option<String>,
}

impl OperationBody {
    fn read(self) -> Result<Item> {
        let guard = match self.etag.as_deref() {
            None => Guard::default(),
            Some(tag) => matching(tag),
        };
        let facts = Facts {
            strategy: None,
            expires_at: end(self.ttl_expires_at.as_deref())?.map(Some),
            device: self.device_id.as_deref().map(check_device).transpose()?,
            schema_version: self.state_schema_version.as_deref().map(check_schema_version).transpose()?,
            active: None,
        };
        Ok(Item { key: self.key.into(), request: request(self.op, self.document, facts, guard)? })
    }
}

/// An entity tag in a body, with its quotes or without.
pub fn matching(tag: &str) -> Guard {
    let if_match = match tag {
        "*" => Expected::Any,
        tag => Expected::OneOf(tag.trim_matches('"').parse().into_iter().collect()),
    };
    Guard { if_match: Some(if_match), ..Guard::default() }
}

/// What stands there, as it stands there.
pub fn raw_text(value: Box<RawValue>) -> Bytes {
    Box::<str>::from(value).into_boxed_bytes().into()
}

pub fn request(kind: Kind, document: Option<Box<RawValue>>, facts: Facts, guard: Guard) -> Result<Request> {
    let draft = |missing: &str| match document {
        Some(document) => Ok(Draft { text: raw_text(document), facts, form: Form::Any }),
        None => Err(Error::invalid(missing, "is missing")),
    };
    Ok(match kind {
        Kind::Put => Request::Put { draft: draft("/document")?, guard },
        Kind::Patch => Request::Patch { draft: draft("/document")?, guard },
        Kind::Delete => Request::Delete { guard },
    })
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StateBatchAnswer)]
pub struct BatchAnswer {
    /// One for each operation, in their order.
    results: Vec<ResultBody>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StateOperationResult)]
struct ResultBody {
    /// As the operation alone would be answered; 424 where another one failed and all or nothing was wanted, or
    /// where the server was too busy for one before it.
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<serde_json::Value>,
}

impl From<ItemResult> for ResultBody {
    fn from(result: ItemResult) -> Self {
        match result {
            ItemResult::Done(written) => {
                let status = match written.outcome {
                    Outcome::Created => 201,
                    Outcome::Updated | Outcome::Unchanged => 200,
                    Outcome::Deleted => 204,
                };
                Self { status, etag: Some(etag(&written.entry).to_string()), code: None, detail: None, current: None }
            }
            ItemResult::NotApplied => Self { status: 424, etag: None, code: Some("not_applied"), detail: None, current: None },
            ItemResult::Failed(error) => {
                let (status, code, detail) = (status(&error).as_u16(), error.code(), error.to_string());
                let current = if let Error::PreconditionFailed { current } = error { current } else { None };
                Self { status, etag: None, code: Some(code), detail: Some(detail), current }
            }
        }
    }
}

/// Writes several entries, in their order; with `atomic` all of them or none.
#[utoipa::path(tag = "state", request_body = BatchBody, responses((status = 200, body = BatchAnswer)))]
#[post("/plugin-state/batch")]
pub async fn batch(user: StateAccess, app: web::Data<App>, body: SeveralDocuments) -> HttpResult {
    let body = typed::<BatchBody>(body.0).await?;
    let named = |(at, operation): (usize, OperationBody)| operation.read().map_err(|e| e.below(&at.to_string()).below("operations"));
    let items = body.operations.into_iter().enumerate().map(named).collect::<Result<_>>()?;
    let results = state::batch(&app, &user.access, items, body.atomic).await?;
    Ok(HttpResponse::Ok().json(BatchAnswer { results: results.into_iter().map(ResultBody::from).collect() }))
}
