//! Lists of entries.

use actix_web::{
    HttpRequest, get,
    web::{self, Bytes},
};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{access::StateAccess, record::Record, spooled};
use crate::{
    app::{
        App,
        state::{self, Found, ListRequest},
    },
    domain::state::{ListFilter, check_name},
    error::{Error, Result},
    files::Spool,
    http::{
        etag,
        extract::Query,
        problem::{HttpResult, ProblemSchema},
    },
};

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    plugin_id: Option<String>,
    /// Empty: entries without page.
    page_id: Option<String>,
    /// Empty: entries without key.
    state_key: Option<String>,
    state_strategy: Option<String>,
    /// `synced` is the only one there is.
    sync_status: Option<String>,
    /// False lists those alone that an import brought as inactive.
    is_active: Option<bool>,
    device_id: Option<String>,
    /// 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
    #[param(minimum = 0, maximum = 1000000000)]
    offset: Option<i64>,
}

const MAX_LIMIT: i64 = 1000;
const MAX_OFFSET: i64 = 1_000_000_000;

impl Parameters {
    fn read(self) -> Result<ListRequest> {
        let (limit, offset) = (self.limit.unwrap_or(100), self.offset.unwrap_or(0));
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(Error::invalid("limit", format!("must lie between 1 and {MAX_LIMIT}")));
        }
        if !(0..=MAX_OFFSET).contains(&offset) {
            return Err(Error::invalid("offset", format!("must lie between 0 and {MAX_OFFSET}")));
        }
        let name = |field: &str, text: Option<String>| text.map(|text| check_name(field, &text)).transpose();
        let filter = ListFilter {
            plugin: None,
            page: name("page_id", self.page_id)?,
            key: name("state_key", self.state_key)?,
            strategy: self.state_strategy.map(|text| text.parse()).transpose()?,
            device: name("device_id", self.device_id)?,
            inactive: self.is_active == Some(false),
        };
        Ok(ListRequest { plugin_id: self.plugin_id, filter, limit, offset })
    }
}

/// Entries with their documents, the last changed first.
#[utoipa::path(
    tag = "state",
    operation_id = "list_states",
    params(Parameters),
    responses(
        (status = 200, body = Vec<Record>),
        (status = 304),
        (status = 422, description = "a parameter is not valid", body = ProblemSchema),
        (status = 500, description = "state_corrupt", body = ProblemSchema)
    )
)]
#[get("/plugin-state")]
pub async fn list(request: HttpRequest, user: StateAccess, app: web::Data<App>, query: Query<Parameters>) -> HttpResult {
    let others_than_synced = query.0.sync_status.as_deref().is_some_and(|status| status != "synced");
    let wanted = query.0.read()?;
    let mut listed = Listed { spool: app.folder.spool(), hash: Sha256::new(), open: b"[" };
    if !others_than_synced {
        listed = state::list(&app, &user.access, wanted, listed, Listed::add).await?;
    }
    let (spool, tag) = listed.finish()?;
    let is_known = etag::is_known(&request, &tag);
    let mut answer = etag::begin(tag, is_known)?;
    if is_known {
        return Ok(answer.finish());
    }
    answer.content_type("application/json");
    Ok(spooled::body(answer, spool.finish()))
}

/// A JSON array of records, with the hash of all that they follow from, which is its tag.
struct Listed {
    spool: Spool,
    hash: Sha256,
    /// What stands before the next record.
    open: &'static [u8],
}

impl Listed {
    fn add(&mut self, Found { entry, json }: Found) -> Result<()> {
        let facts = serde_json::to_vec(&Record::facts(&entry)).map_err(|e| Error::storage("cannot write an answer", e))?;
        // The facts stand for the document, whose hash has just been compared with theirs.
        self.hash.update(&facts);
        self.hash.update(&entry.sha256);
        // It is JSON: to put it among the facts by serde_json would be to parse it once more.
        let open = std::mem::replace(&mut self.open, b",");
        let facts = facts.strip_suffix(b"}").unwrap_or(&facts);
        [open, facts, br#","state_data":"#, &json, b"}"].into_iter().try_for_each(|part| self.spool.write(part))
    }

    fn finish(mut self) -> Result<(Spool, Bytes)> {
        self.spool.write(if self.open == b"[" { b"[]" } else { b"]" })?;
        Ok((self.spool, format!("\"{}\"", hex::encode(self.hash.finalize())).into()))
    }
}
