//! What becomes of one user's entries: pure, but for the access keys.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::catalogue::Catalogue;
use crate::{
    app::{
        new_access_key,
        takeover::{Item, Kind, Outcome, report::outdone},
    },
    domain::{
        Manifest, Slug, Timestamp, UserId,
        history::HistoryEntry,
        ids::plugin_id,
        legacy::records::{Entry, LongEntry, module_of_config, read_entry, read_file},
        plugin::{Change, ModuleRow, NewPlugin, Plugin},
        pointer,
        record::InstallationMetadata,
        user::User,
    },
    error::{Error, Result},
    files::{PluginsFolder, RecordFolder, Rewrite, entries_text, entry_of},
};

/// What the database holds of one user.
#[derive(Debug, Default)]
pub struct Stored {
    pub exists: bool,
    pub plugins: HashMap<Slug, Plugin>,
    /// By the plugin's id.
    pub modules: HashMap<String, Vec<ModuleRow>>,
    /// Every version that a plugin ever had, with the plugin's id.
    pub versions: HashSet<(String, String)>,
    /// Slugs whose record the outbox still has to write.
    pub pending: HashSet<Slug>,
}

/// What is to be written for one user, and what the report says.
#[derive(Debug, Clone)]
pub struct Plan {
    pub user: UserId,
    pub account: Option<User>,
    pub plugins: Vec<NewPlugin>,
    pub rewrites: Vec<Rewrite>,
    pub items: Vec<Item>,
}

impl Plan {
    pub fn has_rows(&self) -> bool {
        self.account.is_some() || !self.plugins.is_empty()
    }
}

/// A user's files, this server's own first, or why one cannot be read.
pub type Files = Vec<(RecordFolder, Result<Vec<u8>, String>)>;

pub fn all(users: Vec<(UserId, Files)>, stored: &HashMap<UserId, Stored>, catalogue: &Catalogue, now: Timestamp) -> Result<Vec<Plan>> {
    let nothing = Stored::default();
    let one = |(user, files): (UserId, Files)| {
        let stored = stored.get(&user).unwrap_or(&nothing);
        Planner::new(user, stored, catalogue, now).run(files)
    };
    users.into_iter().map(one).collect()
}

struct Planner<'a> {
    stored: &'a Stored,
    catalogue: &'a Catalogue,
    now: Timestamp,
    plan: Plan,
    /// What this server's own file will hold.
    own: Map<String, Value>,
    own_changed: bool,
    /// Entries of it that stay as they are because they are bad.
    own_bad: HashSet<String>,
}

/// An entry as its file is to show it.
enum Fate {
    Keep,
    Short(InstallationMetadata),
}

impl<'a> Planner<'a> {
    fn new(user: UserId, stored: &'a Stored, catalogue: &'a Catalogue, now: Timestamp) -> Self {
        let plan = Plan { user, account: None, plugins: Vec::new(), rewrites: Vec::new(), items: Vec::new() };
        Self { stored, catalogue, now, plan, own: Map::new(), own_changed: false, own_bad: HashSet::new() }
    }

    fn run(mut self, files: Files) -> Result<Plan> {
        let mut own_is_readable = true;
        let mut own_label = PluginsFolder::record_file(&self.plan.user);
        let mut has_readable = false;
        for (folder, content) in files {
            let entries = content.and_then(|content| read_file(&content));
            let entries = match entries {
                // Whatever is in the other file, it cannot be written beside what nobody can read.
                Ok(_) if !own_is_readable => Err(format!("{own_label} has to be put right first")),
                other => other,
            };
            match entries {
                Ok(entries) => {
                    has_readable = true;
                    match folder.is_ours {
                        true => self.own_file(&folder.label, entries)?,
                        false => self.other_file(&folder.label, entries)?,
                    }
                }
                Err(why) => {
                    own_is_readable &= !folder.is_ours;
                    self.plan.items.push(Item::new(Kind::RecordFile, folder.label.clone(), Outcome::Failed(why)));
                }
            }
            if folder.is_ours {
                own_label = folder.label;
            }
        }
        if has_readable {
            self.account();
        }
        if self.own_changed {
            let content = Some(text(&self.own)?);
            self.plan.rewrites.push(Rewrite { label: own_label, content });
        }
        Ok(self.plan)
    }

    /// The account, which an unknown user gets without a password and switched off.
    fn account(&mut self) {
        let user = &self.plan.user;
        let source = format!("users/user_{user}");
        let outcome = if self.stored.exists { Outcome::AlreadyDone } else { Outcome::Done };
        self.plan.items.push(Item::new(Kind::User, source, outcome).into_target(format!("user {user}")));
        if !self.stored.exists {
            self.plan.account = Some(User::of_an_id(user.clone(), self.now));
        }
    }

