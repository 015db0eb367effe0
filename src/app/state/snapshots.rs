//! Keeping all entries of one plugin as they are, and going back to that.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    Access,
    commit::{Action, Facts, Place, Quota, Target, write_unasked},
    context, encode,
};
use crate::{
    app::{App, new_id, now, page::Page},
    domain::{
        Slug, UserId,
        state::{Entry, Snapshot, SnapshotEntry, SnapshotKey, SnapshotReason, StateKey},
    },
    error::{Error, Result},
    storage::{Connection, snapshots, state_heads, state_lists},
};

/// Of one plugin and user; pinned ones do not count.
pub const SNAPSHOTS_KEPT: usize = 10;
/// Of one plugin and user: each may be as large as all that the plugin keeps.
pub const MOST_PINNED: usize = 20;

fn absent() -> Error {
    Error::NotFound("snapshot".to_owned())
}

/// Makes a snapshot, in the transaction that it is called in. When the oldest goes is for [`let_go`]: it may be the one that
/// is about to be restored.
pub fn take(
    app: &App,
    conn: &mut Connection,
    access: &Access,
    plugin: &Slug,
    reason: SnapshotReason,
    (label, pinned): (Option<String>, bool),
) -> Result<Snapshot> {
    let seq = state_heads::hold(conn, &access.user)?.seq;
    let context = context::load_in(app, conn, &access.user, plugin.clone())?;
    let snapshot = Snapshot {
        id: new_id(),
        user: access.user.clone(),
        plugin: plugin.clone(),
        plugin_version: context.version().map(str::to_owned),
        reason,
        label,
        pinned,
        entries: 0,
        size: 0,
        seq,
        created_by: access.actor.clone(),
        created_at: now(),
    };
    snapshots::insert(conn, snapshot)
}

/// Removes the plugin's oldest snapshots that newer ones push out, in the transaction that it is called in.
pub fn let_go(conn: &mut Connection, user: &UserId, plugin: &Slug) -> Result<()> {
    let all = snapshots::list(conn, user, plugin)?;
    for old in all.iter().filter(|snapshot| !snapshot.pinned).skip(SNAPSHOTS_KEPT) {
        snapshots::delete(conn, &old.id)?;
    }
    Ok(())
}

/// Makes the plugin's state what it was: new revisions, and deletions of what was not there; in the transaction that it is
/// called in. A copy of what is there before is kept.
///
/// # Errors
///
/// `StateCorrupt` for a damaged copy, which replaces nothing.
pub fn restore_in(app: &App, conn: &mut Connection, access: &Access, snapshot: &Snapshot, reason: SnapshotReason) -> Result<()> {
    take(app, conn, access, &snapshot.plugin, reason, (None, false))?;
    // From here on nobody removes it. Of one that is gone there are no copies, and all that it held would be deleted.
    snapshots::find(conn, &access.user, &snapshot.id)?.ok_or_else(absent)?;
    let copies = snapshots::keys(conn, &snapshot.id)?;
    let context = context::load_in(app, conn, &access.user, snapshot.plugin.clone())?;
    let place = Place { access, context: &context, quota: Quota::of(app), now: now() };
    let due = |copy: &SnapshotKey| copy.expires_at.is_none_or(|end| end > place.now);
    let mut copies: Vec<SnapshotKey> = copies.into_iter().filter(due).collect();
    let key = |copy: &SnapshotKey| StateKey { plugin: snapshot.plugin.clone(), page: copy.page.clone(), key: copy.key.clone() };
    let kept: HashSet<StateKey> = copies.iter().map(key).collect();
    let rows: HashMap<StateKey, Entry> =
        state_lists::of_plugin(conn, &access.user, &snapshot.plugin)?.into_iter().map(|row| (row.key.clone(), row)).collect();
    for row in rows.values() {
        if row.is_live(place.now) && !kept.contains(&row.key) {
            write_unasked(conn, &place, Target::Id(row.id.clone()), Action::Delete, Facts::default())?;
        }
    }
    // What shrinks comes first: where the plugin's state fits before and after, it fits all the way.
    let growth = |copy: &SnapshotKey| copy.size - rows.get(&key(copy)).map_or(0, |row| row.size);
    copies.sort_by_cached_key(growth);
    // One at a time: together they may be larger than the memory.
    for copy in copies {
        let key = key(&copy);
        let SnapshotEntry { document, schema_version, strategy, device } = snapshots::entry(conn, &snapshot.id, &copy)?;
        let row = rows.get(&key);
        // A row that is forgotten has no id any more; then the copy is found by the snapshot's.
        encode::json(row.map_or(&snapshot.id, |row| &row.id), &document)?;
        // By id where there is one: by key only active entries are found.
        let target = row.map_or_else(|| Target::Key(key), |row| Target::Id(row.id.clone()));
        let active = row.map(|row| row.active);
        let facts = Facts { strategy: Some(strategy), expires_at: Some(copy.expires_at), device, schema_version, active };
        let action = Action::Restore { document: Arc::new(document), refused: Vec::new() };
        write_unasked(conn, &place, target, action, facts)?;
    }
    let_go(conn, &access.user, &snapshot.plugin)
}

