//! The pass over state, user by user: documents against their hashes, counters against the entries.

use std::collections::BTreeMap;

use super::{Doctor, Finding, Kind, State, note};
use crate::{
    app::{now, state::encode},
    domain::{
        Slug, UserId,
        state::{Entry, PluginSet, SnapshotKey, Stored},
        user::User,
    },
    error::Result,
    storage::{
        Connection, snapshots, state_entries,
        state_heads::{self, Head},
        state_lists, state_revisions,
        state_usage::{self, Usage},
        users,
    },
};

/// Entries whose documents are read in one transaction, so that none keeps the database for long.
pub(super) const CHUNK: usize = 100;

/// What is done about a difference.
#[derive(Debug, Clone)]
pub(super) enum Repair {
    /// Make an account for the entries.
    Account(UserId),
    /// Write what the entry's newest revision holds, too.
    Document(Box<Entry>, Stored),
    /// Write what the entry holds, too: its id, and the version of the revision.
    Revision(String, i64, Stored),
    /// Write what a revision holds, too: the snapshot's id.
    Snapshot(String, SnapshotKey, Stored),
    Usage(UserId, Slug, Usage),
    Head(UserId, Head),
    Nothing,
}

impl Doctor<'_> {
    pub(super) async fn states(&mut self) -> Result<()> {
        for (user, entries) in self.app.db.read(state_lists::ownerless).await? {
            let finding = Finding {
                kind: Kind::StateWithoutUser,
                object: format!("state of user {user}"),
                detail: format!("there is no such user, and {entries} entries"),
                remedy: "make an account for it, switched off and without a password".to_owned(),
                repair: Repair::Account(user),
            };
            self.settle_state(finding).await?;
        }
        self.progress.phase("state", usize::try_from(self.checkup.checked.users).unwrap_or_default());
        let mut after = None;
        while let Some(page) = self.next_users(&mut after).await? {
            for user in page {
                self.documents(&user).await?;
                self.snapshots(&user).await?;
                self.counters(&user).await?;
                self.progress.advance(1);
            }
        }
        Ok(())
    }

    async fn documents(&mut self, user: &UserId) -> Result<()> {
        let owner = user.clone();
        let entries = self.app.db.read(move |conn| state_lists::changes(conn, &owner, &PluginSet::All, 0, i64::MAX)).await?;
        let live: Vec<String> = entries.iter().filter(|entry| entry.deleted_at.is_none()).map(|entry| entry.id.clone()).collect();
        self.checkup.checked.states += live.len() as u64;
        for chunk in live.chunks(CHUNK) {
            let (owner, ids) = (user.clone(), chunk.to_vec());
            let examine = move |conn: &mut Connection| ids.iter().map(|id| examine(conn, &owner, id)).collect::<Result<Vec<_>>>();
            for finding in self.app.db.read(examine).await?.into_iter().flatten() {
                self.settle_state(finding).await?;
            }
        }
        // Deleted entries have a history, too.
        self.revisions(user, entries.into_iter().map(|entry| entry.id).collect()).await
    }

    async fn counters(&mut self, user: &UserId) -> Result<()> {
        let owner = user.clone();
        for finding in self.app.db.read(move |conn| recount(conn, &owner)).await? {
            self.settle_state(finding).await?;
        }
        Ok(())
    }

    pub(super) async fn settle_state(&mut self, finding: Finding<Repair>) -> Result<()> {
        let mut state = if self.checkup.repair { State::Left } else { State::Found };
        if self.checkup.repair && !matches!(finding.repair, Repair::Nothing) {
            let (caller, kind, object, repair) = (self.caller.clone(), finding.kind, finding.object.clone(), finding.repair.clone());
            self.app
                .db
                .write(move |conn| {
                    carry_out(conn, &repair)?;
                    note(conn, &caller, kind, &object)
                })
                .await?;
            state = State::Repaired;
        }
        self.add(finding, state);
        Ok(())
    }
}

fn carry_out(conn: &mut Connection, repair: &Repair) -> Result<()> {
    match repair {
        Repair::Account(user) => users::insert(conn, &User::of_an_id(user.clone(), now()), None),
        Repair::Document(entry, document) => state_entries::replace(conn, entry, Some(&document.data)),
        Repair::Revision(entry, version, document) => state_revisions::replace(conn, entry, *version, document),
        Repair::Snapshot(id, key, document) => snapshots::replace(conn, id, key, document),
        Repair::Usage(user, plugin, counted) => state_usage::set(conn, user, plugin, *counted),
        Repair::Head(user, counted) => state_heads::set(conn, user, *counted),
        Repair::Nothing => Ok(()),
    }
}

