//! Reading entries. Nothing here writes; accesses are only noted.

use std::sync::Arc;

use bytes::Bytes;

use super::{Access, absent, context, encode, memory, write::KeyText};
use crate::{
    app::{App, now},
    domain::{
        Timestamp,
        state::{Entry, ListFilter, StateKey, Stored, fill},
    },
    error::{Error, Result},
    offload,
    storage::{Connection, state_entries, state_lists},
};

/// An entry with its document as compact JSON.
#[derive(Debug, Clone)]
pub struct Found {
    pub entry: Entry,
    pub json: Bytes,
}

impl Found {
    pub fn new(entry: Entry, stored: Option<Stored>) -> Result<Self> {
        let stored = stored.ok_or_else(absent)?;
        let json = encode::decode(&entry.id, stored.encoding, stored.size, &stored.sha256, stored.data)?;
        Ok(Self { entry, json: json.into() })
    }
}

/// As [`find`]; with the defaults that the policy's schema has for what the document lacks.
pub async fn find_filled(app: &Arc<App>, access: &Access, key: KeyText) -> Result<Arc<Found>> {
    let found = find(app, access, key).await?;
    let context = context::load(app, access, &found.entry.key.plugin).await?;
    offload::run(move || {
        let policy = context.policy();
        // A version that the policy no longer knows has no defaults.
        let version = policy.schema_version(found.entry.schema_version.as_deref()).ok().flatten();
        let Some(schema) = version.and_then(|version| policy.schemas.get(version)) else { return Ok(found) };
        let unreadable = |e| Error::storage("a document with defaults cannot be made", e);
        let mut document = serde_json::from_slice(&found.json).map_err(unreadable)?;
        fill(schema, &mut document);
        let json = serde_json::to_vec(&document).map_err(unreadable)?.into();
        Ok(Arc::new(Found { entry: found.entry.clone(), json }))
    })
    .await
}

/// The entry of this key, from memory if possible.
pub async fn find(app: &App, access: &Access, key: KeyText) -> Result<Arc<Found>> {
    let now = now();
    if let Some(kept) = app.db.changes().trust().and_then(|trust| memory::kept_document(app, trust, access, &key, now)) {
        return Ok(kept);
    }
    let before = memory::before_document(app, access, &key);
    let access = access.clone();
    let found = app
        .db
        .read(move |conn| {
            let key = key.resolve(conn, &access)?;
            visible(state_entries::find_with_data(conn, &access.user, &key)?, now, false)
        })
        .await?;
    let found = Arc::new(noted(app, found, now)?);
    if let Some(before) = before {
        memory::keep_document(app, before, &found);
    }
    Ok(found)
}

/// The entry with this id, also an inactive one.
pub async fn find_by_id(app: &App, access: &Access, id: &str) -> Result<Found> {
    let (access, id, now) = (access.clone(), id.to_owned(), now());
    let found = app
        .db
        .read(move |conn| {
            let found = state_entries::find_by_id_with_data(conn, &access.user, &id)?;
            visible(found.filter(|(entry, _)| access.plugins.includes(&entry.key.plugin)), now, true)
        })
        .await?;
    noted(app, found, now)
}

fn visible(found: Option<state_entries::WithData>, now: Timestamp, inactive_too: bool) -> Result<Found> {
    let (entry, stored) = found.filter(|(entry, _)| entry.is_live(now) && (entry.active || inactive_too)).ok_or_else(absent)?;
    Found::new(entry, stored)
}

fn noted(app: &App, found: Found, now: Timestamp) -> Result<Found> {
    app.state.accesses.note(&found.entry.id, now);
    Ok(found)
}

/// The id of the entry of this key, tombstones included.
pub async fn id_of(app: &App, access: &Access, key: KeyText) -> Result<String> {
    let access = access.clone();
    let found = app.db.read(move |conn| {
        let key = key.resolve(conn, &access)?;
        state_entries::find(conn, &access.user, &key)
    });
    found.await?.map(|entry| entry.id).ok_or_else(absent)
}

/// What a list is asked for, before names are resolved.
#[derive(Debug, Clone, Default)]
pub struct ListRequest {
    pub plugin_id: Option<String>,
    pub filter: ListFilter,
    pub limit: i64,
    pub offset: i64,
}

/// Live entries, the last changed first, one after another to `each`: together they may be larger than the memory. A plugin that
/// the caller may not touch has none. What they were gathered in.
pub async fn list<T: Send + 'static>(
    app: &App,
    access: &Access,
    request: ListRequest,
    mut gathered: T,
    mut each: impl FnMut(&mut T, Found) -> Result<()> + Send + 'static,
) -> Result<T> {
    let (access, now) = (access.clone(), now());
    app.db
        .read(move |conn| {
            let mut filter = request.filter;
            if let Some(name) = &request.plugin_id {
                filter.plugin = Some(context::resolve(conn, &access.user, name)?);
            }
            for (entry, small) in state_lists::list(conn, &access.user, &access.plugins, &filter, now, (request.limit, request.offset))? {
                let stored = small.map_or_else(|| state_entries::document(conn, &entry), |small| Ok(Some(small)))?;
                each(&mut gathered, Found::new(entry, stored)?)?;
            }
            Ok(gathered)
        })
        .await
}

impl KeyText {
    /// # Errors
    ///
    /// `Validation` for what cannot be a key, `Forbidden` for a plugin beyond the caller's scopes.
    pub fn resolve(&self, conn: &mut Connection, access: &Access) -> Result<StateKey> {
        let plugin = context::resolve(conn, &access.user, &self.plugin_id)?;
        access.require(&plugin)?;
        StateKey::new(plugin, self.page_id.as_deref(), self.state_key.as_deref())
    }
}

/// The rest of a key's work once the plugin is known.
pub(super) async fn key_and_context(app: &Arc<App>, access: &Access, key: &KeyText) -> Result<(StateKey, context::Context)> {
    if let Some(kept) = memory::context(app, access, &key.plugin_id) {
        access.require(&kept.plugin)?;
        return Ok((StateKey::new(kept.plugin.clone(), key.page_id.as_deref(), key.state_key.as_deref())?, kept));
    }
    let before = memory::before(app, access, &key.plugin_id);
    let (shared, owner, key) = (Arc::clone(app), access.clone(), key.clone());
    let found = app.db.read(move |conn| {
        let key = key.resolve(conn, &owner)?;
        let context = context::load_in(&shared, conn, &owner.user, key.plugin.clone())?;
        Ok((key, context))
    });
    let (key, context) = found.await?;
    if let Some(before) = before {
        memory::keep_context(app, access, before, &context);
    }
    Ok((key, context))
}
