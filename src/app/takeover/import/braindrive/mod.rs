//! `import braindrive`: a BrainDrive database together with its plugins folder.

mod accounts;
mod files;
mod locate;
mod most_common;
mod plugins;
mod records;
mod rows;
mod states;
mod tables;

use std::{collections::BTreeMap, path::PathBuf};

use super::{
    apply::{Plan, carry_out},
    plan::{PlannedUser, placeholder},
    refuse_own_folder,
    target::Target,
};
use crate::{
    app::{
        App, now,
        takeover::{
            progress::Progress,
            report::{Item, Kind, Mode, Outcome, TakeoverReport},
        },
    },
    domain::{Caller, UserId},
    error::Result,
    files::OldFolder,
    offload,
    storage::foreign::ForeignDatabase,
};

/// Where the old data are.
#[derive(Debug, Clone)]
pub struct Braindrive {
    /// A path to an SQLite file, or the URL of a PostgreSQL database.
    pub database: String,
    /// The plugins folder.
    pub folder: PathBuf,
    /// Whether rows whose user or plugin is missing are taken over.
    pub keep_orphans: bool,
}

/// Takes over accounts, releases, plugins, modules, records and states.
///
/// # Errors
/// What keeps the import from beginning; everything else is in the report.
pub async fn import_braindrive(app: &App, caller: &Caller, source: Braindrive, mode: Mode, progress: &Progress) -> Result<TakeoverReport> {
    caller.require_admin()?;
    refuse_own_folder(app, &source.folder)?;
    let mut report = TakeoverReport::new("import braindrive", mode);
    let (root, address) = (source.folder.clone(), source.database.clone());
    let (found, database, tables) = offload::run(move || {
        let mut database = ForeignDatabase::open(&address)?;
        let tables = tables::Tables::read(&mut database)?;
        Ok((OldFolder::scan(&root)?, database, tables))
    })
    .await?;
    let mut target = Target::look(app).await?;

    let mut accounts = accounts::plan(&tables, &mut target, &mut report);
    let names = rows::Names::new(&tables.plugins);
    let rows = rows::plugins(tables.plugins, tables.modules, &accounts, source.keep_orphans, &mut target, &mut report);
    let found = locate::Found::new(found);
    let (files, releases, rows) = files::settle(app, found, rows, &names.owned, &mut target, &mut report, progress).await?;
    let everybody = accounts.known.iter().chain(target.users.keys()).chain(rows.iter().map(|row| &row.user)).cloned();
    let known = states::Known::new(names.slugs, &rows, target.plugins.keys().cloned(), everybody, source.keep_orphans);
    let users = planned(caller, &mut accounts, rows, files, &mut target, &mut report)?;
    carry_out(app, caller, Plan { releases, users }, &target, &mut report, progress).await?;
    states::take_over(app, caller, database, known, &mut report, progress).await?;
    Ok(report)
}

/// Every user with their account and plugins; also those of whom orphans alone tell.
fn planned(
    caller: &Caller,
    accounts: &mut accounts::Accounts,
    rows: Vec<rows::RowPlugin>,
    mut files: files::Files,
    target: &mut Target,
    report: &mut TakeoverReport,
) -> Result<Vec<PlannedUser>> {
    let mut users: BTreeMap<UserId, PlannedUser> = BTreeMap::new();
    for (id, account) in std::mem::take(&mut accounts.planned) {
        users.insert(id.clone(), PlannedUser { id, account: Some(account), plugins: Vec::new() });
    }
    for row in rows {
        let user = users.entry(row.user.clone()).or_insert_with(|| PlannedUser::new(row.user.clone()));
        if user.account.is_none() && !accounts.known.contains(&row.user) && !target.users.contains_key(&row.user) {
            let what = if matches!(row.origin, rows::Origin::Record(_)) { "a record" } else { "an orphan" };
            user.account = Some(placeholder(&row.user, row.label(), &format!("{what} names a user who is not in the database"), now()));
        }
        match plugins::draft(caller, row, &mut files) {
            Ok((draft, items)) => user.plugins.push(draft.planned(items, target)?),
            Err(items) => items.into_iter().for_each(|item| report.add(item)),
        }
    }
    files.leave_rest(report);
    Ok(users.into_values().filter(|user| user.account.is_some() || !user.plugins.is_empty()).collect())
}

/// An item for a row.
fn row_item(kind: Kind, table: &str, id: Option<&str>, outcome: Outcome) -> Item {
    Item::new(kind, format!("{table}/{}", id.unwrap_or("(no id)")), outcome)
}
