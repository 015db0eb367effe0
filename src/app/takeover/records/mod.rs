//! `migrate-records`: entries in the long form become rows and short entries.
//!
//! Users go in batches. For each the rows are committed first, then the originals are copied to the backup, then the files
//! are replaced. A run that is killed in between is finished by the next: rows that are there are met as the database's
//! word, which says the same.

mod catalogue;
mod others;
mod plan;
mod undo;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use futures_util::{StreamExt, stream};
use tokio::sync::OnceCell;

pub use undo::undo;

use self::{
    catalogue::Catalogue,
    plan::{Files, Plan, Stored},
};
use super::{Item, Kind, Mode, Outcome, Progress, TakeoverReport};
use crate::{
    app::{App, audit, now},
    domain::{Caller, UserId},
    error::Result,
    files::{Backup, InUsers, PluginsFolder, RecordFolder},
    offload,
    storage::{Connection, modules, pending_records, plugins, users},
};

pub(super) const COMMAND: &str = "migrate-records";
/// What the names of its backups begin with.
const BACKUP: &str = "records";
/// Users whose rows are committed together; bounds the memory that is needed, too.
const BATCH: usize = 200;
/// Batches at a time: while the files of one are being synced, the rows of the next are written.
const AT_A_TIME: usize = 2;

/// Moves what the files of records repeat into the database and shortens the entries. A dry run writes nothing.
pub async fn migrate(app: &App, caller: &Caller, mode: Mode, progress: &Progress) -> Result<TakeoverReport> {
    caller.require_admin()?;
    let mut report = TakeoverReport::new(COMMAND, mode);
    let writes = mode == Mode::Apply;
    if writes {
        app.recover().await?;
    }
    let catalogue = Catalogue::take_in(app, caller, writes, progress, &mut report).await?;
    let users = list_users(app, &mut report).await?;
    progress.phase("users", users.len());
    let backup = writes.then(OnceCell::new);
    let migrated = stream::iter(batches(users)).map(|batch| migrate_batch(app, caller, batch, &catalogue, backup.as_ref()));
    let mut migrated = migrated.buffered(AT_A_TIME);
    while let Some(done) = migrated.next().await {
        let (size, items) = done?;
        items.into_iter().for_each(|item| report.add(item));
        progress.advance(size);
    }
    drop(migrated);
    others::tell(app, &mut report).await?;
    report.backup = backup.and_then(OnceCell::into_inner).map(|backup| backup.label);
    if writes {
        // What waited for a file that could not be written before.
        app.recover().await?;
    }
    Ok(report)
}

/// Rows first, then copies of the originals, then the files; without `backup` nothing is written. How many users there were,
/// and what became of what they have.
async fn migrate_batch(
    app: &App,
    caller: &Caller,
    batch: Vec<(UserId, Vec<RecordFolder>)>,
    catalogue: &Catalogue,
    backup: Option<&OnceCell<Backup>>,
) -> Result<(usize, Vec<Item>)> {
    let size = batch.len();
    let folder = app.folder.clone();
    let files = offload::run(move || Ok(read(&folder, batch))).await?;
    let stored = look_up(app, files.iter().map(|(user, _)| user.clone()).collect()).await?;
    let mut plans = plan::all(files, &stored, catalogue, now())?;
    if let Some(backup) = backup {
        plans = write(app, caller, plans, backup).await?;
    }
    Ok((size, plans.into_iter().flat_map(|plan| plan.items).collect()))
}

type Folders = BTreeMap<UserId, Vec<RecordFolder>>;

async fn list_users(app: &App, report: &mut TakeoverReport) -> Result<Folders> {
    let folder = app.folder.clone();
    let mut users = Folders::new();
    for found in offload::run(move || folder.list_users()).await? {
        match found {
            InUsers::Folder(found) => users.entry(found.user.clone()).or_default().push(found),
            InUsers::Unfinished { label, .. } => {
                report.add(Item::new(Kind::File, label, Outcome::Skipped("a killed writer of records left it".to_owned())));
            }
            InUsers::Stray { label, why, has_records: true } | InUsers::Unreadable { label, why } => {
                report.add(Item::new(Kind::RecordFile, label, Outcome::Failed(why)))
            }
            InUsers::Stray { label, why, .. } => report.add(Item::new(Kind::File, label, Outcome::Skipped(why))),
        }
    }
    // The folder where this server looks comes first: of two entries for one plugin its own counts.
    for folders in users.values_mut() {
        folders.sort_by_key(|folder| (!folder.is_ours, folder.label.clone()));
    }
    Ok(users)
}

