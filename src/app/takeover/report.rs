//! What became of every object that a command of taking over met. `docs/report.schema.json` describes the JSON form, and
//! a test checks it.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer, ser::SerializeStruct};
use serde_json::Value;

use crate::domain::record::without_any_credentials;

/// What every command of taking over answers: each object once, with its outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct TakeoverReport {
    /// As it is typed, `migrate-records` for instance.
    pub command: &'static str,
    pub mode: Mode,
    /// Where replaced originals lie, relative to the plugins folder with `/`; none when nothing was replaced.
    pub backup: Option<String>,
    items: Vec<Item>,
}

/// Whether the command writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nothing was written; `done` is what would be done.
    DryRun,
    Apply,
    /// Replaced originals were put back.
    Undo,
}

/// One object that was met, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub kind: Kind,
    /// Where it was: a path relative to the folder that the command was given, with `/`; `#` and a JSON pointer for a part
    /// of a file; `table/id` for a row of another database.
    pub source: String,
    pub outcome: Outcome,
    /// Where it went, in the words of this server: `user <id>`, `plugin <id>`, `release <slug> <version>` and so on.
    pub target: Option<String>,
    /// What to know although nothing failed: values that differ, digits of a version that were added.
    pub notes: Vec<String>,
}

/// What became of an object. Where nothing was done, the reason is part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// An earlier run did it, or it was good from the start.
    AlreadyDone,
    /// Left out by a rule; this is no failure.
    Skipped(String),
    /// Could not be taken over, and is where and as it was.
    Failed(String),
}

/// What kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An account.
    User,
    /// A user's file of installation records.
    RecordFile,
    /// One entry of such a file.
    Record,
    /// A folder with a version of a plugin.
    Release,
    /// A user's plugin.
    Plugin,
    /// A user's module.
    Module,
    /// Values of a plugin or of everybody, or the policy of its state.
    Config,
    /// One state document, or one that it was before.
    State,
    /// A file or folder that is none of the above.
    File,
}

/// How many objects of one kind ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub done: u64,
    pub already_done: u64,
    pub skipped: u64,
    pub failed: u64,
}

/// Of an old entry of a plugin whose entry in another file counts, with what it said: but for what the user had set, and without
/// passwords, because reports end up in logs.
pub fn outdone(by: &str, entry: &Value) -> String {
    let mut said = without_any_credentials(entry.clone());
    if let Some(members) = said.as_object_mut() {
        members.shift_remove("user_config");
    }
    format!("{by} has this plugin, too, and counts; this entry said {said}")
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::RecordFile => "record_file",
            Self::Record => "record",
            Self::Release => "release",
            Self::Plugin => "plugin",
            Self::Module => "module",
            Self::Config => "config",
            Self::State => "state",
            Self::File => "file",
        }
    }
}

impl Outcome {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::AlreadyDone => "already_done",
            Self::Skipped(_) => "skipped",
            Self::Failed(_) => "failed",
        }
    }

    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Done | Self::AlreadyDone => None,
            Self::Skipped(reason) | Self::Failed(reason) => Some(reason),
        }
    }
}

impl Item {
    pub fn new(kind: Kind, source: impl Into<String>, outcome: Outcome) -> Self {
        Self { kind, source: source.into(), outcome, target: None, notes: Vec::new() }
    }

    /// Says where the object went.
    #[must_use]
    pub fn into_target(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into());
        self
    }

    #[must_use]
    pub fn with_notes(mut self, notes: impl IntoIterator<Item = String>) -> Self {
        self.notes.extend(notes);
        self
    }

    /// Whether somebody should look at it.
    pub fn needs_attention(&self) -> bool {
        self.outcome.reason().is_some() || !self.notes.is_empty()
    }
}

impl TakeoverReport {
    pub fn new(command: &'static str, mode: Mode) -> Self {
        Self { command, mode, backup: None, items: Vec::new() }
    }

    pub fn add(&mut self, item: Item) {
        self.items.push(item);
    }

    /// In the order in which they were met.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Of every kind that was met.
    pub fn counts(&self) -> BTreeMap<Kind, Counts> {
        let mut counts: BTreeMap<Kind, Counts> = BTreeMap::new();
        for item in &self.items {
            let of_kind = counts.entry(item.kind).or_default();
            match item.outcome {
                Outcome::Done => of_kind.done += 1,
                Outcome::AlreadyDone => of_kind.already_done += 1,
                Outcome::Skipped(_) => of_kind.skipped += 1,
                Outcome::Failed(_) => of_kind.failed += 1,
            }
        }
        counts
    }

    pub fn has_failures(&self) -> bool {
        self.items.iter().any(|item| matches!(item.outcome, Outcome::Failed(_)))
    }
}

impl Serialize for TakeoverReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_struct("TakeoverReport", 5)?;
        members.serialize_field("command", self.command)?;
        members.serialize_field("mode", &self.mode)?;
        members.serialize_field("backup", &self.backup)?;
        members.serialize_field("counts", &self.counts())?;
        members.serialize_field("items", &self.items)?;
        members.end()
    }
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_struct("Item", 6)?;
        members.serialize_field("kind", &self.kind)?;
        members.serialize_field("source", &self.source)?;
        members.serialize_field("outcome", self.outcome.as_str())?;
        members.serialize_field("reason", &self.outcome.reason())?;
        members.serialize_field("target", &self.target)?;
        members.serialize_field("notes", &self.notes)?;
        members.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_object_is_counted_once_and_keeps_its_reason() {
        let mut report = TakeoverReport::new("migrate-records", Mode::DryRun);
        report.add(Item::new(Kind::User, "users/user_x", Outcome::Done).into_target("user x"));
        report.add(Item::new(Kind::Record, "f#/a", Outcome::AlreadyDone));
        assert!(!report.has_failures());
        report.add(Item::new(Kind::Record, "f#/b", Outcome::Skipped("by rule".to_owned())).with_notes(["n".to_owned()]));
        report.add(Item::new(Kind::Record, "f#/c", Outcome::Failed("broken".to_owned())));
        assert!(report.has_failures());
        assert_eq!(report.items().iter().filter(|item| item.needs_attention()).count(), 2);
        insta::assert_snapshot!(serde_json::to_string(&report).unwrap(), @r#"{"command":"migrate-records","mode":"dry_run","backup":null,"counts":{"user":{"done":1,"already_done":0,"skipped":0,"failed":0},"record":{"done":0,"already_done":1,"skipped":1,"failed":1}},"items":[{"kind":"user","source":"users/user_x","outcome":"done","reason":null,"target":"user x","notes":[]},{"kind":"record","source":"f#/a","outcome":"already_done","reason":null,"target":null,"notes":[]},{"kind":"record","source":"f#/b","outcome":"skipped","reason":"by rule","target":null,"notes":["n"]},{"kind":"record","source":"f#/c","outcome":"failed","reason":"broken","target":null,"notes":[]}]}"#);
    }
}
