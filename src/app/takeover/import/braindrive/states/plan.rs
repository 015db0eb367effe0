//! What becomes of one user's rows: of several for one key the newest is the entry, and the others, with the history of all
//! of them, are its revisions. Pure.

use std::collections::{BTreeMap, HashMap};

use super::{
    facts::{Facts, OldRevision, OldState},
    read::Owner,
};
use crate::{
    app::takeover::report::{Item, Outcome},
    domain::{
        Timestamp, UserId,
        state::{ChangeType, Entry, Revision, StateKey, Stored},
    },
};

/// What the target holds of the user.
#[derive(Default)]
pub struct There {
    pub has_account: bool,
    /// Tombstones included.
    pub keys: HashMap<String, StateKey>,
    pub ids: HashMap<StateKey, String>,
}

/// An entry as it is to be written; counters of the user come with the writing.
#[derive(Clone)]
pub struct PlannedEntry {
    pub entry: Entry,
    /// Oldest first; the last one is what the entry holds.
    pub revisions: Vec<(Revision, Stored)>,
    /// Places of what it was made of, among the items.
    pub items: Vec<usize>,
}

impl PlannedEntry {
    /// Bytes that its documents take.
    pub fn weight(&self) -> usize {
        self.revisions.iter().map(|(_, document)| document.data.len()).sum()
    }
}

/// Everything that is known of one key.
#[derive(Default)]
struct Group {
    /// With the place of the item.
    states: Vec<(usize, OldState)>,
    history: Vec<(usize, OldRevision)>,
}

/// One item for every row, and what is to be written. `actor` is who the revisions say made them.
pub fn plan(owner: Owner, user: &UserId, there: &There, actor: &str) -> (Vec<Item>, Vec<PlannedEntry>) {
    let mut items = Vec::with_capacity(owner.rows());
    let mut groups: BTreeMap<(String, String, String), Group> = BTreeMap::new();
    let mut group_of = HashMap::new();
    for (item, state) in owner.states {
        if let Some(state) = state {
            let name = (state.key.plugin.to_string(), state.key.page.clone(), state.key.key.clone());
            group_of.insert(state.id.clone(), name.clone());
            groups.entry(name).or_default().states.push((items.len(), state));
        }
        items.push(item);
    }
    for (mut item, revision) in owner.history {
        if let Some(revision) = revision {
            match group_of.get(&revision.state).and_then(|name| groups.get_mut(name)) {
                Some(group) => group.history.push((items.len(), revision)),
                None => item.outcome = Outcome::Skipped(format!("its state {:?} was not taken over", revision.state)),
            }
        }
        items.push(item);
    }
    let mut entries = Vec::new();
    for group in groups.into_values() {
        let Some(planned) = group.planned(user, actor, &mut items) else { continue };
        match is_there(&planned.entry, there) {
            None => entries.push(planned),
            Some(outcome) => set(&mut items, &planned.items, &outcome),
        }
    }
    // The user's counter is to follow the time, and always in the same order.
    entries.sort_by(|a, b| (a.entry.updated_at, &a.entry.id).cmp(&(b.entry.updated_at, &b.entry.id)));
    (items, entries)
}

/// Gives these items an outcome.
pub fn set(items: &mut [Item], places: &[usize], outcome: &Outcome) {
    for place in places {
        if let Some(item) = items.get_mut(*place) {
            item.outcome = outcome.clone();
        }
    }
}

fn is_there(entry: &Entry, there: &There) -> Option<Outcome> {
    match (there.keys.get(&entry.id), there.ids.get(&entry.key)) {
        (Some(key), _) if *key == entry.key => Some(Outcome::AlreadyDone),
        (Some(_), _) => Some(Outcome::Failed(format!("the id {:?} is that of another entry of the user", entry.id))),
        (None, Some(id)) => Some(Outcome::Skipped(format!("the user has an entry with this key already, {id}; it stays as it is"))),
        (None, None) => None,
    }
}

/// A document with when it was there: what a revision is made of.
struct Moment {
    /// In this order: time, history before the row that it led to, and the old count.
    order: (Option<Timestamp>, bool, i64),
    at: Timestamp,
    item: usize,
    document: Stored,
    schema_version: Option<String>,
    device: Option<String>,
    user_agent: Option<String>,
}

