//! One row of `plugin_states` or `plugin_state_history` in values of ours. What about it cannot be kept is a note.

use super::{document, known::Known};
use crate::{
    app::takeover::{import::tree::reason, report::Outcome},
    domain::{
        Timestamp,
        legacy::Row,
        state::{StateKey, Stored, Strategy, check_device, check_name, check_schema_version},
    },
};

/// Columns that become part of an entry, are counted anew here (`version`, `state_size`), or say how the document is stored.
pub const STATE_COLUMNS: &[&str] = &[
    "id",
    "user_id",
    "plugin_id",
    "page_id",
    "state_key",
    "state_data",
    "state_schema_version",
    "state_strategy",
    "compression_type",
    "state_size",
    "last_accessed",
    "access_count",
    "ttl_expires_at",
    "is_active",
    "version",
    "device_id",
    "sync_status",
    "created_at",
    "updated_at",
];
pub const HISTORY_COLUMNS: &[&str] = &[
    "id",
    "state_id",
    "plugin_state_id",
    "version",
    "state_data",
    "compression_type",
    "state_schema_version",
    "change_type",
    "device_id",
    "user_agent",
    "created_at",
    "updated_at",
];

/// A row of `plugin_states`.
pub struct OldState {
    pub id: String,
    pub key: StateKey,
    pub document: Stored,
    pub facts: Facts,
    pub notes: Vec<String>,
}

/// What the row says beside its document.
pub struct Facts {
    pub strategy: Strategy,
    pub schema_version: Option<String>,
    pub device: Option<String>,
    pub active: bool,
    pub access_count: i64,
    pub last_accessed: Timestamp,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

/// A row of `plugin_state_history`.
pub struct OldRevision {
    /// The id of its state.
    pub state: String,
    /// As it was counted there.
    pub version: i64,
    pub document: Stored,
    pub schema_version: Option<String>,
    pub device: Option<String>,
    pub user_agent: Option<String>,
    /// None when the row has no time that can be read.
    pub created_at: Option<Timestamp>,
}

impl OldState {
    /// `row.user_id` has been read. Bytes of a document are limited by `limit`; `now` stands for times that are missing.
    pub fn read(row: &Row, key: StateKey, limit: u64, now: Timestamp) -> Result<Self, String> {
        let id = row.text("id").filter(|id| !id.is_empty()).ok_or("has no id")?;
        let id = check_name("id", id).map_err(|e| format!("its id cannot be kept: {}", reason(e)))?;
        let text = row.text("state_data").ok_or("has no document")?;
        let document = document::read(text, row.text("compression_type"), limit).map_err(|why| format!("its document {why}"))?;
        let mut notes = Notes { row, all: Vec::new() };
        let facts = facts(&mut notes, now);
        Ok(Self { id, key, document, facts, notes: notes.all })
    }

    /// The natural key, or why it cannot be one here.
    pub fn key(row: &Row, known: &Known) -> Result<StateKey, Outcome> {
        let user = known.user(row.text("user_id"))?;
        let slug = known.slug(row.text("plugin_id"), Some(&user))?;
        StateKey::new(slug, row.text("page_id"), row.text("state_key"))
            .map_err(|e| Outcome::Failed(format!("its page or key cannot be kept: {}", reason(e))))
    }
}

impl OldRevision {
    pub fn read(row: &Row, limit: u64) -> Result<Self, String> {
        let state = ["plugin_state_id", "state_id"].iter().find_map(|column| row.text(column)).unwrap_or_default().to_owned();
        let text = row.text("state_data").ok_or("has no document")?;
        let document = document::read(text, row.text("compression_type"), limit).map_err(|why| format!("its document {why}"))?;
        Ok(Self {
            state,
            version: row.integer("version").unwrap_or_default(),
            document,
            schema_version: row.text("state_schema_version").and_then(|text| check_schema_version(text).ok()),
            device: row.text("device_id").and_then(|text| check_device(text).ok()),
            user_agent: row.text("user_agent").map(str::to_owned),
            created_at: row.time("created_at"),
        })
    }
}

struct Notes<'a> {
    row: &'a Row,
    all: Vec<String>,
}

impl Notes<'_> {
    /// A column that is read, or left out with a note.
    fn read<T>(&mut self, column: &str, read: impl Fn(&Row) -> Option<T>) -> Option<T> {
        let text = self.row.text(column).filter(|text| !text.is_empty())?;
        let value = read(self.row);
        if value.is_none() {
            self.all.push(format!("its {column} {text:?} cannot be kept"));
        }
        value
    }
}

fn facts(notes: &mut Notes<'_>, now: Timestamp) -> Facts {
    let strategy = notes.read("state_strategy", |row| row.text("state_strategy")?.trim().parse().ok()).unwrap_or(Strategy::Persistent);
    let schema_version = notes.read("state_schema_version", |row| check_schema_version(row.text("state_schema_version")?).ok());
    let device = notes.read("device_id", |row| check_device(row.text("device_id")?).ok());
    let active = notes.read("is_active", |row| row.flag("is_active")).unwrap_or(true);
    let access_count = notes.read("access_count", |row| row.integer("access_count").filter(|count| *count >= 0)).unwrap_or_default();
    let created_at = notes.read("created_at", |row| row.time("created_at"));
    let updated_at = notes.read("updated_at", |row| row.time("updated_at")).or(created_at).unwrap_or(now);
    let last_accessed = notes.read("last_accessed", |row| row.time("last_accessed")).unwrap_or(updated_at);
    let expires_at = notes.read("ttl_expires_at", |row| row.time("ttl_expires_at"));
    notes.read("sync_status", |row| (row.text("sync_status")? == "synced").then_some(()));
    if matches!(strategy, Strategy::None | Strategy::Session) {
        notes.all.push(format!("its strategy is `{}`, which belongs to the browser; it is kept as it is", strategy.as_str()));
    }
    if !active {
        notes.all.push("is inactive and stays so".to_owned());
    }
    if let Some(end) = expires_at.filter(|end| *end <= now) {
        notes.all.push(format!("its time ended at {end}: nobody is shown it, and the next sweep removes it"));
    }
    Facts {
        strategy,
        schema_version,
        device,
        active,
        access_count,
        last_accessed,
        created_at: created_at.unwrap_or(updated_at),
        updated_at,
        expires_at,
    }
}
