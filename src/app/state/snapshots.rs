//! Keeping all entries of one plugin as they are, and going back to that.

use std::{collections::HashSet, sync::Arc};

use super::{
    Access,
    commit::{Action, Facts, Operation, Place, Quota, Step, Target, commit},
    context,
};
use crate::{
    app::{App, new_id, now},
    domain::{
        Slug,
        state::{Guard, Snapshot, SnapshotEntry, SnapshotReason, StateKey},
    },
    error::{Error, Result},
    storage::{Connection, snapshots, state_heads, state_lists},
};

/// Of one plugin and user; pinned ones do not count.
const KEPT: usize = 10;

fn absent() -> Error {
    Error::NotFound("snapshot".to_owned())
}

/// Makes a snapshot, in the transaction that it is called in, and lets the oldest go.
pub fn take(
    app: &App,
    conn: &mut Connection,
    access: &Access,
    plugin: &Slug,
    reason: SnapshotReason,
    (label, pinned): (Option<String>, bool),
) -> Result<Snapshot> {
    // Waits for whoever is writing, and keeps others from it.
    let seq = state_heads::advance(conn, &access.user)?.seq - 1;
    state_heads::take_back(conn, &access.user)?;
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
    let snapshot = snapshots::insert(conn, snapshot)?;
    let all = snapshots::list(conn, &access.user, plugin)?;
    for old in all.iter().filter(|snapshot| !snapshot.pinned).skip(KEPT) {
        snapshots::delete(conn, &old.id)?;
    }
    Ok(snapshot)
}

/// Makes the plugin's state what it was: new revisions, and deletions of what was not there; in the transaction that it is
/// called in. A copy of what is there before is kept.
pub fn restore_in(app: &App, conn: &mut Connection, access: &Access, snapshot: &Snapshot, reason: SnapshotReason) -> Result<()> {
    let copies = snapshots::entries(conn, &snapshot.id)?;
    take(app, conn, access, &snapshot.plugin, reason, (None, false))?;
    let context = context::load_in(app, conn, &access.user, snapshot.plugin.clone())?;
    let place = Place { access, context: &context, quota: Quota::of(app), now: now() };
    let key = |page: &str, key: &str| StateKey { plugin: snapshot.plugin.clone(), page: page.to_owned(), key: key.to_owned() };
    let due = |copy: &SnapshotEntry| copy.expires_at.is_none_or(|end| end > place.now);
    let kept: HashSet<StateKey> = copies.iter().filter(|copy| due(copy)).map(|copy| key(&copy.page, &copy.key)).collect();
    for entry in state_lists::of_plugin(conn, &access.user, &snapshot.plugin)? {
        if entry.is_live(place.now) && !kept.contains(&entry.key) {
            run(conn, &place, Target::Id(entry.id), Action::Delete, Facts::default())?;
        }
    }
    for copy in copies.into_iter().filter(due) {
        let facts = Facts {
            strategy: Some(copy.strategy),
            expires_at: Some(copy.expires_at),
            device: copy.device,
            schema_version: copy.schema_version,
        };
        let action = Action::Restore { document: Arc::new(copy.document), refused: Vec::new() };
        run(conn, &place, Target::Key(key(&copy.page, &copy.key)), action, facts)?;
    }
    Ok(())
}

fn run(conn: &mut Connection, place: &Place<'_>, target: Target, action: Action, facts: Facts) -> Result<()> {
    let operation = Operation { target, action, guard: Guard::unconditional(), facts, base: None };
    match commit(conn, place, &operation)? {
        Step::Done(_) => Ok(()),
        Step::Stale => Err(Error::Busy { what: "this plugin's state" }),
    }
}

/// Erases all state of the plugin, in the transaction that it is called in: entries, revisions and snapshots.
pub fn purge_in(app: &App, conn: &mut Connection, access: &Access, plugin: &Slug) -> Result<()> {
    let context = context::load_in(app, conn, &access.user, plugin.clone())?;
    let place = Place { access, context: &context, quota: Quota::of(app), now: now() };
    for entry in state_lists::of_plugin(conn, &access.user, plugin)? {
        run(conn, &place, Target::Id(entry.id), Action::Purge, Facts::default())?;
    }
    for snapshot in snapshots::list(conn, &access.user, plugin)? {
        snapshots::delete(conn, &snapshot.id)?;
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
            take(&shared, conn, &access, &plugin, SnapshotReason::Request, (label.clone(), pinned))
        })
        .await
}

/// Newest first; of one plugin, or of all.
pub async fn list_snapshots(app: &App, access: &Access, plugin_id: Option<String>) -> Result<Vec<Snapshot>> {
    let access = access.clone();
    app.db
        .read(move |conn| match plugin_id {
            None => snapshots::list_all(conn, &access.user, &access.plugins),
            Some(name) => {
                let plugin = context::resolve(conn, &access.user, &name)?;
                access.require(&plugin)?;
                snapshots::list(conn, &access.user, &plugin)
            }
        })
        .await
}

fn find_in(conn: &mut Connection, access: &Access, id: &str) -> Result<Snapshot> {
    snapshots::find(conn, &access.user, id)?.filter(|snapshot| access.plugins.includes(&snapshot.plugin)).ok_or_else(absent)
}

/// A snapshot with the keys it holds.
pub async fn snapshot(app: &App, access: &Access, id: &str) -> Result<(Snapshot, Vec<SnapshotEntry>)> {
    let (access, id) = (access.clone(), id.to_owned());
    app.db
        .read(move |conn| {
            let found = find_in(conn, &access, &id)?;
            Ok((found, snapshots::entries(conn, &id)?))
        })
        .await
}

pub async fn delete_snapshot(app: &App, access: &Access, id: &str) -> Result<()> {
    let (access, id) = (access.clone(), id.to_owned());
    app.db
        .write(move |conn| {
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
