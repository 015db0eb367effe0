//! What is kept in memory of the database: what decides about a user's plugin, and documents that were asked for.

use std::sync::Arc;

use super::{Access, context::Context, read::Found, write::KeyText};
use crate::{
    app::{App, kept::Kept},
    domain::{Slug, Timestamp, UserId, state::StateKey},
    error::Result,
    storage::changes::{Stamp, Subject, Trust},
};

/// Of users and their plugins.
const CONTEXTS: u64 = 100_000;
/// Bytes of documents, where the setting `cache_bytes` has four times as many.
const DOCUMENTS: u64 = 64 << 20;
/// What an entry takes beside its document, roughly.
const OVERHEAD: u64 = 900;
/// Larger documents are read from the database each time.
const LARGEST: usize = 256 << 10;

pub struct Memory {
    /// With the stamp of the plugin for everybody, beside the user's.
    contexts: Kept<(UserId, Slug), (Stamp, Context)>,
    documents: Kept<(UserId, StateKey), Arc<Found>>,
}

/// Taken before something is read that is to be kept.
pub(super) struct Before {
    named: Slug,
    user: Stamp,
    plugin: Stamp,
}

impl Memory {
    pub fn new(cache_bytes: u64) -> Result<Self> {
        let documents = DOCUMENTS.min(cache_bytes / 4);
        let weight = |found: &Arc<Found>| OVERHEAD + found.json.len() as u64;
        Ok(Self {
            contexts: Kept::new("state_contexts", CONTEXTS, 1, |_| 1)?,
            documents: Kept::new("state_entries", documents, 2 * OVERHEAD, weight)?,
        })
    }
}

/// None when the request names the plugin otherwise than by its slug: what that leads to is not kept.
pub(super) fn before(app: &App, access: &Access, plugin: &str) -> Option<Before> {
    let (changes, named) = (app.db.changes(), plugin.parse().ok()?);
    Some(Before { user: changes.stamp(Subject::User(&access.user)), plugin: changes.stamp(Subject::Slug(&named)), named })
}

pub(super) fn keep_context(app: &App, access: &Access, before: Before, context: &Context) {
    if before.named == context.plugin {
        let key = (access.user.clone(), before.named);
        app.state.memory.contexts.put(key, before.user, (before.plugin, context.clone()));
    }
}

pub(super) fn context(app: &App, access: &Access, plugin: &str) -> Option<Context> {
    let trust = app.db.changes().trust()?;
    let key = (access.user.clone(), plugin.parse().ok()?);
    let (stamp, context) = app.state.memory.contexts.get(trust, &key)?;
    (trust.holds(stamp) && !context.is_outdated()).then_some(context)
}

/// As [`before`], for a document. None, too, where nobody notes changes of state.
pub(super) fn before_document(app: &App, access: &Access, key: &KeyText) -> Option<(StateKey, Stamp)> {
    let key = named(key)?;
    let stamp = app.db.notes_state().then(|| app.db.changes().stamp(Subject::State(&access.user, &key)))?;
    Some((key, stamp))
}

pub(super) fn keep_document(app: &App, (key, stamp): (StateKey, Stamp), found: &Arc<Found>) {
    if key == found.entry.key && found.json.len() <= LARGEST {
        app.state.memory.documents.put((found.entry.user.clone(), key), stamp, Arc::clone(found));
    }
}

/// The key, if it names the plugin by its slug.
fn named(key: &KeyText) -> Option<StateKey> {
    StateKey::new(key.plugin_id.parse().ok()?, key.page_id.as_deref(), key.state_key.as_deref()).ok()
}

/// The entry of this key, if it is in memory and the caller may have it. Whatever is wrong is told by [`super::find`].
pub fn kept_document(app: &App, trust: Trust<'_>, access: &Access, key: &KeyText, now: Timestamp) -> Option<Arc<Found>> {
    let key = named(key)?;
    access.require(&key.plugin).ok()?;
    let found = app.state.memory.documents.get(trust, &(access.user.clone(), key))?;
    if !found.entry.is_live(now) || !found.entry.active {
        return None;
    }
    app.state.accesses.note(&found.entry.id, now);
    Some(found)
}
