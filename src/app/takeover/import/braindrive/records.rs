//! What the plugins folder says about a user's plugin beside the database: installation records and installers' notes.

use std::collections::{BTreeMap, HashSet, btree_map::Entry as Place};

use serde_json::Value;

use super::rows::{Origin, RowPlugin};
use crate::{
    app::{
        now,
        takeover::{
            import::{installer::Noted, target::Target, tree::bare_id},
            report::{Item, Kind, Outcome, outdone},
        },
    },
    domain::{
        Slug, Timestamp, UserId, Version,
        ids::plugin_id,
        legacy::{
            Row,
            records::{Entry, LongEntry, read_entry, read_file},
        },
    },
    error::Error,
    files::{InstallerNote, OldRecords},
};

/// Stands for a time of installation that an entry lacks: the database has one.
pub const NO_TIME: Timestamp = Timestamp(0);

#[derive(Default)]
pub struct Records {
    entries: BTreeMap<(UserId, Slug), (Item, Entry)>,
    /// With an item for each note; there may be one from an address and one made by hand.
    notes: BTreeMap<(UserId, String), (Vec<Item>, Noted)>,
    /// Why an entry makes no plugin; without one, the database has none.
    unused: BTreeMap<(UserId, Slug), String>,
}

impl Records {
    fn add(&mut self, user: &UserId, name: &str, entry: &Value, item: Item) -> Result<(), Outcome> {
        let slug: Slug = name.parse().map_err(|e: Error| Outcome::Failed(e.to_string()))?;
        let read = read_entry(&slug, entry, NO_TIME).map_err(Outcome::Failed)?;
        match self.entries.entry((user.clone(), slug)) {
            Place::Vacant(free) => {
                free.insert((item, read));
                Ok(())
            }
            Place::Occupied(taken) => {
                let file = taken.get().0.source.split('#').next().unwrap_or_default();
                Err(Outcome::Skipped(outdone(file, entry)))
            }
        }
    }

    pub fn take_entry(&mut self, user: &UserId, slug: &Slug) -> Option<(Item, Entry)> {
        self.entries.remove(&(user.clone(), slug.clone()))
    }

    /// By the plugin's id, or its slug.
    pub fn take_note(&mut self, user: &UserId, slug: &Slug, id: &str) -> Option<(Vec<Item>, Noted)> {
        let by_id = bare_id(id, Some(user)).to_owned();
        [slug.to_string(), by_id, id.to_owned()].into_iter().find_map(|name| self.notes.remove(&(user.clone(), name)))
    }

    /// Entries of plugins that the database lacks, as rows that say the same; whether they become plugins is up to their
    /// files. `owned` is what its rows are called, whatever became of them.
    pub fn as_rows(&mut self, owned: &HashSet<(UserId, Slug)>, found: &[RowPlugin]) -> Vec<RowPlugin> {
        let found: HashSet<_> = found.iter().map(|row| (row.user.clone(), row.slug.clone())).collect();
        let mut rows = Vec::new();
        for (key, (item, entry)) in self.entries.iter().filter(|(key, _)| !found.contains(key)) {
            let (user, slug) = key;
            let row = match entry {
                _ if owned.contains(key) => Err("its plugin was not taken over".to_owned()),
                Entry::Short(_) => Err("the database has no such plugin, and a short record names no version".to_owned()),
                Entry::Long(long) => match &long.version {
                    None => Err("the database has no such plugin, and the entry names no version".to_owned()),
                    Some(version) => Ok(as_row(user, slug, version, long, item)),
                },
            };
            match row {
                Ok(row) => {
                    self.unused.insert(
                        key.clone(),
                        format!("the database has no such plugin, and no files of {slug} {} can become a release", row.version),
                    );
                    rows.push(row);
                }
                Err(why) => drop(self.unused.insert(key.clone(), why)),
            }
        }
        rows
    }

