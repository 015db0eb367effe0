//! What changed since a reader was here last.

use actix_web::{HttpRequest, get, web};
use serde::{Deserialize, Serialize};

use super::{access::StateAccess, conditions::etag};
use crate::{
    app::{
        App, now,
        state::{self, Changes},
    },
    domain::{Timestamp, state::Entry},
    error::Error,
    http::{
        etag as answers,
        extract::Query,
        problem::{HttpResult, ProblemSchema},
    },
};

const MAX_LIMIT: usize = 1000;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    /// The `cursor` of the answer before; absent: from the beginning.
    since: Option<String>,
    /// 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StateChanges)]
pub struct ChangesAnswer {
    pub changes: Vec<Change>,
    /// Send it as `since` next time.
    pub cursor: String,
    pub has_more: bool,
}

/// An entry at its last change, without its document.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StateChange)]
pub struct Change {
    id: String,
    seq: i64,
    version: i64,
    plugin_id: String,
    page_id: Option<String>,
    state_key: Option<String>,
    etag: String,
    /// Whether it is gone, by a deletion or because its time has come.
    deleted: bool,
    state_size: i64,
    device_id: Option<String>,
    updated_at: String,
}

impl Change {
    pub fn new(entry: &Entry, now: Timestamp) -> Self {
        Self {
            id: entry.id.clone(),
            seq: entry.seq,
            version: entry.version,
            plugin_id: entry.key.plugin.to_string(),
            page_id: entry.key.page_id().map(str::to_owned),
            state_key: entry.key.state_key().map(str::to_owned),
            etag: etag(entry).to_string(),
            deleted: !entry.is_live(now) || !entry.active,
            state_size: entry.size,
            device_id: entry.device.clone(),
            updated_at: entry.updated_at.to_string(),
        }
    }
}

impl ChangesAnswer {
    pub fn new(changes: &Changes) -> Self {
        let now = now();
        Self {
            changes: changes.entries.iter().map(|entry| Change::new(entry, now)).collect(),
            cursor: changes.cursor.to_string(),
            has_more: changes.has_more,
        }
    }
}

/// Every changed entry once, at its last change, in order; deletions and expiries included.
#[utoipa::path(
    tag = "state",
    params(Parameters),
    responses(
        (status = 200, body = ChangesAnswer),
        (status = 304),
        (status = 410, description = "the changes since this cursor cannot be told: read everything again", body = ProblemSchema),
        (status = 422, description = "a parameter is not valid", body = ProblemSchema)
    )
)]
#[get("/plugin-state/changes")]
pub async fn list_changes(request: HttpRequest, user: StateAccess, app: web::Data<App>, query: Query<Parameters>) -> HttpResult {
    let limit = query.0.limit.unwrap_or(100);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Error::invalid("limit", format!("must lie between 1 and {MAX_LIMIT}")).into());
    }
    let since = query.0.since.as_deref().map(str::parse).transpose()?;
    let found = state::changes(&app, &user.access, since, limit).await?;
    Ok(answers::json(&request, &ChangesAnswer::new(&found))?)
}