/// Erases all state of the plugin, in the transaction that it is called in: entries, revisions and snapshots.
pub fn purge_in(app: &App, conn: &mut Connection, access: &Access, plugin: &Slug) -> Result<()> {
    // What is found from here on is all there is.
    state_heads::hold(conn, &access.user)?;
    let context = context::load_in(app, conn, &access.user, plugin.clone())?;
    let place = Place { access, context: &context, quota: Quota::of(app), now: now() };
    // Before the entries, each of which would be looked for in all of them.
    for snapshot in snapshots::list(conn, &access.user, plugin)? {
        snapshots::delete(conn, &snapshot.id)?;
    }
    for entry in state_lists::of_plugin(conn, &access.user, plugin)? {
        write_unasked(conn, &place, Target::Id(entry.id), Action::Purge, Facts::default())?;
    }
    Ok(())
}

/// The snapshot made when the plugin was last updated away from this version.
pub fn before_update(conn: &mut Connection, access: &Access, plugin: &Slug, version: &str) -> Result<Option<Snapshot>> {
    let is_it = |snapshot: &Snapshot| snapshot.reason == SnapshotReason::Update && snapshot.plugin_version.as_deref() == Some(version);
    Ok(snapshots::list(conn, &access.user, plugin)?.into_iter().find(is_it))
}

pub async fn create_snapshot(app: &Arc<App>, access: &Access, plugin_id: String, label: Option<String>, pinned: bool) -> Result<Snapshot> {
    let (shared, access) = (Arc::clone(app), access.clone());
    app.db
        .write(move |conn| {
            let plugin = context::resolve(conn, &access.user, &plugin_id)?;
            access.require(&plugin)?;
            if pinned {
                check_pinned(conn, &access.user, &plugin)?;
            }
            let made = take(&shared, conn, &access, &plugin, SnapshotReason::Request, (label.clone(), pinned))?;
            let_go(conn, &access.user, &plugin)?;
            Ok(made)
        })
        .await
}

/// Whether one more may be pinned, in the transaction that it is called in.
fn check_pinned(conn: &mut Connection, user: &UserId, plugin: &Slug) -> Result<()> {
    state_heads::hold(conn, user)?;
    let pinned = snapshots::list(conn, user, plugin)?.iter().filter(|snapshot| snapshot.pinned).count();
    match pinned < MOST_PINNED {
        true => Ok(()),
        false => {
            Err(Error::QuotaExceeded { what: "the pinned snapshots of this plugin", limit: MOST_PINNED as u64, actual: pinned as u64 + 1 })
        }
    }
}

/// Those before this id, newest first; of one plugin, or of all.
pub async fn list_snapshots(
    app: &App,
    access: &Access,
    plugin_id: Option<String>,
    before: Option<String>,
    limit: usize,
) -> Result<Page<Snapshot>> {
    let access = access.clone();
    let found = app.db.read(move |conn| match plugin_id {
        None => snapshots::list_all(conn, &access.user, &access.plugins),
        Some(name) => {
            let plugin = context::resolve(conn, &access.user, &name)?;
            access.require(&plugin)?;
            snapshots::list(conn, &access.user, &plugin)
        }
    });
    // They are few, and no index has those of all plugins in their order.
    let mut found = found.await?;
    found.retain(|snapshot| before.as_ref().is_none_or(|before| snapshot.id < *before));
    found.truncate(limit.saturating_add(1));
    Ok(Page::new(found, limit, |snapshot| snapshot.id.clone()))
}

fn find_in(conn: &mut Connection, access: &Access, id: &str) -> Result<Snapshot> {
    snapshots::find(conn, &access.user, id)?.filter(|snapshot| access.plugins.includes(&snapshot.plugin)).ok_or_else(absent)
}

/// A snapshot with the keys it holds.
pub async fn snapshot(app: &App, access: &Access, id: &str) -> Result<(Snapshot, Vec<SnapshotKey>)> {
    let (access, id) = (access.clone(), id.to_owned());
    app.db
        .read(move |conn| {
            let found = find_in(conn, &access, &id)?;
            Ok((found, snapshots::keys(conn, &id)?))
        })
        .await
}

pub async fn delete_snapshot(app: &App, access: &Access, id: &str) -> Result<()> {
    let (access, id) = (access.clone(), id.to_owned());
    app.db
        .write(move |conn| {
            // Not while it is restored: what is missing then would be deleted.
            state_heads::hold(conn, &access.user)?;
            find_in(conn, &access, &id)?;
            snapshots::delete(conn, &id)
        })
        .await
}

/// One transaction; what was there before is kept as a snapshot of its own.
pub async fn restore_snapshot(app: &Arc<App>, access: &Access, id: &str) -> Result<Snapshot> {
    let (shared, owner, id) = (Arc::clone(app), access.clone(), id.to_owned());
    let restored = app
        .db
        .write(move |conn| {
            let found = find_in(conn, &owner, &id)?;
            restore_in(&shared, conn, &owner, &found, SnapshotReason::Restore)?;
            Ok(found)
        })
        .await?;
    app.state.wake(&access.user);
    Ok(restored)
}
