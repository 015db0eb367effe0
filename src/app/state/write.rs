//! Creating, replacing, patching and deleting one entry.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;

use super::{
    Access, absent,
    commit::{Action, Facts, Operation, Outcome, Place, Quota, Step, Target, Written, commit},
    context::{self, Context},
    encode,
    prepare::{Form, prepare},
    read::{Found, key_and_context},
};
use crate::{
    app::{App, now},
    domain::state::{Document, Entry, Guard, StateKey, Stored, merge},
    error::{Error, Result},
    offload,
    storage::state_entries,
};

/// How often a write is prepared anew when plugin, policy or base change under it.
pub(super) const ATTEMPTS: usize = 64;

/// A key as a request writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyText {
    /// A slug, or the id of the user's installation.
    pub plugin_id: String,
    pub page_id: Option<String>,
    pub state_key: Option<String>,
}

/// A document to be written, with what is said about it.
#[derive(Debug, Clone)]
pub struct Draft {
    /// JSON.
    pub text: Bytes,
    pub facts: Facts,
    pub form: Form,
}

/// What is to become of the entry of a key.
#[derive(Debug, Clone)]
pub enum Request {
    /// Created or replaced.
    Put {
        draft: Draft,
        guard: Guard,
    },
    /// A merge patch (RFC 7396) applied.
    Patch {
        draft: Draft,
        guard: Guard,
    },
    Delete {
        guard: Guard,
    },
}

impl Request {
    /// Of the document or patch that it brings along.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Put { draft, .. } | Self::Patch { draft, .. } => draft.text.len() as u64,
            Self::Delete { .. } => 0,
        }
    }
}

pub async fn write(app: &Arc<App>, access: &Access, key: &KeyText, request: &Request) -> Result<Box<Written>> {
    for _ in 0..ATTEMPTS {
        let (context, operation) = build(app, access, key, request).await?;
        if let Step::Done(written) = attempt(app, access, context, operation).await? {
            return Ok(written);
        }
    }
    Err(overtaken())
}

/// What the operations before it in the same transaction leave of the entries that they name; none: nothing.
pub(super) type Made = HashMap<StateKey, Option<Arc<Stored>>>;

/// Everything about a write that can be done before its transaction.
pub(super) async fn build(app: &Arc<App>, access: &Access, key: &KeyText, request: &Request) -> Result<(Context, Operation)> {
    build_after(app, access, &Made::new(), key, request).await
}

/// The same for a write that stands or falls with those that made these documents.
pub(super) async fn build_after(
    app: &Arc<App>,
    access: &Access,
    made: &Made,
    key: &KeyText,
    request: &Request,
) -> Result<(Context, Operation)> {
    match request {
        Request::Put { draft, guard } => {
            let (key, context) = key_and_context(app, access, key).await?;
            let operation = put_operation(app, &context, Target::Key(key), draft, guard.clone(), None).await?;
            Ok((context, operation))
        }
        Request::Patch { draft, guard } => {
            // What is wrong with a patch itself comes before whether there is something to patch.
            let patch = checked_patch(draft.text.clone()).await?;
            let (key, context) = key_and_context(app, access, key).await?;
            let base = match made.get(&key) {
                // Nobody can come between the two.
                Some(Some(made)) => Some((encode::json(&key.key, made)?, None)),
                Some(None) => None,
                None => current(app, access, &key).await?.map(|found| (found.json, Some(found.entry.seq))),
            };
            let Some((json, base)) = base else {
                // Refused like the deletion of what is not there: 404, or 412 with a guard.
                return Ok((context, deletion(key, guard, Some(0))));
            };
            let text = offload::run(move || merge(&json, &patch)).await?;
            let draft = Draft { text: text.into(), ..draft.clone() };
            let operation = put_operation(app, &context, Target::Key(key), &draft, guard.clone(), base).await?;
            Ok((context, operation))
        }
        Request::Delete { guard } => {
            let (key, context) = key_and_context(app, access, key).await?;
            Ok((context, deletion(key, guard, None)))
        }
    }
}

fn deletion(key: StateKey, guard: &Guard, base: Option<i64>) -> Operation {
    Operation { target: Target::Key(key), action: Action::Delete, guard: guard.clone(), facts: Facts::default(), base }
}

/// Creates the entry; one that is there is a conflict. The entry with its document.
pub async fn post(app: &Arc<App>, access: &Access, key: &KeyText, draft: Draft) -> Result<Found> {
    for _ in 0..ATTEMPTS {
        let (key, context) = key_and_context(app, access, key).await?;
        let operation = put_operation(app, &context, Target::Key(key), &draft, Guard::creating(), None).await?;
        match attempt_with_document(app, access, context, operation).await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => {}
            Err(Error::PreconditionFailed { current: Some(current) }) => return Err(Error::StateExists { current }),
            Err(error) => return Err(error),
        }
    }
    Err(overtaken())
}

