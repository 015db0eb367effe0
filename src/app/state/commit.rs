//! The one place where state changes: everything that a write has to be checked against, the entry, its revision and the
//! sums, in the transaction that it is called in.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Access, absent, context::Context, encode, rows};
use crate::{
    app::App,
    domain::{
        Timestamp,
        state::{Encoding, Entry, Guard, StateKey, Stored, Strategy, is_newer_schema, is_older_plugin},
    },
    error::{Error, Result, Violation},
    storage::{Connection, state_entries, state_heads},
};

/// A refused caller is shown the current document only below this size, in bytes.
const SHOW_BELOW: i64 = 64 * 1024;

/// Which entry.
#[derive(Debug, Clone)]
pub enum Target {
    Key(StateKey),
    /// Never creates one.
    Id(String),
}

/// What happens to it.
#[derive(Debug, Clone)]
pub enum Action {
    /// A new document, with why it would not be taken, if so.
    Put {
        document: Arc<Stored>,
        refused: Vec<Violation>,
    },
    /// As `Put`, with an old document of the entry, which may have been deleted since.
    Restore {
        document: Arc<Stored>,
        refused: Vec<Violation>,
    },
    /// The facts alone.
    Facts,
    Delete,
    /// Erases the document everywhere: entry, revisions and copies in snapshots.
    Purge,
    /// Deletes it if its time has come.
    Expire,
}

/// What a writer says about the entry beside the document. `None` leaves a fact as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    pub strategy: Option<Strategy>,
    pub expires_at: Option<Option<Timestamp>>,
    pub device: Option<String>,
    pub schema_version: Option<String>,
    /// Only an import has something to say about it.
    pub active: Option<bool>,
}

#[derive(Debug, Clone)]
pub struct Operation {
    pub target: Target,
    pub action: Action,
    pub guard: Guard,
    pub facts: Facts,
    /// The counter value of the entry that the new document was made from, 0 for none: another one makes it stale.
    pub base: Option<i64>,
}

impl Operation {
    /// The new document, if there is one.
    pub fn document(&self) -> Option<&Arc<Stored>> {
        match &self.action {
            Action::Put { document, .. } | Action::Restore { document, .. } => Some(document),
            _ => None,
        }
    }

    /// Of the document as JSON.
    pub fn bytes(&self) -> u64 {
        self.document().map_or(0, |document| document.size.unsigned_abs())
    }

    /// The document that is visible after it; none when there is none then.
    pub fn leaves(&self, now: Timestamp) -> Option<Arc<Stored>> {
        let ends = matches!(self.facts.expires_at, Some(Some(end)) if end <= now);
        self.document().filter(|_| !ends).cloned()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Created,
    Updated,
    /// Nothing was to be changed, and nothing was.
    Unchanged,
    Deleted,
}

/// The entry after a write.
#[derive(Debug, Clone)]
pub struct Written {
    pub entry: Entry,
    pub outcome: Outcome,
}

/// How far a write came.
#[derive(Debug, Clone)]
pub enum Step {
    Done(Box<Written>),
    /// What it was prepared for no longer holds; nothing was changed.
    Stale,
}

/// What a server allows, in bytes and entries.
#[derive(Debug, Clone, Copy)]
pub struct Quota {
    pub plugin_bytes: u64,
    pub entries: u64,
}

impl Quota {
    pub fn of(app: &App) -> Self {
        let settings = &app.settings;
        Self {
            plugin_bytes: settings.max_state_document.as_u64().saturating_mul(settings.state_quota_factor),
            entries: settings.max_state_entries,
        }
    }
}

/// Everything about a write but the operation itself.
pub struct Place<'a> {
    pub access: &'a Access,
    pub context: &'a Context,
    pub quota: Quota,
    pub now: Timestamp,
}