    fn own_file(&mut self, label: &str, entries: Map<String, Value>) -> Result<()> {
        for (name, entry) in entries {
            let (item, fate) = self.entry(label, &name, &entry)?;
            if matches!(item.outcome, Outcome::Failed(_)) {
                self.own_bad.insert(name.clone());
            }
            self.plan.items.push(item);
            let entry = match fate {
                Fate::Keep => entry,
                Fate::Short(metadata) => {
                    self.own_changed = true;
                    shortened(&metadata)?
                }
            };
            self.own.insert(name, entry);
        }
        self.file(label, self.own_changed, self.own_bad.len());
        Ok(())
    }

    /// A file under another writing of the user's id. Its good entries move to this server's own file; one that is
    /// there, too, counts less.
    fn other_file(&mut self, label: &str, entries: Map<String, Value>) -> Result<()> {
        let mut left = Map::new();
        let mut changed = false;
        for (name, entry) in entries {
            let (item, fate) = match self.own.contains_key(&name) {
                true if self.own_bad.contains(&name) => (self.blocked(label, &name), None),
                true => (self.twin(label, &name, &entry), Some(Fate::Keep)),
                false => {
                    let (item, fate) = self.entry(label, &name, &entry)?;
                    let moves = !matches!(item.outcome, Outcome::Failed(_));
                    (item, moves.then_some(fate))
                }
            };
            self.plan.items.push(item);
            match fate {
                None => drop(left.insert(name, entry)),
                Some(fate) => {
                    changed = true;
                    if !self.own.contains_key(&name) {
                        let entry = if let Fate::Short(metadata) = fate { shortened(&metadata)? } else { entry };
                        self.own.insert(name, entry);
                        self.own_changed = true;
                    }
                }
            }
        }
        let bad = left.len();
        if changed || bad == 0 {
            let content = if bad == 0 { None } else { Some(text(&left)?) };
            self.plan.rewrites.push(Rewrite { label: label.to_owned(), content });
        }
        self.file(label, changed || bad == 0, bad);
        Ok(())
    }

    fn file(&mut self, label: &str, changed: bool, bad: usize) {
        let outcome = match (changed, bad) {
            (true, _) => Outcome::Done,
            (false, 0) => Outcome::AlreadyDone,
            (false, _) => Outcome::Failed("holds nothing that could be moved beside entries that cannot".to_owned()),
        };
        let item = Item::new(Kind::RecordFile, label, outcome);
        self.plan.items.push(match item.outcome {
            Outcome::Failed(_) => item,
            _ => item.into_target(PluginsFolder::record_file(&self.plan.user)),
        });
    }

    fn blocked(&self, label: &str, name: &str) -> Item {
        let own = PluginsFolder::record_file(&self.plan.user);
        Item::new(Kind::Record, source(label, name), Outcome::Failed(format!("the entry of this name in {own} has to be put right first")))
    }

    fn twin(&self, label: &str, name: &str, entry: &Value) -> Item {
        let own = PluginsFolder::record_file(&self.plan.user);
        let note = outdone(&own, entry);
        let target = format!("record {name} of {}", self.plan.user);
        Item::new(Kind::Record, source(label, name), Outcome::Done).into_target(target).with_notes([note])
    }

    fn entry(&mut self, label: &str, name: &str, entry: &Value) -> Result<(Item, Fate)> {
        let item = |outcome| Item::new(Kind::Record, source(label, name), outcome);
        let failed = |why: String| Ok((item(Outcome::Failed(why)), Fate::Keep));
        let slug: Slug = match name.parse() {
            Ok(slug) => slug,
            Err(error) => return failed(error.reason()),
        };
        let stored = self.stored.plugins.get(&slug);
        let long = match read_entry(&slug, entry, stored.map_or(self.now, |plugin| plugin.created_at)) {
            Ok(Entry::Short(_)) => {
                let target = format!("record {slug} of {}", self.plan.user);
                let is_alone = stored.is_none() && !self.stored.pending.contains(&slug);
                let note = is_alone.then(|| "the database has no such plugin, and a short record names no version".to_owned());
                return Ok((item(Outcome::AlreadyDone).into_target(target).with_notes(note), Fate::Keep));
            }
            Ok(Entry::Long(long)) => long,
            Err(why) => return failed(why),
        };
        let (target, notes) = match stored {
            Some(plugin) => (plugin.id.clone(), self.differences(plugin, &long)),
            None if self.stored.pending.contains(&slug) => {
                (format!("{slug} of {}", self.plan.user), vec!["the database has a newer record, which is written next".to_owned()])
            }
            None => {
                let Some(version) = &long.version else {
                    return failed("names no version, and the database knows no such plugin".to_owned());
                };
                let Some(manifest) = self.catalogue.find(&slug, version) else {
                    return failed(format!("{slug} {version} is neither published nor in shared/"));
                };
                let new = self.new_plugin(&slug, &long, manifest)?;
                let target = new.plugin.id.clone();
                self.plan.plugins.push(new);
                (target, Vec::new())
            }
        };
        let notes = long.notes.iter().cloned().chain(notes);
        let item = item(Outcome::Done).into_target(format!("plugin {target}")).with_notes(notes);
        Ok((item, Fate::Short(long.metadata)))
    }

