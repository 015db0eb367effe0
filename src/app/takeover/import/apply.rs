//! Carrying out a plan: releases first, one after another, then the users, some at a time.

use std::{collections::HashMap, sync::Arc};

use futures_util::{StreamExt, stream};

use super::{
    plan::{PlannedAccount, PlannedPlugin, PlannedRelease, PlannedUser},
    target::Target,
    tree::reason,
};
use crate::{
    app::{
        App, audit, now,
        plugins::records,
        releases::publish_described,
        takeover::{
            progress::Progress,
            report::{Item, Kind, Mode, Outcome, TakeoverReport},
        },
    },
    domain::{Caller, Manifest, Slug, Timestamp, Version, plugin::NewPlugin, record::InstallationMetadata},
    error::{Error, Result},
    offload,
    storage::{Connection, pending_records, plugins, users},
};

/// Users at a time: enough that SQLite's writer has batches to commit.
const AT_A_TIME: usize = 8;

/// Everything that an import is going to do.
pub struct Plan {
    pub releases: Vec<PlannedRelease>,
    pub users: Vec<PlannedUser>,
}

/// Carries the plan out, or in a dry run only tells; either way every item ends in the report.
pub async fn carry_out(
    app: &App,
    caller: &Caller,
    plan: Plan,
    target: &Target,
    report: &mut TakeoverReport,
    progress: &Progress,
) -> Result<()> {
    let Plan { releases, users } = plan;
    progress.phase("releases", releases.len());
    let mut failed = HashMap::new();
    for release in releases {
        if let Err(why) = publish(app, caller, &release, target, report).await {
            failed.insert((release.manifest.slug.clone(), release.version.clone()), why);
        }
        progress.advance(1);
    }
    progress.phase("users", users.len());
    let failed = &failed;
    let mode = report.mode;
    let saved = stream::iter(users.into_iter().map(|user| save(app, caller, user, failed, mode)));
    let mut saved = saved.buffered(AT_A_TIME);
    while let Some(items) = saved.next().await {
        items?.into_iter().for_each(|item| report.add(item));
        progress.advance(1);
    }
    Ok(())
}

async fn publish(app: &App, caller: &Caller, release: &PlannedRelease, target: &Target, report: &mut TakeoverReport) -> Result<(), String> {
    let known = target.releases.get(&(release.manifest.slug.clone(), release.version.clone()));
    let outcome = match known {
        Some((_, true)) => Ok(Outcome::AlreadyDone),
        _ if report.mode == Mode::DryRun => Ok(Outcome::Done),
        _ => place(app, caller, release).await.map(|()| Outcome::Done).map_err(reason),
    };
    let shown = outcome.clone().unwrap_or_else(Outcome::Failed);
    for item in &release.items {
        report.add(Item { outcome: shown.clone(), ..item.clone() });
    }
    outcome.map(drop)
}

async fn place(app: &App, caller: &Caller, release: &PlannedRelease) -> Result<()> {
    let staged = app.folder.stage_old(&release.place, app.limits()).await?;
    if staged.digest != release.digest {
        return Err(Error::Conflict("the files changed while they were read".to_owned()));
    }
    let manifest = Manifest { version: release.version.clone(), ..release.manifest.as_ref().clone() };
    publish_described(app, caller, staged, manifest).await.map(drop)
}

async fn save(
    app: &App,
    caller: &Caller,
    mut user: PlannedUser,
    failed: &HashMap<(Slug, Version), String>,
    mode: Mode,
) -> Result<Vec<Item>> {
    for plugin in user.plugins.iter_mut().filter(|plugin| plugin.is_new()) {
        let release = plugin.release.as_ref().and_then(|version| failed.get(&(plugin.new.plugin.slug.clone(), version.clone())));
        if let Some(why) = release {
            plugin.fail(&format!("its files could not be published: {why}"));
        }
    }
    refuse_unwritable(app, &mut user).await;
    if mode == Mode::Apply {
        write(app, caller, &mut user).await?;
    }
    let account = user.account.into_iter().map(|account| account.item);
    Ok(account.chain(user.plugins.into_iter().flat_map(|plugin| plugin.items)).collect())
}