    /// Those of such rows that become plugins: they have files, and no other plugin's slug in another case.
    pub fn usable(&mut self, rows: Vec<RowPlugin>, target: &mut Target) -> Vec<RowPlugin> {
        let mut usable = Vec::new();
        for row in rows.into_iter().filter(|row| row.files.is_some()) {
            match target.claim_slug(&row.slug) {
                Ok(()) => usable.push(row),
                Err(why) => drop(self.unused.insert((row.user, row.slug), why)),
            }
        }
        usable
    }

    /// Those that no plugin asked for.
    pub fn into_rest(mut self) -> impl Iterator<Item = Item> {
        let nothing = || "the database has no such plugin".to_owned();
        let mut rest = Vec::new();
        for (key, (item, _)) in self.entries {
            let why = self.unused.remove(&key).unwrap_or_else(nothing);
            rest.push(Item { outcome: Outcome::Skipped(why), ..item });
        }
        let notes = self.notes.into_values().flat_map(|(items, _)| items);
        rest.extend(notes.map(|item| Item { outcome: Outcome::Skipped(nothing()), ..item }));
        rest.sort_by(|a, b| a.source.cmp(&b.source));
        rest.into_iter()
    }
}

fn as_row(user: &UserId, slug: &Slug, version: &Version, long: &LongEntry, item: &Item) -> RowPlugin {
    let created_at = Some(long.metadata.installed_at).filter(|at| *at != NO_TIME).or(long.updated_at).unwrap_or_else(now);
    let values = [
        ("enabled", long.enabled.unwrap_or(true).to_string()),
        ("created_at", created_at.to_string()),
        ("updated_at", long.updated_at.unwrap_or(created_at).to_string()),
    ];
    let (columns, values): (Vec<_>, Vec<_>) = values.into_iter().map(|(name, value)| (name.to_owned(), Some(value.into()))).unzip();
    RowPlugin {
        id: plugin_id(user, slug),
        user: user.clone(),
        slug: slug.clone(),
        version: version.clone(),
        written_version: version.to_string(),
        row: Row::new(columns.into(), values),
        modules: Vec::new(),
        others: Vec::new(),
        origin: Origin::Record(item.source.clone()),
        files: None,
        losers: Vec::new(),
        notes: vec!["only a record tells of it".to_owned()],
    }
}

/// Reads all of them; what cannot be read is in `rest`. Of two files of one user, that in the folder with the id without
/// dashes counts, as for `migrate-records`.
pub fn read_records(mut files: Vec<OldRecords>, notes: Vec<InstallerNote>, rest: &mut Vec<Item>) -> Records {
    files.sort_by_key(|file| !file.user.parse::<UserId>().is_ok_and(|user| user.as_str() == file.user));
    let mut records = Records::default();
    for file in files {
        let item = Item::new(Kind::RecordFile, &file.place.label, Outcome::Done);
        let read = file.user.parse::<UserId>().map_err(|_| "its folder does not name a user".to_owned());
        match read.and_then(|user| Ok((user, read_file(&file.text)?))) {
            Ok((user, entries)) => {
                if entries.is_empty() {
                    rest.push(Item { outcome: Outcome::Skipped("holds no records".to_owned()), ..item });
                }
                for (name, entry) in entries {
                    let item = Item::new(Kind::Record, format!("{}#/{name}", file.place.label), Outcome::Done);
                    match records.add(&user, &name, &entry, item.clone()) {
                        Ok(()) => {}
                        Err(outcome) => rest.push(Item { outcome, ..item }),
                    }
                }
            }
            Err(why) => rest.push(Item { outcome: Outcome::Failed(why), ..item }),
        }
    }
    for note in notes {
        let item = Item::new(Kind::Record, &note.place.label, Outcome::Done);
        match Noted::read(&note) {
            Ok(noted) => {
                let plugin = bare_id(&note.plugin, Some(&note.user)).to_owned();
                let (items, all) = records.notes.entry((note.user, plugin)).or_default();
                items.push(item);
                *all = std::mem::take(all).or(noted);
            }
            Err(why) => rest.push(Item { outcome: Outcome::Failed(why), ..item }),
        }
    }
    records
}
