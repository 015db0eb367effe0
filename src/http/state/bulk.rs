//! Creating many entries, and pushing those of a device, as BrainDrive frontends do.

use actix_web::{HttpResponse, post, web};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    access::StateAccess,
    body::{SeveralDocuments, typed},
    create::CreateBody,
    record::{Record, raw},
};
use crate::{
    app::{
        App,
        state::{self, Draft, KeyText, Synced},
    },
    domain::state::check_device,
    error::{Error, Result},
    http::problem::{HttpResult, ProblemSchema},
};

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = StateBulk)]
pub struct BulkBody {
    /// At most 1000.
    states: Vec<CreateBody>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StateBulkAnswer)]
pub struct BulkAnswer {
    created: Vec<Record>,
    errors: Vec<ItemError>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StateItemError)]
struct ItemError {
    #[schema(maximum = 1000)]
    index: usize,
    plugin_id: String,
    error: String,
    code: &'static str,
}

/// Plugin ids for error messages, and what the items ask for.
type Drafts = (Vec<String>, Vec<Result<(KeyText, Draft)>>);

fn drafts(states: Vec<CreateBody>) -> Drafts {
    states.into_iter().map(|state| (state.plugin_id.clone(), state.read())).unzip()
}

/// Writes the refused items' reasons, and hands on the others. Damage and a failing database are no item's fault.
fn sorted<T>(names: Vec<String>, results: Vec<Result<T>>) -> Result<(Vec<T>, Vec<ItemError>)> {
    let (mut done, mut errors) = (Vec::new(), Vec::new());
    for (index, (plugin_id, result)) in names.into_iter().zip(results).enumerate() {
        match result {
            Ok(item) => done.push(item),
            Err(error @ (Error::Storage { .. } | Error::Setup(_))) => return Err(error),
            Err(error) => errors.push(ItemError { index, plugin_id, code: error.code(), error: error.to_string() }),
        }
    }
    Ok((done, errors))
}

/// Creates entries; each stands or falls for itself.
#[utoipa::path(tag = "state", operation_id = "create_states", request_body = BulkBody, responses((status = 200, body = BulkAnswer)))]
#[post("/plugin-state/bulk")]
pub async fn bulk(user: StateAccess, app: web::Data<App>, body: SeveralDocuments) -> HttpResult {
    let (names, drafts) = drafts(typed::<BulkBody>(body.0).await?.states);
    let (created, errors) = sorted(names, state::create_many(&app, &user.access, drafts).await?)?;
    let created = created.into_iter().map(Record::of).collect::<Result<_>>()?;
    Ok(HttpResponse::Ok().json(BulkAnswer { created, errors }))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = StateSync)]
pub struct SyncBody {
    device_id: String,
    /// At most 1000.
    states: Vec<CreateBody>,
    /// Writes over what another device has changed meanwhile.
    #[serde(default)]
    force_overwrite: bool,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StateSyncAnswer)]
pub struct SyncAnswer {
    success: bool,
    synced: Vec<Record>,
    conflicts: Vec<ConflictBody>,
    errors: Vec<ItemError>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StateConflict)]
struct ConflictBody {
    state_id: String,
    /// Always null: devices count no versions.
    local_version: Option<i64>,
    remote_version: i64,
    #[schema(value_type = Object)]
    local_data: Box<RawValue>,
    #[schema(value_type = Object)]
    remote_data: Box<RawValue>,
    /// Always null.
    last_modified_local: Option<String>,
    last_modified_remote: String,
}

/// Writes what a device has. A conflict is an entry with other content that another device wrote last.
#[utoipa::path(
    tag = "state",
    operation_id = "sync_states",
    request_body = SyncBody,
    responses((status = 200, body = SyncAnswer), (status = 500, description = "state_corrupt", body = ProblemSchema))
)]
#[post("/plugin-state/sync")]
pub async fn sync(user: StateAccess, app: web::Data<App>, body: SeveralDocuments) -> HttpResult {
    let body = typed::<SyncBody>(body.0).await?;
    let device = check_device(&body.device_id)?;
    let (names, drafts) = drafts(body.states);
    let results = state::sync(&app, &user.access, &device, drafts, body.force_overwrite).await?;
    let (done, errors) = sorted(names, results)?;
    let (mut synced, mut conflicts) = (Vec::new(), Vec::new());
    for item in done {
        match item {
            Synced::Written(found) => synced.push(Record::of(*found)?),
            Synced::Conflict(conflict) => {
                let entry = conflict.remote.entry;
                conflicts.push(ConflictBody {
                    local_version: None,
                    remote_version: entry.version,
                    local_data: raw(&entry.id, conflict.local.into())?,
                    remote_data: raw(&entry.id, conflict.remote.json.into())?,
                    last_modified_local: None,
                    last_modified_remote: entry.updated_at.to_string(),
                    state_id: entry.id,
                });
            }
        }
    }
    let success = conflicts.is_empty() && errors.is_empty();
    Ok(HttpResponse::Ok().json(SyncAnswer { success, synced, conflicts, errors }))
}