/// Checks in the order existence, precondition, schema, quota, and writes.
pub fn commit(conn: &mut Connection, place: &Place<'_>, operation: &Operation) -> Result<Step> {
    let Place { access, context, now, .. } = place;
    // First, because it makes the user's other writers wait.
    let head = state_heads::advance(conn, &access.user)?;
    if !context.still_holds(conn, &access.user)? {
        state_heads::take_back(conn, &access.user)?;
        return Ok(Step::Stale);
    }
    let row = match &operation.target {
        Target::Key(key) => state_entries::find(conn, &access.user, key)?,
        Target::Id(id) => state_entries::find_by_id(conn, &access.user, id)?,
    };
    let by_id = matches!(operation.target, Target::Id(_));
    let existing = row.as_ref().filter(|entry| entry.is_live(*now) && (entry.active || by_id));
    if operation.base.is_some_and(|base| base != existing.map_or(0, |entry| entry.seq)) {
        state_heads::take_back(conn, &access.user)?;
        return Ok(Step::Stale);
    }
    check_existence(operation, row.as_ref(), existing)?;
    operation.guard.check(existing.map(|entry| entry.seq), context.policy().preconditions_required, || match existing {
        Some(entry) => describe(conn, entry),
        None => Ok(Value::Null),
    })?;
    let next = match &operation.action {
        Action::Put { document, refused } | Action::Restore { document, refused } => {
            check_content(place, operation, existing, refused)?;
            let intact = is_intact(conn, operation, existing, document)?;
            with_document(place, operation, row.as_ref(), (existing, intact), document, head.seq)?
        }
        Action::Facts => existing.and_then(|entry| with_facts(entry, &operation.facts, *now, head.seq)),
        Action::Delete | Action::Purge => row.as_ref().map(|entry| tombstone(entry, *now, head.seq)),
        Action::Expire => row.as_ref().filter(|entry| is_due(entry, *now)).map(|entry| tombstone(entry, *now, head.seq)),
    };
    match (next, row) {
        (Some(next), row) => {
            rows::write(conn, place, operation, row.as_ref(), next, head.entries).map(|written| Step::Done(Box::new(written)))
        }
        (None, Some(entry)) => {
            state_heads::take_back(conn, &access.user)?;
            Ok(Step::Done(Box::new(Written { entry, outcome: Outcome::Unchanged })))
        }
        (None, None) => Err(absent()),
    }
}

/// Writes what the server does by itself, or what a user has asked for as a whole: without precondition, also where a policy
/// demands one.
pub fn write_unasked(conn: &mut Connection, place: &Place<'_>, target: Target, action: Action, facts: Facts) -> Result<Box<Written>> {
    let operation = Operation { target, action, guard: Guard::unconditional(), facts, base: None };
    match commit(conn, place, &operation)? {
        Step::Done(written) => Ok(written),
        Step::Stale => Err(Error::Busy { what: "this plugin's state" }),
    }
}

fn is_due(entry: &Entry, now: Timestamp) -> bool {
    entry.deleted_at.is_none() && entry.has_expired(now)
}

fn check_existence(operation: &Operation, row: Option<&Entry>, existing: Option<&Entry>) -> Result<()> {
    let found = match (&operation.action, &operation.target) {
        (Action::Put { .. } | Action::Restore { .. }, Target::Key(_)) => true,
        // They bring back, erase or end what is no longer visible.
        (Action::Restore { .. } | Action::Purge | Action::Expire, _) => row.is_some(),
        // A guard that names the entry says more than that there is none.
        (_, Target::Key(_)) => existing.is_some() || operation.guard.if_match.is_some(),
        (_, Target::Id(_)) => existing.is_some(),
    };
    if found { Ok(()) } else { Err(absent()) }
}

fn check_content(place: &Place<'_>, operation: &Operation, existing: Option<&Entry>, refused: &[Violation]) -> Result<()> {
    let context = place.context;
    let refused: Vec<Violation> = context.refusal().into_iter().chain(refused.iter().cloned()).collect();
    if !refused.is_empty() {
        return Err(Error::Validation { errors: refused });
    }
    let (Some(entry), Action::Put { .. }, false) = (existing, &operation.action, context.policy().reads_forward) else { return Ok(()) };
    if let (Some(writer), Some(stored)) = (context.version(), &entry.plugin_version)
        && is_older_plugin(writer, stored)
    {
        return Err(Error::IncompatibleVersion(format!(
            "version {stored} of the plugin wrote this, which {writer} is not compatible with"
        )));
    }
    if let (Some(writer), Some(stored)) = (&operation.facts.schema_version, &entry.schema_version)
        && is_newer_schema(stored, writer)
    {
        return Err(Error::IncompatibleVersion(format!("this has schema version {stored}, which is newer than {writer}")));
    }
    Ok(())
}

/// The same content is a change where what is stored of it is damaged.
fn is_intact(conn: &mut Connection, operation: &Operation, existing: Option<&Entry>, document: &Stored) -> Result<bool> {
    match (existing, &operation.action) {
        (Some(entry), Action::Put { .. } | Action::Restore { .. }) if entry.content_sha256 == document.content_sha256 => {
            let stored = state_entries::find_by_id_with_data(conn, &entry.user, &entry.id)?.and_then(|(_, stored)| stored);
            Ok(stored.is_some_and(|stored| encode::decode(&entry.id, stored.encoding, stored.size, &stored.sha256, stored.data).is_ok()))
        }
        _ => Ok(true),
    }
}

