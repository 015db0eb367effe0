//! Rows of `plugin` with their modules: whose they are, what they are called, and which of several is the user's.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    sync::Arc,
};

use serde_json::{Map, Value};

use super::{accounts::Accounts, row_item};
use crate::{
    app::takeover::{
        import::{
            target::Target,
            tree::{bare_id, old_version, reason},
        },
        report::{Kind, Outcome, TakeoverReport},
    },
    domain::{
        Slug, UserId, Version,
        legacy::{Described, Row, describe},
    },
};

/// Columns that have a place of their own, or name the row.
const PLUGIN_COLUMNS: &[&str] = &["id", "plugin_slug", "user_id", "created_at", "updated_at", "enabled", "version", "installation_type"];
const MODULE_COLUMNS: &[&str] = &["plugin_id", "user_id", "created_at", "updated_at"];
const KEEP: &str = "--keep-orphans keeps it";

/// A user's plugin as the database has it.
pub struct RowPlugin {
    pub id: String,
    pub user: UserId,
    pub slug: Slug,
    pub version: Version,
    pub written_version: String,
    pub row: Row,
    pub modules: Vec<Row>,
    /// Older rows of the same user and slug.
    pub others: Vec<Map<String, Value>>,
    pub origin: Origin,
    /// Where its files are.
    pub files: Option<usize>,
    /// Other folders of the same plugin and user, which are older.
    pub losers: Vec<usize>,
    pub notes: Vec<String>,
}

/// What tells of a plugin.
pub enum Origin {
    Row,
    /// Only its modules.
    Modules,
    /// Only an entry of a file of records, which is the report's source for it.
    Record(String),
}

/// What the rows of `plugin` are called, whatever becomes of them.
pub struct Names {
    /// By the row's id: states name their plugin by it.
    pub slugs: HashMap<String, Slug>,
    pub owned: HashSet<(UserId, Slug)>,
}

impl Names {
    pub fn new(rows: &[Row]) -> Self {
        let mut names = Self { slugs: HashMap::new(), owned: HashSet::new() };
        for row in rows {
            let Some(id) = row.text("id") else { continue };
            let user: Option<UserId> = row.text("user_id").and_then(|user| user.trim().parse().ok());
            let Ok(slug) = slug_text(row, id, user.as_ref()).parse::<Slug>() else { continue };
            names.owned.extend(user.map(|user| (user, slug.clone())));
            names.slugs.insert(id.to_owned(), slug);
        }
        names
    }
}

impl RowPlugin {
    pub fn label(&self) -> String {
        match &self.origin {
            Origin::Row => format!("plugin/{}", self.id),
            Origin::Modules => format!("module of plugin {}", self.id),
            Origin::Record(source) => source.clone(),
        }
    }

    /// What the rows say, in the keys of a manifest.
    pub fn described(&self) -> Described {
        let modules: Vec<_> = self.modules.iter().map(|module| module.rest(MODULE_COLUMNS)).collect();
        describe(&self.row.rest(PLUGIN_COLUMNS), Some(&modules))
    }
}

struct Reader<'a> {
    accounts: &'a Accounts,
    keep_orphans: bool,
    target: &'a mut Target,
    report: &'a mut TakeoverReport,
    found: Vec<RowPlugin>,
    /// The user's plugin of a slug, by place in `found`.
    taken: HashMap<(UserId, Slug), usize>,
}

/// Ids may have lost what `plugin_slug` keeps.
fn slug_text<'r>(row: &'r Row, id: &'r str, user: Option<&UserId>) -> &'r str {
    row.text("plugin_slug").map(str::trim).filter(|slug| !slug.is_empty()).unwrap_or_else(|| bare_id(id, user))
}

/// Reads all of them; what cannot be taken over is in the report, with its modules.
pub fn plugins(
    rows: Vec<Row>,
    mut modules: HashMap<String, Vec<Row>>,
    accounts: &Accounts,
    keep_orphans: bool,
    target: &mut Target,
    report: &mut TakeoverReport,
) -> Vec<RowPlugin> {
    let mut reader = Reader { accounts, keep_orphans, target, report, found: Vec::new(), taken: HashMap::new() };
    let mut newest_first = rows;
    newest_first.sort_by_key(|row| Reverse(row.time("updated_at")));
    for row in newest_first {
        let modules = row.text("id").and_then(|id| modules.remove(id)).unwrap_or_default();
        reader.take(row, modules);
    }
    let mut orphans: Vec<_> = modules.into_iter().collect();
    orphans.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (plugin, modules) in orphans {
        reader.take_orphans(&plugin, modules);
    }
    reader.found
}

