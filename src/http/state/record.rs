//! An entry as BrainDrive frontends know it, with what is ours added.

use actix_web::{HttpResponse, http::header};
use serde::Serialize;
use serde_json::value::RawValue;

use super::conditions::etag;
use crate::{
    app::state::Found,
    domain::state::{Encoding, Entry},
    error::{Error, Result},
};

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StateRecord)]
pub struct Record {
    /// The plugin's slug.
    plugin_id: String,
    page_id: Option<String>,
    state_key: Option<String>,
    /// `persistent` or `custom`; imported ones also `none` or `session`.
    state_strategy: &'static str,
    ttl_expires_at: Option<String>,
    id: String,
    user_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    state_data: Option<Box<RawValue>>,
    state_schema_version: Option<String>,
    /// `zstd` where it is kept compressed.
    compression_type: Option<&'static str>,
    /// Bytes of compact JSON.
    state_size: i64,
    last_accessed: String,
    access_count: i64,
    is_active: bool,
    /// Counts changes of the document, through deletions.
    version: i64,
    device_id: Option<String>,
    sync_status: &'static str,
    created_at: String,
    updated_at: String,
    /// Moves with every change; sent back in If-Match.
    etag: String,
    /// The user's counter at the last change.
    seq: i64,
    /// The plugin's version that wrote the document.
    plugin_version: Option<String>,
    stored_size: i64,
}

impl Record {
    /// Without the document.
    pub fn facts(entry: &Entry) -> Self {
        Self {
            plugin_id: entry.key.plugin.to_string(),
            page_id: entry.key.page_id().map(str::to_owned),
            state_key: entry.key.state_key().map(str::to_owned),
            state_strategy: entry.strategy.as_str(),
            ttl_expires_at: entry.expires_at.map(|end| end.to_string()),
            id: entry.id.clone(),
            user_id: entry.user.to_string(),
            state_data: None,
            state_schema_version: entry.schema_version.clone(),
            compression_type: Some(entry.encoding.as_str()).filter(|_| entry.encoding != Encoding::Plain),
            state_size: entry.size,
            last_accessed: entry.last_accessed.to_string(),
            access_count: entry.access_count,
            is_active: entry.active,
            version: entry.version,
            device_id: entry.device.clone(),
            sync_status: "synced",
            created_at: entry.created_at.to_string(),
            updated_at: entry.updated_at.to_string(),
            etag: etag(entry).to_string(),
            seq: entry.seq,
            plugin_version: entry.plugin_version.clone(),
            stored_size: entry.stored_size,
        }
    }

    pub fn of(found: Found) -> Result<Self> {
        Ok(Self { state_data: Some(raw(&found.entry.id, found.json.into())?), ..Self::facts(&found.entry) })
    }
}

/// JSON text as a part of an answer. `entry` is the id of the entry it belongs to.
pub fn raw(entry: &str, json: Vec<u8>) -> Result<Box<RawValue>> {
    let corrupt = || Error::StateCorrupt { entry: entry.to_owned() };
    RawValue::from_string(String::from_utf8(json).map_err(|_| corrupt())?).map_err(|_| corrupt())
}

pub fn answer(found: Found) -> Result<HttpResponse> {
    let tag = etag(&found.entry);
    Ok(HttpResponse::Ok()
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        .insert_header((header::VARY, "Authorization"))
        .json(Record::of(found)?))
}