impl Group {
    fn planned(mut self, user: &UserId, actor: &str, items: &mut [Item]) -> Option<PlannedEntry> {
        self.states.sort_by(|(_, a), (_, b)| (a.facts.updated_at, &a.id).cmp(&(b.facts.updated_at, &b.id)));
        let count = self.states.len();
        let (place, newest) = self.states.pop()?;
        if count > 1
            && let Some(item) = items.get_mut(place)
        {
            item.notes.push(format!("is the newest of {count} rows for one key; the others are its revisions"));
        }
        let created_at = self.states.iter().map(|(_, state)| state.facts.created_at).chain([newest.facts.created_at]).min()?;
        let updated_at = newest.facts.updated_at;
        let mut moments: Vec<Moment> = self.states.into_iter().map(|(item, state)| Moment::of_state(item, state)).collect();
        moments.extend(self.history.into_iter().map(|(item, old)| Moment::of_history(item, old, created_at)));
        moments.sort_by_key(|moment| moment.order);
        let OldState { id, key, document, facts, .. } = newest;
        let Facts { strategy, schema_version, device, active, access_count, last_accessed, expires_at, .. } = facts;
        moments.push(Moment {
            order: (None, true, 0),
            at: updated_at,
            item: place,
            document: document.clone(),
            schema_version: schema_version.clone(),
            device: device.clone(),
            user_agent: None,
        });
        let mut revisions: Vec<(Revision, Stored)> = Vec::new();
        let places = moments.iter().map(|moment| moment.item).collect();
        for moment in moments {
            let target = |version| match moment.item == place {
                true => format!("state {id} of user {user}, plugin {}", key.plugin),
                false => format!("revision {version} of state {id}"),
            };
            // One revision for each change of content, as it was first written. What the entry holds is stored as the entry's.
            let version = match revisions.last_mut() {
                Some((revision, stored)) if stored.content_sha256 == moment.document.content_sha256 => {
                    if moment.item == place {
                        let Revision { encoding, size, stored_size, sha256, .. } = moment.revision(revision.version, actor);
                        *revision = Revision { encoding, size, stored_size, sha256, ..revision.clone() };
                        *stored = moment.document.clone();
                    }
                    revision.version
                }
                _ => {
                    let version = i64::try_from(revisions.len()).unwrap_or(i64::MAX).saturating_add(1);
                    revisions.push((moment.revision(version, actor), moment.document.clone()));
                    version
                }
            };
            if let Some(item) = items.get_mut(moment.item) {
                item.target = Some(target(version));
            }
        }
        let entry = Entry {
            id,
            user: user.clone(),
            key,
            size: document.size,
            stored_size: document.stored_size(),
            encoding: document.encoding,
            sha256: document.sha256,
            content_sha256: document.content_sha256,
            schema_version,
            // Nobody knows which one wrote it.
            plugin_version: None,
            strategy,
            device,
            seq: 0,
            version: revisions.last()?.0.version,
            active,
            last_accessed,
            access_count,
            created_at,
            updated_at,
            expires_at,
            deleted_at: None,
        };
        Some(PlannedEntry { entry, revisions, items: places })
    }
}

impl Moment {
    fn of_state(item: usize, state: OldState) -> Self {
        let OldState { document, facts: Facts { schema_version, device, updated_at, .. }, .. } = state;
        Self { order: (Some(updated_at), true, 0), at: updated_at, item, document, schema_version, device, user_agent: None }
    }

    /// What has no time comes first.
    fn of_history(item: usize, old: OldRevision, earliest: Timestamp) -> Self {
        let OldRevision { version, document, schema_version, device, user_agent, created_at, .. } = old;
        let at = created_at.unwrap_or(earliest);
        Self { order: (created_at, false, version), at, item, document, schema_version, device, user_agent }
    }

    fn revision(&self, version: i64, actor: &str) -> Revision {
        Revision {
            version,
            seq: 0,
            change: if version == 1 { ChangeType::Create } else { ChangeType::Update },
            encoding: self.document.encoding,
            size: self.document.size,
            stored_size: self.document.stored_size(),
            sha256: self.document.sha256.clone(),
            schema_version: self.schema_version.clone(),
            plugin_version: None,
            device: self.device.clone(),
            actor: actor.to_owned(),
            user_agent: self.user_agent.clone(),
            created_at: self.at,
        }
    }
}
