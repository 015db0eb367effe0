//! One user's entries into the database: a bounded number of them in each transaction, each whole with its revisions.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{
    known::Known,
    plan::{PlannedEntry, There, plan, set},
    read::Owner,
};
use crate::{
    app::{
        App, audit, now,
        takeover::{
            import::{plan::placeholder, tree::reason},
            report::{Item, Mode, Outcome},
        },
    },
    domain::{
        Caller, Slug, UserId,
        state::{Entry, PluginSet, Revision},
        user::User,
    },
    error::Result,
    storage::{
        Connection, state_entries, state_heads, state_lists, state_revisions,
        state_usage::{self, Usage},
        users,
    },
};

/// Of one transaction: entries, and bytes of their documents.
const MOST_ENTRIES: usize = 200;
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// Saves what is not there yet; a dry run only tells. The answer is one item for every row, and the account, if one is made.
pub async fn save(app: &App, caller: &Caller, known: &Known, owner: Owner, mode: Mode) -> Result<Vec<Item>> {
    let Some(user) = owner.user.clone() else {
        return Ok(plan_of_nobody(owner));
    };
    let wanted = user.clone();
    let there = app.db.read(move |conn| look(conn, &wanted)).await?;
    let (mut items, entries) = plan(owner, &user, &there, &caller.actor());
    let entries = refuse_taken(app, entries, &mut items).await?;
    if entries.is_empty() {
        return Ok(items);
    }
    let account = match there.has_account || known.has_account(&user) {
        true => None,
        false => {
            let source = items.first().map(|item| item.source.clone()).unwrap_or_default();
            Some(placeholder(&user, source, "an orphan names a user who is not in the database", now()))
        }
    };
    if mode == Mode::Apply {
        match there.has_account || account.is_some() {
            true => write(app, caller, account.as_ref().map(|account| account.user.clone()), entries, &mut items).await?,
            false => {
                let failed = Outcome::Failed("its user could not be saved".to_owned());
                entries.iter().for_each(|planned| set(&mut items, &planned.items, &failed));
            }
        }
    }
    Ok(account.into_iter().map(|account| account.item).chain(items).collect())
}

/// An id belongs to one entry, whoever's it is.
async fn refuse_taken(app: &App, mut entries: Vec<PlannedEntry>, items: &mut [Item]) -> Result<Vec<PlannedEntry>> {
    if entries.is_empty() {
        return Ok(entries);
    }
    let ids: Vec<String> = entries.iter().map(|planned| planned.entry.id.clone()).collect();
    let owners: HashMap<String, UserId> = app.db.read(move |conn| state_entries::owners(conn, &ids)).await?.into_iter().collect();
    entries.retain(|planned| match owners.get(&planned.entry.id) {
        None => true,
        Some(owner) => {
            let why = format!("the id {:?} is that of an entry of user {owner}", planned.entry.id);
            set(items, &planned.items, &Outcome::Failed(why));
            false
        }
    });
    Ok(entries)
}

/// Rows of which nothing can be taken over.
fn plan_of_nobody(owner: Owner) -> Vec<Item> {
    let states = owner.states.into_iter().map(|(item, _)| item);
    let history = owner.history.into_iter().map(|(item, read)| match read {
        Some(revision) => Item { outcome: Outcome::Skipped(format!("its state {:?} was not taken over", revision.state)), ..item },
        None => item,
    });
    states.chain(history).collect()
}

fn look(conn: &mut Connection, user: &UserId) -> Result<There> {
    let has_account = users::find(conn, user)?.is_some();
    let mut there = There { has_account, ..There::default() };
    for entry in state_lists::changes(conn, user, &PluginSet::All, 0, i64::MAX)? {
        there.ids.insert(entry.key.clone(), entry.id.clone());
        there.keys.insert(entry.id, entry.key);
    }
    Ok(there)
}

async fn write(app: &App, caller: &Caller, mut account: Option<User>, entries: Vec<PlannedEntry>, items: &mut [Item]) -> Result<()> {
    for batch in batches(entries) {
        let batch = Arc::new(batch);
        if insert_all(app, caller, account.clone(), Arc::clone(&batch)).await.is_ok() {
            account = None;
            continue;
        }
        // One by one, so that what is good is saved.
        for planned in batch.iter() {
            match insert_all(app, caller, account.clone(), Arc::new(vec![planned.clone()])).await {
                Ok(()) => account = None,
                Err(error) => set(items, &planned.items, &Outcome::Failed(reason(error))),
            }
        }
    }
    Ok(())
}

fn batches(entries: Vec<PlannedEntry>) -> Vec<Vec<PlannedEntry>> {
    let mut batches: Vec<Vec<PlannedEntry>> = Vec::new();
    let mut bytes = 0;
    for planned in entries {
        bytes += planned.weight();
        match batches.last_mut() {
            Some(batch) if batch.len() < MOST_ENTRIES && bytes <= MOST_BYTES => batch.push(planned),
            _ => {
                bytes = planned.weight();
                batches.push(vec![planned]);
            }
        }
    }
    batches
}

async fn insert_all(app: &App, caller: &Caller, account: Option<User>, batch: Arc<Vec<PlannedEntry>>) -> Result<()> {
    let caller = caller.clone();
    app.db
        .write(move |conn| {
            if let Some(account) = &account {
                users::insert(conn, account, None)?;
                audit::record(conn, &caller, "user.import", account.id.as_str(), now())?;
            }
            let Some(user) = batch.first().map(|planned| planned.entry.user.clone()) else { return Ok(()) };
            let mut sums: BTreeMap<&Slug, Usage> = BTreeMap::new();
            for planned in batch.iter() {
                insert(conn, planned)?;
                let sum = sums.entry(&planned.entry.key.plugin).or_default();
                sum.entries += 1;
                sum.size += planned.entry.size;
                sum.stored_size += planned.entry.stored_size;
            }
            state_heads::add_entries(conn, &user, sums.values().map(|sum| sum.entries).sum())?;
            for (plugin, sum) in sums {
                state_usage::add(conn, &user, plugin, sum)?;
            }
            audit::record(conn, &caller, "state.import", format!("{} entries of {user}", batch.len()), now())
        })
        .await
}

/// Every revision moves the user's counter, as it would have here.
fn insert(conn: &mut Connection, planned: &PlannedEntry) -> Result<()> {
    let user = &planned.entry.user;
    let advance = |_: &_| Ok(state_heads::advance(conn, user)?.seq);
    let counted: Vec<i64> = planned.revisions.iter().map(advance).collect::<Result<_>>()?;
    let seq = counted.last().copied().unwrap_or_default();
    let data = planned.revisions.last().map(|(_, document)| document.data.as_slice());
    state_entries::insert(conn, &Entry { seq, ..planned.entry.clone() }, data)?;
    for ((revision, document), seq) in planned.revisions.iter().zip(counted) {
        state_revisions::insert(conn, &planned.entry.id, &Revision { seq, ..revision.clone() }, Some(&document.data))?;
    }
    Ok(())
}
