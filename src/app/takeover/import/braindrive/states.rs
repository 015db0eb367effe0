//! Rows of `plugin_states`, `plugin_state_history` and `plugin_state_configs`: read, decoded and checked one at a time.

use std::collections::{BTreeSet, HashMap};

use super::{accounts::Accounts, row_item, rows::RowPlugin, state_data::decode};
use crate::{
    app::takeover::{
        import::{target::Target, tree::bare_id},
        report::{Item, Kind, Outcome},
    },
    domain::{
        Slug, UserId,
        legacy::{Interner, Row},
    },
    error::Result,
    storage::foreign::ForeignDatabase,
};

/// Until this server keeps states itself.
const CHECKED: &str = "checked; this version keeps no states yet, so it stays in the old database";

/// Whose states can be taken over, and what their plugins are called here.
pub struct Known {
    plugins: HashMap<String, Slug>,
    users: BTreeSet<UserId>,
    keep_orphans: bool,
}

impl Known {
    pub fn new(rows: &[RowPlugin], accounts: &Accounts, target: &Target, keep_orphans: bool) -> Self {
        let plugins = rows.iter().map(|row| (row.id.clone(), row.slug.clone())).collect();
        let users = accounts.known.iter().chain(target.users.keys()).cloned().collect();
        Self { plugins, users, keep_orphans }
    }

    fn user(&self, written: Option<&str>) -> Result<UserId, Outcome> {
        let written = written.unwrap_or_default();
        let id: UserId = written.trim().parse().map_err(|_| Outcome::Failed(format!("is an orphan: {written:?} is no user's id")))?;
        match self.users.contains(&id) || self.keep_orphans {
            true => Ok(id),
            false => Err(Outcome::Skipped(format!("is an orphan: its user {id} is not in the database; --keep-orphans keeps it"))),
        }
    }

    /// Rows name a plugin by its id; frontends also stored states under the bare slug.
    fn slug(&self, written: Option<&str>, user: &UserId) -> Result<Slug, Outcome> {
        let written = written.unwrap_or_default();
        let known = self.plugins.get(written).cloned();
        let named = || {
            bare_id(written, Some(user))
                .parse()
                .map_err(|_| Outcome::Failed(format!("its plugin {written:?} has no name that a slug can have")))
        };
        known.map_or_else(named, Ok)
    }
}

/// The natural key of an entry.
type Key = (UserId, Slug, String, String);

/// Checks every row; `limit` is that of one document in bytes.
pub fn check(database: &mut ForeignDatabase, known: &Known, limit: u64) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    let mut interner = Interner::default();
    let mut entries: HashMap<Key, usize> = HashMap::new();
    let by = ["user_id", "plugin_id", "page_id", "state_key", "updated_at", "id"];
    let mut newest: HashMap<Key, (Option<crate::domain::Timestamp>, usize)> = HashMap::new();
    database.rows("plugin_states", &by, &mut interner, &mut |row| {
        let (outcome, key) = state(&row, known, limit);
        let mut item = row_item(Kind::State, "plugin_states", row.text("id"), outcome);
        if let Some((user, slug, page, state_key)) = &key {
            item = item.into_target(format!("state of user {user}, plugin {slug}, page {page:?}, key {state_key:?}"));
        }
        let at = items.len();
        items.push(item.with_notes(notes(&row)));
        if let Some(key) = key {
            *entries.entry(key.clone()).or_default() += 1;
            let time = row.time("updated_at");
            let best = newest.entry(key).or_insert((time, at));
            *best = (*best).max((time, at));
        }
        Ok(())
    })?;
    for (key, (_, at)) in newest {
        let rows = entries.get(&key).copied().unwrap_or_default();
        if rows > 1
            && let Some(item) = items.get_mut(at)
        {
            item.notes.push(format!("is the newest of {rows} rows for one key; the others are its revisions"));
        }
    }
    database.rows("plugin_state_history", &["id"], &mut interner, &mut |row| {
        let read = decode(row.text("state_data").unwrap_or("null"), row.text("compression_type"), limit);
        let outcome = read.map_or_else(|why| Outcome::Failed(format!("its document {why}")), |_| checked());
        items.push(row_item(Kind::State, "plugin_state_history", row.text("id"), outcome));
        Ok(())
    })?;
    database.rows("plugin_state_configs", &["id"], &mut interner, &mut |row| {
        let outcome = match row.json("config_data") {
            None | Some(Ok(_)) => checked(),
            Some(Err(_)) => Outcome::Failed("its config_data does not parse".to_owned()),
        };
        items.push(row_item(Kind::Config, "plugin_state_configs", row.text("id"), outcome));
        Ok(())
    })?;
    Ok(items)
}

fn checked() -> Outcome {
    Outcome::Skipped(CHECKED.to_owned())
}

fn state(row: &Row, known: &Known, limit: u64) -> (Outcome, Option<Key>) {
    let read = || {
        let user = known.user(row.text("user_id"))?;
        let slug = known.slug(row.text("plugin_id"), &user)?;
        let text = row.text("state_data").unwrap_or("null");
        decode(text, row.text("compression_type"), limit).map_err(|why| Outcome::Failed(format!("its document {why}")))?;
        let text = |column| row.text(column).unwrap_or_default().to_owned();
        Ok::<_, Outcome>((user, slug, text("page_id"), text("state_key")))
    };
    match read() {
        Ok(key) => (checked(), Some(key)),
        Err(outcome) => (outcome, None),
    }
}

fn notes(row: &Row) -> Vec<String> {
    let strategy = row.text("state_strategy").unwrap_or("persistent");
    let strategy = matches!(strategy, "none" | "session").then(|| format!("its strategy is {strategy:?}, which belongs to the browser"));
    let inactive = (row.flag("is_active") == Some(false)).then(|| "is inactive and stays so".to_owned());
    strategy.into_iter().chain(inactive).collect()
}