impl Reader<'_> {
    fn take(&mut self, row: Row, modules: Vec<Row>) {
        match self.read(&row) {
            Ok((id, user, slug, version, written_version)) => {
                if let Some(newer) = self.taken.get(&(user.clone(), slug.clone())).and_then(|at| self.found.get_mut(*at)) {
                    let why = format!("the user's row plugin/{} of the same plugin is newer; this one is kept in its record", newer.id);
                    let mut other = row.to_map();
                    other.insert("modules".to_owned(), modules.iter().map(|module| Value::Object(module.to_map())).collect());
                    newer.others.push(other);
                    self.leave(&row, &modules, &Outcome::Skipped(why));
                    return;
                }
                self.taken.insert((user.clone(), slug.clone()), self.found.len());
                let replaced = |row: &Row| row.check_text().err().map(|why| format!("{why}, each of which is taken over as \u{fffd}"));
                let mut notes: Vec<String> = replaced(&row).into_iter().collect();
                notes.extend(modules.iter().filter_map(|module| Some(format!("its module {}", replaced(module)?))));
                let modules = self.one_of_each(&id, modules, &mut notes);
                let (others, files) = (Vec::new(), None);
                let plugin = RowPlugin {
                    id,
                    user,
                    slug,
                    version,
                    written_version,
                    row,
                    modules,
                    others,
                    origin: Origin::Row,
                    files,
                    losers: Vec::new(),
                    notes,
                };
                self.found.push(plugin);
            }
            Err(outcome) => self.leave(&row, &modules, &outcome),
        }
    }

    fn read(&mut self, row: &Row) -> Result<(String, UserId, Slug, Version, String), Outcome> {
        let failed = |why: &str| Outcome::Failed(why.to_owned());
        let id = row.text("id").filter(|id| !id.is_empty() && !id.contains('\0')).ok_or_else(|| failed("has no id"))?;
        let user = self.user(row.text("user_id"))?;
        let slug: Slug = slug_text(row, id, Some(&user)).parse().map_err(|e| Outcome::Failed(reason(e)))?;
        self.target.claim_slug(&slug).map_err(Outcome::Failed)?;
        let written = row.text("version").unwrap_or_default();
        let version = old_version(written).map_err(Outcome::Failed)?;
        let described = describe(&row.rest(PLUGIN_COLUMNS), Some(&[]));
        if let Some(name) = asks_for_server_code(&described) {
            return Err(Outcome::Skipped(format!("its {name} asks the server to run code of the plugin, which is not carried over")));
        }
        Ok((id.to_owned(), user, slug, version, written.to_owned()))
    }

    fn user(&self, written: Option<&str>) -> Result<UserId, Outcome> {
        let written = written.unwrap_or_default();
        let id: UserId = written.trim().parse().map_err(|_| Outcome::Failed(format!("is an orphan: {written:?} is no user's id")))?;
        match self.accounts.known.contains(&id) || self.target.users.contains_key(&id) || self.keep_orphans {
            true => Ok(id),
            false => Err(Outcome::Skipped(format!("is an orphan: its user {id} is not in the database; {KEEP}"))),
        }
    }

    fn take_orphans(&mut self, plugin: &str, modules: Vec<Row>) {
        let outcome = match self.read_orphans(plugin, &modules) {
            Ok((user, slug, version)) => {
                self.taken.insert((user.clone(), slug.clone()), self.found.len());
                let mut notes = vec!["only its modules are in the database; it is switched off".to_owned()];
                let modules = self.one_of_each(plugin, modules, &mut notes);
                let row = Row::new(Arc::new([]), Vec::new());
                let (id, written_version, others) = (plugin.to_owned(), version.to_string(), Vec::new());
                let plugin = RowPlugin {
                    id,
                    user,
                    slug,
                    version,
                    written_version,
                    row,
                    modules,
                    others,
                    origin: Origin::Modules,
                    files: None,
                    losers: Vec::new(),
                    notes,
                };
                self.found.push(plugin);
                return;
            }
            Err(outcome) => outcome,
        };
        for module in &modules {
            let id = module.text("id");
            self.report.add(row_item(Kind::Module, "module", id, outcome.clone()));
        }
    }

    fn read_orphans(&mut self, plugin: &str, modules: &[Row]) -> Result<(UserId, Slug, Version), Outcome> {
        if !self.keep_orphans {
            return Err(Outcome::Skipped(format!("is an orphan: its plugin {plugin:?} is not in the database; {KEEP}")));
        }
        let user = self.user(modules.iter().find_map(|module| module.text("user_id")))?;
        let slug: Slug = bare_id(plugin, Some(&user)).parse().map_err(|e| Outcome::Failed(reason(e)))?;
        if self.taken.contains_key(&(user.clone(), slug.clone())) {
            return Err(Outcome::Skipped(format!("is an orphan of {plugin:?}, and the user has {slug} with another id")));
        }
        self.target.claim_slug(&slug).map_err(Outcome::Failed)?;
        let version = old_version("0").map_err(Outcome::Failed)?;
        Ok((user, slug, version))
    }

    /// A module's id is unique within its plugin; of several rows the newest counts.
    fn one_of_each(&mut self, plugin: &str, mut modules: Vec<Row>, notes: &mut Vec<String>) -> Vec<Row> {
        modules.sort_by_key(|row| Reverse(row.time("updated_at")));
        let mut seen = HashSet::new();
        modules.retain(|row| {
            let is_first = seen.insert(row.text("id").map(str::to_owned));
            if !is_first {
                let why = format!("another row of the module in plugin {plugin} is newer");
                self.report.add(row_item(Kind::Module, "module", row.text("id"), Outcome::Skipped(why)));
                notes.push(format!("several rows of the module {:?}", row.text("id").unwrap_or_default()));
            }
            is_first
        });
        modules.sort_by(|a, b| a.text("id").cmp(&b.text("id")));
        modules
    }

    fn leave(&mut self, row: &Row, modules: &[Row], outcome: &Outcome) {
        self.report.add(row_item(Kind::Plugin, "plugin", row.text("id"), outcome.clone()));
        let why = "its plugin was not taken over".to_owned();
        let outcome = if matches!(outcome, Outcome::Failed(_)) { Outcome::Failed(why) } else { Outcome::Skipped(why) };
        for module in modules {
            self.report.add(row_item(Kind::Module, "module", module.text("id"), outcome.clone()));
        }
    }
}

fn asks_for_server_code(described: &Described) -> Option<&'static str> {
    ["endpointsFile", "requiredServicesRuntime", "backendDependencies"].into_iter().find(|name| match described.members.get(*name) {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(members)) => !members.is_empty(),
        Some(_) => true,
    })
}