/// The entry with the document, or none when it is so already.
fn with_document(
    place: &Place<'_>,
    operation: &Operation,
    row: Option<&Entry>,
    (existing, intact): (Option<&Entry>, bool),
    document: &Stored,
    seq: i64,
) -> Result<Option<Entry>> {
    let Place { access, context, now, .. } = place;
    let mut next = match (existing, row) {
        (Some(entry), _) => with_facts(entry, &operation.facts, *now, seq).unwrap_or_else(|| entry.clone()),
        (None, row) => {
            let Operation { facts, target, .. } = operation;
            let key = match (row, target) {
                (Some(entry), _) => entry.key.clone(),
                (None, Target::Key(key)) => key.clone(),
                (None, Target::Id(_)) => return Err(absent()),
            };
            let default_end = context.policy().default_ttl_seconds.map(|seconds| now.plus(std::time::Duration::from_secs(seconds.into())));
            Entry {
                id: row.map_or_else(|| uuid::Uuid::now_v7().to_string(), |entry| entry.id.clone()),
                user: access.user.clone(),
                key,
                size: 0,
                stored_size: 0,
                encoding: Encoding::Plain,
                sha256: String::new(),
                content_sha256: String::new(),
                schema_version: facts.schema_version.clone(),
                plugin_version: None,
                strategy: facts.strategy.unwrap_or(Strategy::Persistent),
                device: facts.device.clone(),
                seq,
                version: row.map_or(0, |entry| entry.version),
                active: facts.active.unwrap_or(true),
                last_accessed: *now,
                access_count: row.map_or(0, |entry| entry.access_count),
                created_at: row.map_or(*now, |entry| entry.created_at),
                updated_at: *now,
                expires_at: facts.expires_at.unwrap_or(default_end),
                deleted_at: None,
            }
        }
    };
    if let Action::Restore { .. } = operation.action {
        // As they were, also where they were not there.
        next.schema_version.clone_from(&operation.facts.schema_version);
        next.device.clone_from(&operation.facts.device);
    }
    if existing.is_some() && intact && next.content_sha256 == document.content_sha256 {
        return Ok(Some(next).filter(|next| next.seq == seq));
    }
    next.size = document.size;
    next.stored_size = document.stored_size();
    next.encoding = document.encoding;
    next.sha256.clone_from(&document.sha256);
    next.content_sha256.clone_from(&document.content_sha256);
    next.plugin_version = context.version().map(str::to_owned);
    next.seq = seq;
    next.version += 1;
    next.updated_at = *now;
    Ok(Some(next))
}

/// The entry with other facts, or none when they are so already.
fn with_facts(entry: &Entry, facts: &Facts, now: Timestamp, seq: i64) -> Option<Entry> {
    let mut next = entry.clone();
    next.strategy = facts.strategy.unwrap_or(next.strategy);
    next.expires_at = facts.expires_at.unwrap_or(next.expires_at);
    next.device = facts.device.clone().or(next.device);
    next.schema_version = facts.schema_version.clone().or(next.schema_version);
    next.active = facts.active.unwrap_or(next.active);
    if next == *entry {
        return None;
    }
    Some(Entry { seq, updated_at: now, ..next })
}

fn tombstone(entry: &Entry, now: Timestamp, seq: i64) -> Entry {
    Entry {
        size: 0,
        stored_size: 0,
        encoding: Encoding::Plain,
        sha256: String::new(),
        content_sha256: String::new(),
        seq,
        version: entry.version + 1,
        updated_at: now,
        expires_at: None,
        deleted_at: Some(now),
        ..entry.clone()
    }
}

/// What a caller is told whose picture of the entry is not the current one.
fn describe(conn: &mut Connection, entry: &Entry) -> Result<Value> {
    let mut current = json!({
        "etag": format!("\"{}\"", entry.seq),
        "version": entry.version,
        "updated_at": entry.updated_at,
        "device_id": entry.device,
    });
    if entry.size < SHOW_BELOW
        && let Some((_, Some(stored))) = state_entries::find_by_id_with_data(conn, &entry.user, &entry.id)?
        && let Ok(json) = encode::decode(&entry.id, stored.encoding, stored.size, &stored.sha256, stored.data)
        && let (Some(members), Ok(document)) = (current.as_object_mut(), serde_json::from_slice(&json))
    {
        members.insert("document".to_owned(), document);
    }
    Ok(current)
}