/// Changes document or facts of an entry that is there. The entry with its document.
pub async fn update(app: &Arc<App>, access: &Access, id: &str, text: Option<Bytes>, facts: Facts, guard: Guard) -> Result<Found> {
    let entry = by_id(app, access, id).await?;
    for _ in 0..ATTEMPTS {
        let context = context::load(app, access, &entry.key.plugin).await?;
        let target = Target::Id(entry.id.clone());
        let operation = match &text {
            Some(text) => {
                let draft = Draft { text: text.clone(), facts: facts.clone(), form: Form::Object };
                put_operation(app, &context, target, &draft, guard.clone(), None).await?
            }
            None => Operation { target, action: Action::Facts, guard: guard.clone(), facts: facts.clone(), base: None },
        };
        if let Some(found) = attempt_with_document(app, access, context, operation).await? {
            return Ok(found);
        }
    }
    Err(overtaken())
}

/// With `purge` the document is erased everywhere: entry, revisions and copies in snapshots, also of a deleted entry.
pub async fn delete_by_id(app: &Arc<App>, access: &Access, id: &str, guard: Guard, purge: bool) -> Result<Box<Written>> {
    let entry = by_id(app, access, id).await?;
    for _ in 0..ATTEMPTS {
        let context = context::load(app, access, &entry.key.plugin).await?;
        let action = if purge { Action::Purge } else { Action::Delete };
        let operation =
            Operation { target: Target::Id(entry.id.clone()), action, guard: guard.clone(), facts: Facts::default(), base: None };
        if let Step::Done(written) = attempt(app, access, context, operation).await? {
            return Ok(written);
        }
    }
    Err(overtaken())
}

/// The row with this id, tombstones included, if the caller may touch its plugin.
pub(super) async fn by_id(app: &App, access: &Access, id: &str) -> Result<Entry> {
    let (access, id) = (access.clone(), id.to_owned());
    let found = app
        .db
        .read(move |conn| {
            state_entries::find_by_id(conn, &access.user, &id).map(|found| found.filter(|entry| access.plugins.includes(&entry.key.plugin)))
        })
        .await?;
    found.ok_or_else(absent)
}

/// The visible entry of a key.
pub(super) async fn current(app: &App, access: &Access, key: &StateKey) -> Result<Option<Found>> {
    let (user, key, now) = (access.user.clone(), key.clone(), now());
    let found = app.db.read(move |conn| state_entries::find_with_data(conn, &user, &key)).await?;
    found.filter(|(entry, _)| entry.is_live(now) && entry.active).map(|(entry, stored)| Found::new(entry, stored)).transpose()
}

pub(super) async fn put_operation(
    app: &App,
    context: &Context,
    target: Target,
    draft: &Draft,
    guard: Guard,
    base: Option<i64>,
) -> Result<Operation> {
    let facts = draft.facts.clone();
    let prepared = prepare(app, context, draft.text.clone(), facts.schema_version.as_deref(), draft.form).await?;
    let action = Action::Put { document: prepared.document, refused: prepared.refused };
    Ok(Operation { target, action, guard, facts, base })
}

/// One transaction; afterwards listeners are told.
pub(super) async fn attempt(app: &Arc<App>, access: &Access, context: Context, operation: Operation) -> Result<Step> {
    let (owner, quota, now) = (access.clone(), Quota::of(app), now());
    let step = app.db.write(move |conn| commit(conn, &Place { access: &owner, context: &context, quota, now }, &operation)).await?;
    if matches!(step, Step::Done(_)) {
        app.state.wake(&access.user);
    }
    Ok(step)
}

/// As [`attempt`]; the entry after it with the document that is stored then, none when it was stale.
pub(super) async fn attempt_with_document(
    app: &Arc<App>,
    access: &Access,
    context: Context,
    operation: Operation,
) -> Result<Option<Found>> {
    let (owner, quota, now) = (access.clone(), Quota::of(app), now());
    let given = operation.document().map(Arc::clone);
    let done = app
        .db
        .write(move |conn| {
            let Step::Done(written) = commit(conn, &Place { access: &owner, context: &context, quota, now }, &operation)? else {
                return Ok(None);
            };
            // What is stored may have its members in another order than what was sent.
            let stored = match written.outcome {
                Outcome::Created | Outcome::Updated if written.entry.sha256 == given.as_ref().map_or("", |given| &given.sha256) => None,
                _ => state_entries::find_by_id_with_data(conn, &owner.user, &written.entry.id)?.and_then(|(_, stored)| stored),
            };
            let stored = stored.or_else(|| given.as_deref().cloned());
            Ok(Some((written, stored)))
        })
        .await?;
    let Some((written, stored)) = done else { return Ok(None) };
    app.state.wake(&access.user);
    Found::new(written.entry, stored).map(Some)
}

pub(super) fn overtaken() -> Error {
    Error::Busy { what: "this state entry" }
}

/// A patch is held to the rules of documents, which also bounds its depth.
async fn checked_patch(text: Bytes) -> Result<Vec<u8>> {
    offload::run(move || Document::parse(&text, &[]).map(Document::into_json)).await
}
