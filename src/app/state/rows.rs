//! What a change of an entry writes: the entry, its revision, and the sums.

use super::{
    Access, amount,
    commit::{Action, Operation, Outcome, Place, Written},
};
use crate::{
    domain::{
        Timestamp,
        state::{ChangeType, Entry, Revision},
    },
    error::{Error, Result},
    storage::{
        Connection, snapshots, state_entries, state_heads, state_revisions,
        state_usage::{self, Usage},
    },
};

/// Writes the entry as it is to be, its revision and the sums.
pub(super) fn write(
    conn: &mut Connection,
    place: &Place<'_>,
    operation: &Operation,
    row: Option<&Entry>,
    next: Entry,
    entries: i64,
) -> Result<Written> {
    let now = place.now;
    let data = operation.document().map(|document| document.data.as_slice());
    let content_changed = row.is_none_or(|entry| entry.version != next.version);
    match row {
        None => state_entries::insert(conn, &next, data)?,
        Some(_) if content_changed => state_entries::replace(conn, &next, data)?,
        Some(_) => state_entries::set_facts(conn, &next)?,
    }
    let visible = row.is_some_and(|entry| entry.is_live(now));
    let (change, outcome) = match operation.action {
        Action::Delete | Action::Purge => (ChangeType::Delete, Outcome::Deleted),
        Action::Expire => (ChangeType::Expire, Outcome::Deleted),
        Action::Restore { .. } => (ChangeType::Restore, Outcome::Updated),
        _ if visible => (ChangeType::Update, Outcome::Updated),
        _ => (ChangeType::Create, Outcome::Created),
    };
    if matches!(operation.action, Action::Purge) {
        state_revisions::prune(conn, &next.id, i64::MAX)?;
        snapshots::erase(conn, &next.user, &next.key)?;
    } else if content_changed {
        state_revisions::insert(conn, &next.id, &revision(place.access, &next, change, now), data)?;
        let dropped = no_longer_kept(conn, place, &next)?;
        if dropped > 0 {
            state_revisions::prune(conn, &next.id, dropped)?;
        }
    }
    if content_changed {
        count(conn, place, row, &next, entries)?;
    }
    Ok(Written { entry: next, outcome })
}

/// The newest version that the retention lets go; the entry's own always stays.
fn no_longer_kept(conn: &mut Connection, place: &Place<'_>, entry: &Entry) -> Result<i64> {
    let retention = &place.context.policy().retention;
    let by_count = entry.version - i64::from(retention.revisions);
    if retention.max_age_seconds.is_none() && retention.max_bytes.is_none() {
        return Ok(by_count);
    }
    let cutoff = retention.max_age_seconds.map(|seconds| place.now.minus(std::time::Duration::from_secs(seconds.into())));
    let mut bytes = amount(entry.stored_size)?;
    for older in state_revisions::list(conn, &entry.id, entry.version, i64::from(retention.revisions))? {
        bytes = bytes.saturating_add(amount(older.stored_size)?);
        if cutoff.is_some_and(|cutoff| older.created_at < cutoff) || retention.max_bytes.is_some_and(|most| bytes > most) {
            return Ok(by_count.max(older.version));
        }
    }
    Ok(by_count)
}

fn revision(access: &Access, entry: &Entry, change: ChangeType, now: Timestamp) -> Revision {
    Revision {
        version: entry.version,
        seq: entry.seq,
        change,
        encoding: entry.encoding,
        size: entry.size,
        stored_size: entry.stored_size,
        sha256: entry.sha256.clone(),
        schema_version: entry.schema_version.clone(),
        plugin_version: entry.plugin_version.clone(),
        device: entry.device.clone(),
        actor: access.actor.clone(),
        user_agent: access.user_agent.clone(),
        created_at: now,
    }
}

/// Moves the sums, and refuses what they may not reach. What does not add to them is always allowed.
fn count(conn: &mut Connection, place: &Place<'_>, row: Option<&Entry>, next: &Entry, entries: i64) -> Result<()> {
    let before = row.filter(|entry| entry.deleted_at.is_none());
    let change = Usage {
        entries: i64::from(next.deleted_at.is_none()) - i64::from(before.is_some()),
        size: next.size - before.map_or(0, |entry| entry.size),
        stored_size: next.stored_size - before.map_or(0, |entry| entry.stored_size),
    };
    if change.entries != 0 {
        let entries = amount(entries + change.entries)?;
        if change.entries > 0 && entries > place.quota.entries {
            return Err(Error::QuotaExceeded { what: "the number of state entries", limit: place.quota.entries, actual: entries });
        }
        state_heads::add_entries(conn, &next.user, change.entries)?;
    }
    if change != Usage::default() {
        let usage = state_usage::add(conn, &next.user, &next.key.plugin, change)?;
        let size = amount(usage.size)?;
        if change.size > 0 && size > place.quota.plugin_bytes {
            return Err(Error::QuotaExceeded { what: "the bytes of this plugin's state", limit: place.quota.plugin_bytes, actual: size });
        }
    }
    Ok(())
}
