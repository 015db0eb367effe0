//! The pass over what state entries held before: revisions and the copies of snapshots, each against its hash. A damaged one
//! is taken from a copy with the same hash, where there is one, and nothing is ever removed.

use std::collections::HashSet;

use super::{
    Doctor, Finding, Kind,
    states::{CHUNK, Repair},
};
use crate::{
    app::state::encode,
    domain::{
        UserId,
        state::{Encoding, PluginSet, Revision, Snapshot, SnapshotKey, StateKey, Stored},
    },
    error::Result,
    storage::{Connection, snapshots, state_entries, state_revisions},
};

/// Revisions that are listed at once, without their documents.
const PAGE: i64 = 100;

/// How far a walk through revisions has come.
#[derive(Debug, Clone, Copy)]
struct At {
    /// Place in the list of entries.
    entry: usize,
    /// Only revisions before this version.
    before: i64,
}

impl At {
    fn beginning_of(entry: usize) -> Self {
        Self { entry, before: i64::MAX }
    }
}

impl Doctor<'_> {
    pub(super) async fn revisions(&mut self, user: &UserId, entries: Vec<String>) -> Result<()> {
        for chunk in entries.chunks(CHUNK) {
            let mut next = Some(At::beginning_of(0));
            while let Some(at) = next {
                let (owner, ids) = (user.clone(), chunk.to_vec());
                let (findings, rest) = self.app.db.read(move |conn| examine_revisions(conn, &owner, &ids, at)).await?;
                for finding in findings {
                    self.settle_state(finding).await?;
                }
                next = rest;
            }
        }
        Ok(())
    }

    pub(super) async fn snapshots(&mut self, user: &UserId) -> Result<()> {
        let owner = user.clone();
        for snapshot in self.app.db.read(move |conn| snapshots::list_all(conn, &owner, &PluginSet::All)).await? {
            let id = snapshot.id.clone();
            let keys = self.app.db.read(move |conn| snapshots::keys(conn, &id)).await?;
            for chunk in keys.chunks(CHUNK) {
                let (snapshot, wanted) = (snapshot.clone(), chunk.to_vec());
                for finding in self.app.db.read(move |conn| examine_copies(conn, &snapshot, &wanted)).await? {
                    self.settle_state(finding).await?;
                }
            }
        }
        Ok(())
    }
}

/// At most [`CHUNK`] revisions; where the next call has to go on, if there are more.
fn examine_revisions(conn: &mut Connection, user: &UserId, ids: &[String], from: At) -> Result<(Vec<Finding<Repair>>, Option<At>)> {
    let (mut at, mut left, mut findings) = (from, CHUNK, Vec::new());
    while let Some(id) = ids.get(at.entry) {
        let page = state_revisions::list(conn, id, at.before, i64::try_from(left).unwrap_or(i64::MAX))?;
        for revision in &page {
            at.before = revision.version;
            findings.extend(examine_revision(conn, user, id, revision)?);
        }
        left = left.saturating_sub(page.len());
        if left == 0 {
            return Ok((findings, Some(at)));
        }
        at = At::beginning_of(at.entry + 1);
    }
    Ok((findings, None))
}

/// Nothing when the document is what was stored, or the revision has none.
fn examine_revision(conn: &mut Connection, user: &UserId, id: &str, revision: &Revision) -> Result<Option<Finding<Repair>>> {
    let Some((revision, Some(data))) = state_revisions::find(conn, id, revision.version)? else { return Ok(None) };
    if is_whole(id, revision.encoding, revision.size, &revision.sha256, data) {
        return Ok(None);
    }
    let current = state_entries::find_by_id_with_data(conn, user, id)?.and_then(|(_, document)| document);
    let copy = current.filter(|document| document.sha256 == revision.sha256 && is_whole_document(id, document));
    let version = revision.version;
    let (remedy, repair) = match copy {
        Some(document) => ("write what the entry holds".to_owned(), Repair::Revision(id.to_owned(), version, document)),
        None => (
            "none: nothing else holds it; other versions can be rolled back to, and it goes when the policy's retention ends".to_owned(),
            Repair::Nothing,
        ),
    };
    let object = format!("revision {version} of state {id} of user {user}");
    Ok(Some(Finding { kind: Kind::DamagedRevision, object, detail: "its document is not what was stored".to_owned(), remedy, repair }))
}

fn examine_copies(conn: &mut Connection, snapshot: &Snapshot, wanted: &[SnapshotKey]) -> Result<Vec<Finding<Repair>>> {
    // Servers may run meanwhile, and copies may be gone by now.
    let there: HashSet<(String, String)> = snapshots::keys(conn, &snapshot.id)?.into_iter().map(|key| (key.page, key.key)).collect();
    let mut findings = Vec::new();
    for key in wanted.iter().filter(|key| there.contains(&(key.page.clone(), key.key.clone()))) {
        findings.extend(examine_copy(conn, snapshot, key)?);
    }
    Ok(findings)
}

fn examine_copy(conn: &mut Connection, snapshot: &Snapshot, key: &SnapshotKey) -> Result<Option<Finding<Repair>>> {
    let Snapshot { id, user, plugin, .. } = snapshot;
    let document = snapshots::entry(conn, id, key)?.document;
    if is_whole_document(id, &document) {
        return Ok(None);
    }
    let of_entry = StateKey { plugin: plugin.clone(), page: key.page.clone(), key: key.key.clone() };
    let (remedy, repair) = match revision_of(conn, user, &of_entry, &document.sha256)? {
        Some((encoding, data)) => {
            let document = Stored { encoding, data, ..document };
            ("write what a revision of the entry holds".to_owned(), Repair::Snapshot(id.clone(), key.clone(), document))
        }
        None => (
            "none: no revision holds it; it cannot be restored, so delete the snapshot or keep what else it holds".to_owned(),
            Repair::Nothing,
        ),
    };
    let object = format!("snapshot {id} of user {user}, plugin {plugin}, page {:?}, key {:?}", key.page, key.key);
    Ok(Some(Finding { kind: Kind::DamagedSnapshot, object, detail: "its copy is not what was stored".to_owned(), remedy, repair }))
}

/// The document with this hash, from any revision of the entry that is whole.
fn revision_of(conn: &mut Connection, user: &UserId, key: &StateKey, sha256: &str) -> Result<Option<(Encoding, Vec<u8>)>> {
    let Some(entry) = state_entries::find(conn, user, key)? else { return Ok(None) };
    let mut before = i64::MAX;
    loop {
        let page = state_revisions::list(conn, &entry.id, before, PAGE)?;
        for revision in page.iter().filter(|revision| revision.sha256 == sha256) {
            let Some((revision, Some(data))) = state_revisions::find(conn, &entry.id, revision.version)? else { continue };
            if is_whole(&entry.id, revision.encoding, revision.size, sha256, data.clone()) {
                return Ok(Some((revision.encoding, data)));
            }
        }
        match page.last() {
            Some(oldest) => before = oldest.version,
            None => return Ok(None),
        }
    }
}

fn is_whole_document(id: &str, document: &Stored) -> bool {
    is_whole(id, document.encoding, document.size, &document.sha256, document.data.clone())
}

fn is_whole(id: &str, encoding: Encoding, size: i64, sha256: &str, data: Vec<u8>) -> bool {
    encode::decode(id, encoding, size, sha256, data).is_ok()
}
