//! What a device did while it was away, and what happened here meanwhile, in one round trip.

use actix_web::{HttpResponse, post, web};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use super::{
    access::StateAccess,
    batch::{KeyBody, Kind, matching, request},
    body::{SeveralDocuments, typed},
    changes::{Change, ChangesAnswer},
};
use crate::{
    app::{
        App,
        state::{self, Applied, Facts, Mutation, OnConflict},
    },
    domain::state::{Guard, check_device, check_name},
    error::{Error, Result},
    http::{
        extract::present,
        problem::{HttpResult, ProblemSchema, status},
    },
};

/// Changes in one answer.
const CHANGES: usize = 1000;

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StateMutations)]
pub struct MutationsBody {
    device_id: String,
    /// Where the device has come to; null or absent: the beginning.
    #[serde(default)]
    cursor: Option<String>,
    /// At most 1000.
    mutations: Vec<MutationBody>,
}

#[derive(Clone, Copy, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = StateOnConflict)]
enum OnConflictBody {
    #[default]
    Fail,
    Local,
    Remote,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StateMutation)]
struct MutationBody {
    /// Chosen by the device; one that was applied is not applied again.
    id: String,
    op: Kind,
    key: KeyBody,
    /// The entry as the device knew it; null or absent: there was none. A patch or deletion without it goes for whatever is there.
    #[serde(default)]
    base_etag: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Object>)]
    document: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Object>)]
    patch: Option<Box<RawValue>>,
    /// `fail` (the default) refuses, `local` applies all the same, `remote` drops the mutation.
    #[serde(default)]
    on_conflict: OnConflictBody,
}

impl MutationBody {
    fn read(self, device: &str) -> Result<Mutation> {
        let id = check_name("id", &self.id)?;
        if id.is_empty() {
            return Err(Error::invalid("/id", "must not be empty"));
        }
        let on_conflict = match self.on_conflict {
            OnConflictBody::Fail => OnConflict::Fail,
            OnConflictBody::Local => OnConflict::Local,
            OnConflictBody::Remote => OnConflict::Remote,
        };
        let guard = match (on_conflict, self.base_etag.as_deref(), &self.op) {
            // It says what it replaces, and goes on all the same.
            (OnConflict::Local, Some(_), _) | (OnConflict::Local, None, Kind::Put) => Guard::unconditional(),
            (_, Some(tag), _) => matching(tag),
            (_, None, Kind::Put) => Guard::creating(),
            (_, None, Kind::Patch | Kind::Delete) => Guard::default(),
        };
        let text = if matches!(self.op, Kind::Patch) { self.patch.or(self.document) } else { self.document };
        let facts = Facts { device: Some(device.to_owned()), ..Facts::default() };
        Ok(Mutation { id, key: self.key.into(), request: request(self.op, text, facts, guard)?, on_conflict })
    }
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StateMutationsAnswer)]
pub struct MutationsAnswer {
    /// One for each mutation, in their order.
    results: Vec<ResultBody>,
    changes: Vec<Change>,
    /// Send it as `cursor` next time.
    cursor: String,
    has_more: bool,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StateMutationResult)]
struct ResultBody {
    id: String,
    /// 200 when it counts as done, else what the write alone would be answered.
    status: u16,
    /// `created`, `updated`, `unchanged`, `deleted`, or `remote` where it was dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Value>,
    /// Whether it was applied by an earlier request.
    replayed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// How the entry is, where it was not as expected; without its document when the mutation was applied by an earlier request.
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<Value>,
}

impl ResultBody {
    fn new(id: String, applied: Applied) -> Result<Self> {
        let done =
            Self { id, status: 200, outcome: None, replayed: false, etag: None, version: None, code: None, detail: None, current: None };
        match applied {
            Applied::Result { mut result, replayed } => {
                let mut take = |name: &str| result.get_mut(name).map(Value::take);
                let (outcome, etag, version, current) = (take("outcome"), take("etag"), take("version"), take("current"));
                Ok(Self { outcome, replayed, etag, version, current, ..done })
            }
            Applied::Failed(error @ (Error::Storage { .. } | Error::Setup(_))) => Err(error),
            Applied::Failed(error) => {
                let (status, code, detail) = (status(&error).as_u16(), Some(error.code()), Some(error.to_string()));
                let current = if let Error::PreconditionFailed { current } = error { current } else { None };
                Ok(Self { status, code, detail, current, ..done })
            }
        }
    }
}

/// Applies a device's mutations, each once however often it is sent, and tells what changed since its cursor.
#[utoipa::path(
    tag = "state",
    request_body = MutationsBody,
    responses(
        (status = 200, body = MutationsAnswer),
        (status = 410, description = "the changes since this cursor cannot be told; nothing was applied", body = ProblemSchema)
    )
)]
#[post("/plugin-state/mutations")]
pub async fn mutations(user: StateAccess, app: web::Data<App>, body: SeveralDocuments) -> HttpResult {
    let body = typed::<MutationsBody>(body.0).await?;
    let device = check_device(&body.device_id)?;
    let since = body.cursor.as_deref().map(str::parse).transpose()?;
    // A device that cannot be told what happened must not write on.
    state::changes(&app, &user.access, since.clone(), 1).await?;
    let named = |(at, mutation): (usize, MutationBody)| mutation.read(&device).map_err(|e| e.below(&at.to_string()).below("mutations"));
    let mutations = body.mutations.into_iter().enumerate().map(named).collect::<Result<Vec<_>>>()?;
    let ids: Vec<String> = mutations.iter().map(|mutation| mutation.id.clone()).collect();
    let applied = state::apply_mutations(&app, &user.access, &device, mutations).await?;
    let results = ids.into_iter().zip(applied).map(|(id, applied)| ResultBody::new(id, applied)).collect::<Result<_>>()?;
    let ChangesAnswer { changes, cursor, has_more } = ChangesAnswer::new(&state::changes(&app, &user.access, since, CHANGES).await?);
    Ok(HttpResponse::Ok().json(MutationsAnswer { results, changes, cursor, has_more }))
}