fn batches(users: Folders) -> Vec<Vec<(UserId, Vec<RecordFolder>)>> {
    let mut users = users.into_iter().peekable();
    let mut batches = Vec::new();
    while users.peek().is_some() {
        batches.push(users.by_ref().take(BATCH).collect());
    }
    batches
}

fn read(folder: &PluginsFolder, batch: Vec<(UserId, Vec<RecordFolder>)>) -> Vec<(UserId, Files)> {
    let one = |found: RecordFolder| {
        let content = folder.read_record_file(&found.label).map_err(|e| e.chain().to_string()).transpose()?;
        Some((found, content))
    };
    batch.into_iter().map(|(user, folders)| (user, folders.into_iter().filter_map(one).collect())).collect()
}

async fn look_up(app: &App, wanted: Vec<UserId>) -> Result<HashMap<UserId, Stored>> {
    app.db
        .read(move |conn| {
            let mut found: HashMap<UserId, Stored> = HashMap::new();
            for user in users::existing(conn, &wanted)? {
                found.entry(user).or_default().exists = true;
            }
            let mut owners = HashMap::new();
            for plugin in plugins::of_users(conn, &wanted)? {
                owners.insert(plugin.id.clone(), plugin.user.clone());
                found.entry(plugin.user.clone()).or_default().plugins.insert(plugin.slug.clone(), plugin);
            }
            for (id, module) in modules::of_users(conn, &wanted)? {
                if let Some(stored) = owners.get(&id).and_then(|user| found.get_mut(user)) {
                    stored.modules.entry(id).or_default().push(module);
                }
            }
            for (id, version) in plugins::versions_of_users(conn, &wanted)? {
                if let Some(stored) = owners.get(&id).and_then(|user| found.get_mut(user)) {
                    stored.versions.insert((id, version.to_string()));
                }
            }
            for (user, slug) in pending_records::of_users(conn, &wanted)? {
                found.entry(user).or_default().pending.insert(slug);
            }
            Ok(found)
        })
        .await
}

async fn write(app: &App, caller: &Caller, plans: Vec<Plan>, backup: &OnceCell<Backup>) -> Result<Vec<Plan>> {
    let plans = Arc::new(plans);
    if plans.iter().any(Plan::has_rows) {
        let (rows, caller) = (Arc::clone(&plans), caller.clone());
        app.db.write(move |conn| insert(conn, &caller, &rows)).await?;
    }
    let plans = Arc::unwrap_or_clone(plans);
    if plans.iter().all(|plan| plan.rewrites.is_empty()) {
        return Ok(plans);
    }
    let folder = app.folder.clone();
    let begin = || offload::run(move || folder.begin_backup(BACKUP, now()));
    let kept = backup.get_or_try_init(begin).await?.clone();
    let folder = app.folder.clone();
    offload::run(move || {
        let rewrites: Vec<_> = plans.iter().flat_map(|plan| plan.rewrites.iter().cloned()).collect();
        folder.keep(&kept, &rewrites.iter().map(|rewrite| rewrite.label.clone()).collect::<Vec<_>>())?;
        folder.rewrite(rewrites)?;
        Ok(plans)
    })
    .await
}

fn insert(conn: &mut Connection, caller: &Caller, plans: &[Plan]) -> Result<()> {
    let now = now();
    let accounts: Vec<_> = plans.iter().filter_map(|plan| plan.account.clone()).collect();
    users::insert_all(conn, &accounts)?;
    let new: Vec<_> = plans.iter().flat_map(|plan| plan.plugins.iter().cloned()).collect();
    plugins::insert_all(conn, &new)?;
    for plan in plans.iter().filter(|plan| plan.has_rows()) {
        audit::record(conn, caller, "user.migrate-records", plan.user.as_str(), now)?;
    }
    Ok(())
}
