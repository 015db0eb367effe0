//! One user's plugins: rows against records. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Finding, Kind};
use crate::{
    domain::{
        Slug, Timestamp, UserId,
        legacy::records::{Entry, read_entry, read_file},
        plugin::Plugin,
    },
    files::PluginsFolder,
};

const METADATA: &str = "installation_metadata";

/// What is done about a difference in a file of records.
#[derive(Debug, Clone, PartialEq)]
pub enum Repair {
    /// The file as it should be is in [`Compared::entries`].
    Rewrite,
    /// Write what the outbox holds.
    Replay,
    /// Nothing that this command does.
    Nothing,
}

/// Outcome of comparing one user.
#[derive(Debug, Default)]
pub struct Compared {
    pub findings: Vec<Finding<Repair>>,
    /// The records as they should be, in the file's order; `None` stands for one that has to be rebuilt.
    pub entries: Vec<(String, Option<Value>)>,
}

/// What there is of one user. `records` is the file's content, or why it cannot be read.
pub struct User<'a> {
    pub id: &'a UserId,
    pub plugins: &'a BTreeMap<Slug, Plugin>,
    pub pending: &'a BTreeSet<Slug>,
    pub records: Result<Option<Vec<u8>>, String>,
}

pub fn compare(user: &User<'_>) -> Compared {
    let file = PluginsFolder::record_file(user.id);
    let mut compared = Compared::default();
    let rebuild = "keep the original in the backup, and write a record of the type rebuilt for every row";
    let entries = match &user.records {
        Ok(None) => Map::new(),
        Ok(Some(content)) => read_file(content).unwrap_or_else(|why| {
            compared.add(Kind::UnreadableRecords, file.clone(), why, rebuild, Repair::Rewrite);
            Map::new()
        }),
        Err(why) => {
            compared.add(Kind::UnreadableRecords, file.clone(), why.clone(), rebuild, Repair::Rewrite);
            Map::new()
        }
    };
    let is_unreadable = !compared.findings.is_empty();
    let mut recorded = BTreeSet::new();
    for (name, entry) in entries {
        let slug = name.parse::<Slug>();
        recorded.extend(slug.as_ref().ok().cloned());
        let row = slug.as_ref().ok().and_then(|slug| user.plugins.get(slug));
        let object = format!("record {name} of {}", user.id);
        let is_pending = slug.as_ref().is_ok_and(|slug| user.pending.contains(slug));
        match fault(slug.as_ref().map_err(|e| e.reason()), &entry) {
            None if row.is_none() && !is_pending => {
                let remedy = "remove the record, keeping the original file in the backup";
                compared.add(Kind::RecordWithoutRow, object, "the database has no such plugin".to_owned(), remedy, Repair::Rewrite);
            }
            None => compared.entries.push((name, Some(entry))),
            Some(Fault::Long) => {
                let detail = "repeats what the database holds".to_owned();
                compared.add(Kind::LongRecord, object, detail, "none; run `plugyard migrate-records`", Repair::Nothing);
                compared.entries.push((name, Some(entry)));
            }
            Some(Fault::Unreadable(why)) => {
                let remedy = match row {
                    Some(_) => "write a record of the type rebuilt, keeping the original file in the backup",
                    None => "remove the record, keeping the original file in the backup",
                };
                compared.add(Kind::UnreadableRecord, object, why, remedy, Repair::Rewrite);
                if row.is_some() {
                    compared.entries.push((name, None));
                }
            }
        }
    }
    for (slug, plugin) in user.plugins.iter().filter(|(slug, _)| !recorded.contains(*slug) && !user.pending.contains(*slug)) {
        if !is_unreadable {
            let detail = format!("{file} has no record of it");
            let remedy = "write a record of the type rebuilt";
            compared.add(Kind::RowWithoutRecord, format!("plugin {}", plugin.id), detail, remedy, Repair::Rewrite);
        }
        compared.entries.push((slug.to_string(), None));
    }
    for slug in user.pending {
        let detail = format!("the database holds what {file} is to show, and nobody has written it");
        compared.add(Kind::PendingRecord, format!("record {slug} of {}", user.id), detail, "write it", Repair::Replay);
    }
    compared
}

impl Compared {
    fn add(&mut self, kind: Kind, object: String, detail: String, remedy: &str, repair: Repair) {
        self.findings.push(Finding { kind, object, detail, remedy: remedy.to_owned(), repair });
    }
}

enum Fault {
    /// In the form that `migrate-records` shortens.
    Long,
    Unreadable(String),
}

/// As the server sees it: anything beside the metadata makes an entry long, and what is short has to be whole.
fn fault(slug: Result<&Slug, String>, entry: &Value) -> Option<Fault> {
    let is_long = entry.as_object().is_some_and(|members| members.keys().any(|member| member != METADATA));
    match (slug, is_long) {
        (Err(why), _) => Some(Fault::Unreadable(why)),
        (Ok(_), true) => Some(Fault::Long),
        (Ok(slug), false) => match read_entry(slug, entry, Timestamp(0)) {
            Ok(Entry::Short(_)) => None,
            Ok(Entry::Long(_)) => Some(Fault::Unreadable("its metadata are not whole".to_owned())),
            Err(why) => Some(Fault::Unreadable(why)),
        },
    }
}