/// Nothing when the document is what was stored, or the entry is gone by now.
fn examine(conn: &mut Connection, user: &UserId, id: &str) -> Result<Option<Finding<Repair>>> {
    let Some((entry, Some(stored))) = state_entries::find_by_id_with_data(conn, user, id)? else { return Ok(None) };
    if encode::decode(id, stored.encoding, stored.size, &stored.sha256, stored.data).is_ok() {
        return Ok(None);
    }
    let (remedy, repair) = match copy_of(conn, &entry)? {
        Some((entry, copy)) => ("write what its newest revision holds".to_owned(), Repair::Document(Box::new(entry), copy)),
        None => ("none: its newest revision is damaged, too; roll it back to an earlier version, or delete it".to_owned(), Repair::Nothing),
    };
    let object = format!("state {id} of user {user}");
    Ok(Some(Finding { kind: Kind::DamagedState, object, detail: "its document is not what was stored".to_owned(), remedy, repair }))
}

/// The revision that was written together with the entry has the same document.
fn copy_of(conn: &mut Connection, entry: &Entry) -> Result<Option<(Entry, Stored)>> {
    let Some((revision, Some(data))) = state_revisions::find(conn, &entry.id, entry.version)? else { return Ok(None) };
    let read = encode::decode(&entry.id, revision.encoding, revision.size, &revision.sha256, data.clone());
    if revision.sha256 != entry.sha256 || read.is_err() {
        return Ok(None);
    }
    let whole = Entry { size: revision.size, stored_size: revision.stored_size, encoding: revision.encoding, ..entry.clone() };
    let content_sha256 = whole.content_sha256.clone();
    let stored = Stored { data, encoding: revision.encoding, size: revision.size, sha256: revision.sha256, content_sha256 };
    Ok(Some((whole, stored)))
}

/// Counts the user's live entries again, in one picture with what is kept of the sums.
fn recount(conn: &mut Connection, user: &UserId) -> Result<Vec<Finding<Repair>>> {
    let entries = state_lists::changes(conn, user, &PluginSet::All, 0, i64::MAX)?;
    let mut counted: BTreeMap<String, (Slug, Usage, Usage)> = BTreeMap::new();
    let mut head = Head::default();
    for entry in entries {
        head.seq = head.seq.max(entry.seq);
        if entry.deleted_at.is_some() {
            continue;
        }
        head.entries += 1;
        let (_, sums, _) =
            counted.entry(entry.key.plugin.to_string()).or_insert_with(|| (entry.key.plugin, Usage::default(), Usage::default()));
        sums.entries += 1;
        sums.size += entry.size;
        sums.stored_size += entry.stored_size;
    }
    for (plugin, kept) in state_usage::all(conn, user)? {
        counted.entry(plugin.to_string()).or_insert_with(|| (plugin, Usage::default(), Usage::default())).2 = kept;
    }
    let finding = |object: String, kept: String, is: String, repair| Finding {
        kind: Kind::StateCounts,
        object,
        detail: format!("is said to have {kept}; counted are {is}"),
        remedy: "write what was counted".to_owned(),
        repair,
    };
    let shown = |usage: &Usage| format!("{} entries of {} bytes, stored in {}", usage.entries, usage.size, usage.stored_size);
    let mut findings = Vec::new();
    for (plugin, sums, kept) in counted.into_values().filter(|(_, sums, kept)| sums != kept) {
        let object = format!("state of user {user}, plugin {plugin}");
        findings.push(finding(object, shown(&kept), shown(&sums), Repair::Usage(user.clone(), plugin, sums)));
    }
    let kept = state_heads::find(conn, user)?;
    if kept.entries != head.entries || kept.seq < head.seq {
        let is = Head { seq: kept.seq.max(head.seq), horizon: kept.horizon, ..head };
        let shown = |head: &Head| format!("{} entries and a counter at {}", head.entries, head.seq);
        findings.push(finding(format!("state of user {user}"), shown(&kept), shown(&is), Repair::Head(user.clone(), is)));
    }
    Ok(findings)
}