/// A record that could not be written keeps the plugins away.
async fn refuse_unwritable(app: &App, user: &mut PlannedUser) {
    let (folder, id) = (app.folder.clone(), user.id.clone());
    if let Err(error) = offload::run(move || folder.check_user_records(&id)).await {
        let why = reason(error);
        user.plugins.iter_mut().filter(|plugin| plugin.is_new()).for_each(|plugin| plugin.fail(&why));
    }
}

/// All at once; where that fails, one by one, so that what is good is saved.
async fn write(app: &App, caller: &Caller, user: &mut PlannedUser) -> Result<()> {
    let account = user.account.as_ref().filter(|account| account.item.outcome == Outcome::Done).map(row);
    let wanted: Vec<Row> = user.plugins.iter().filter(|plugin| plugin.is_new()).map(plugin_row).collect();
    if account.is_none() && wanted.is_empty() {
        return Ok(());
    }
    if insert(app, caller, account.clone(), wanted).await.is_err() {
        if let Err(error) = insert(app, caller, account, Vec::new()).await {
            let why = reason(error);
            if let Some(account) = &mut user.account {
                account.item.outcome = Outcome::Failed(why.clone());
            }
            user.plugins.iter_mut().filter(|plugin| plugin.is_new()).for_each(|plugin| plugin.fail(&format!("its user: {why}")));
            return Ok(());
        }
        for plugin in user.plugins.iter_mut().filter(|plugin| plugin.is_new()) {
            if let Err(error) = insert(app, caller, None, vec![plugin_row(plugin)]).await {
                plugin.fail(&reason(error));
            }
        }
    }
    if let Err(error) = records::replay(app, &user.id).await {
        let failed = Item::new(Kind::RecordFile, format!("user {}", user.id), Outcome::Failed(reason(error)));
        if let Some(plugin) = user.plugins.iter_mut().find(|plugin| plugin.is_new()) {
            plugin.items.push(failed);
        }
    }
    Ok(())
}

type AccountRow = (crate::domain::user::User, Option<String>, bool);
type Row = (NewPlugin, InstallationMetadata);

fn row(account: &PlannedAccount) -> AccountRow {
    (account.user.clone(), account.password_hash.clone(), account.completes)
}

fn plugin_row(plugin: &PlannedPlugin) -> Row {
    (plugin.new.clone(), plugin.metadata.clone())
}

async fn insert(app: &App, caller: &Caller, account: Option<AccountRow>, new: Vec<Row>) -> Result<()> {
    let (caller, now, new) = (caller.clone(), now(), Arc::new(new));
    app.db
        .write(move |conn| {
            if let Some(account) = &account {
                insert_account(conn, &caller, account, now)?;
            }
            let rows: Vec<NewPlugin> = new.iter().map(|(new, _)| new.clone()).collect();
            plugins::insert_all(conn, &rows)?;
            for (NewPlugin { plugin, .. }, metadata) in new.iter() {
                pending_records::put(conn, &plugin.user, &plugin.slug, Some(metadata))?;
                audit::record(conn, &caller, "plugin.import", format!("{} {}", plugin.id, plugin.version), now)?;
            }
            Ok(())
        })
        .await
}

fn insert_account(conn: &mut Connection, caller: &Caller, (user, hash, completes): &AccountRow, now: Timestamp) -> Result<()> {
    match completes {
        false => users::insert(conn, user, hash.clone())?,
        true => {
            users::update(conn, user)?;
            if let Some(hash) = hash {
                users::set_password(conn, &user.id, hash, user.updated_at)?;
            }
        }
    }
    audit::record(conn, caller, "user.import", user.id.as_str(), now)
}