    fn new_plugin(&self, slug: &Slug, long: &LongEntry, manifest: &Manifest) -> Result<NewPlugin> {
        let (created_at, changed_at) = (long.metadata.installed_at, long.changed_at());
        let enabled = long.enabled.unwrap_or(true);
        let config = json_text(&long.user_config)?;
        let home = module_of_config(manifest, &long.user_config);
        let nothing = "{}".to_owned();
        let modules = manifest.modules.iter().map(|module| ModuleRow {
            id: module.id.clone(),
            enabled: module.enabled,
            config: if home == Some(&module.id) { config.clone() } else { nothing.clone() },
            present: true,
        });
        let entry = |version, installed_at, replaced_at| HistoryEntry {
            version,
            change: Change::Import,
            installed_by: long.metadata.installed_by.clone(),
            installed_at,
            replaced_at,
        };
        let version = manifest.version.clone();
        let history = match &long.previous_version {
            Some(before) => vec![entry(before.clone(), created_at, Some(changed_at)), entry(version.clone(), changed_at, None)],
            None => vec![entry(version.clone(), created_at, None)],
        };
        let plugin = Plugin {
            id: plugin_id(&self.plan.user, slug),
            user: self.plan.user.clone(),
            slug: slug.clone(),
            version,
            enabled,
            config: if home.is_none() { config.clone() } else { nothing.clone() },
            manifest: None,
            access_key: new_access_key()?,
            created_at,
            updated_at: changed_at,
            enabled_at: enabled.then_some(changed_at),
            disabled_at: (!enabled).then_some(changed_at),
            revision: 1,
        };
        Ok(NewPlugin { plugin, modules: modules.collect(), history })
    }

    /// What the file says otherwise than the database, which wins.
    fn differences(&self, plugin: &Plugin, long: &LongEntry) -> Vec<String> {
        let mut notes = Vec::new();
        let mut differs = |what: &str, database: String, file: String| {
            notes.push(format!("{what} is {database} in the database; the file said {file}"));
        };
        if let Some(version) = long.version.as_ref().filter(|version| **version != plugin.version) {
            differs("version", plugin.version.to_string(), version.to_string());
        }
        if let Some(enabled) = long.enabled.filter(|enabled| *enabled != plugin.enabled) {
            differs("enabled", plugin.enabled.to_string(), enabled.to_string());
        }
        if let Some(at) = long.installed_at.filter(|at| *at != plugin.created_at && long.metadata.installed_at != plugin.created_at) {
            differs("the time of installation", plugin.created_at.to_string(), at.to_string());
        }
        if let Some(at) = long.updated_at.filter(|at| *at != plugin.updated_at) {
            differs("the time of the last change", plugin.updated_at.to_string(), at.to_string());
        }
        let knows = |version: String| self.stored.versions.contains(&(plugin.id.clone(), version));
        if let Some(before) = long.previous_version.as_ref().filter(|before| !knows(before.to_string())) {
            differs("the version before", "unknown".to_owned(), before.to_string());
        }
        if !long.user_config.is_empty() && !self.has_config(plugin, &long.user_config) {
            differs("config", plugin.config.clone(), Value::Object(long.user_config.clone()).to_string());
        }
        notes
    }

    /// Whether plugin or module has these values, wherever an earlier run put them.
    fn has_config(&self, plugin: &Plugin, config: &Map<String, Value>) -> bool {
        let is_same = |text: &str| serde_json::from_str::<Map<String, Value>>(text).is_ok_and(|own| own == *config);
        let of_modules = self.stored.modules.get(&plugin.id).into_iter().flatten();
        is_same(&plugin.config) || of_modules.into_iter().any(|module| is_same(&module.config))
    }
}

/// Path of the file and JSON pointer of the entry (RFC 6901).
fn source(label: &str, name: &str) -> String {
    let mut pointer = String::new();
    pointer::push(&mut pointer, name);
    format!("{label}#{pointer}")
}

fn shortened(metadata: &InstallationMetadata) -> Result<Value> {
    entry_of(metadata).map_err(unwritable)
}

fn text(entries: &Map<String, Value>) -> Result<Vec<u8>> {
    entries_text(entries).map_err(unwritable)
}

fn json_text(values: &Map<String, Value>) -> Result<String> {
    serde_json::to_string(values).map_err(unwritable)
}

fn unwritable(error: serde_json::Error) -> Error {
    Error::storage("a record cannot be written as JSON", error)
}
