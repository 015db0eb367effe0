//! What the plugins folder says about a user's plugin beside the database: installation records and installers' notes.

use std::collections::{HashMap, hash_map::Entry as Place};

use serde_json::Value;

use crate::{
    app::takeover::{
        import::{installer::Noted, tree::bare_id},
        report::{Item, Kind, Outcome},
    },
    domain::{
        Slug, Timestamp, UserId,
        legacy::records::{Entry, read_entry, read_file},
    },
    error::Error,
    files::{InstallerNote, OldRecords},
};

/// Stands for a time of installation that an entry lacks: the database has one.
pub const NO_TIME: Timestamp = Timestamp(0);

#[derive(Default)]
pub struct Records {
    entries: HashMap<(UserId, Slug), (Item, Entry)>,
    notes: HashMap<(UserId, String), (Item, Noted)>,
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
                Err(Outcome::Skipped(format!("{file} has this plugin, too, and counts; this entry said {entry}")))
            }
        }
    }

    pub fn take_entry(&mut self, user: &UserId, slug: &Slug) -> Option<(Item, Entry)> {
        self.entries.remove(&(user.clone(), slug.clone()))
    }

    /// By the plugin's id, or its slug.
    pub fn take_note(&mut self, user: &UserId, slug: &Slug, id: &str) -> Option<(Item, Noted)> {
        let by_id = bare_id(id, Some(user)).to_owned();
        [slug.to_string(), by_id, id.to_owned()].into_iter().find_map(|name| self.notes.remove(&(user.clone(), name)))
    }

    /// Those that no plugin asked for.
    pub fn into_rest(self) -> impl Iterator<Item = Item> {
        let left = |item: Item| Item { outcome: Outcome::Skipped("the database has no such plugin".to_owned()), ..item };
        let entries = self.entries.into_values().map(|(item, _)| item);
        let mut rest: Vec<Item> = entries.chain(self.notes.into_values().map(|(item, _)| item)).map(left).collect();
        rest.sort_by(|a, b| a.source.cmp(&b.source));
        rest.into_iter()
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
                let key = (note.user, plugin);
                match records.notes.remove(&key) {
                    Some((first, earlier)) => {
                        rest.push(item.into_target("record, with the other note on the same plugin"));
                        records.notes.insert(key, (first, earlier.or(noted)));
                    }
                    None => drop(records.notes.insert(key, (item, noted))),
                }
            }
            Err(why) => rest.push(Item { outcome: Outcome::Failed(why), ..item }),
        }
    }
    records
}
