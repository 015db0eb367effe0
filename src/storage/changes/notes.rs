//! How a transaction tells whose rows it has changed: triggers note it, so that no query can forget to. A note is `u` and
//! a user's id, `s` and a slug, `d` and what [`entry`] makes of a state entry, or `*` for everything.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use diesel::{
    connection::SimpleConnection,
    prelude::*,
    sql_types::{Bool, Nullable, Text},
};

use crate::{
    domain::{UserId, state::StateKey},
    error::Result,
};

pub const EVERYTHING: &str = "*";

/// Where PostgreSQL's triggers (made by the migration `changes`) tell other processes.
pub const CHANNEL: &str = "plugyard_changes";

const OF_ROW: &str = "'u' || {row}.user_id";
const OF_PLUGIN: &str = "(SELECT 'u' || user_id FROM plugins WHERE id = {row}.plugin_id)";
const OF_SLUG: &str = "'s' || {row}.slug";
/// As [`entry`]; SQLite alone notes these.
const OF_ENTRY: &str = "'d' || {row}.user_id || ' ' || {row}.plugin_slug || ' ' || {row}.page_id || char(31) || {row}.state_key";

/// Tables whose rows are kept in memory: which new rows, which columns of changed ones (none: all), and whose they are, with
/// `OLD` or `NEW` for `{row}`. Nobody has remembered anything of an account, session or token that is new.
#[rustfmt::skip]
const WATCHED: [(&str, bool, &str, &str); 12] = [
    ("users", false, "id, username, role, active", "'u' || {row}.id"),
    ("sessions", false, "user_id, expires_at, revoked_at", OF_ROW),
    ("api_tokens", false, "user_id, token_hash, scopes, expires_at, revoked_at", OF_ROW),
    ("plugins", true, "", OF_ROW),
    ("plugin_versions", true, "", OF_PLUGIN),
    ("modules", true, "", OF_PLUGIN),
    ("pending_records", true, "", OF_ROW),
    ("plugin_config", true, "plugin_name, status, config, latest_version", "'s' || {row}.plugin_name"),
    ("releases", true, "", OF_SLUG),
    ("release_files", true, "", OF_SLUG),
    ("state_policies", true, "", "'s' || {row}.plugin_slug"),
    ("state_entries", true, "seq, active, expires_at, plugin_slug, page_id, state_key", OF_ENTRY),
];

/// A user's state entry, in notes; no part but the last can hold the separator behind it.
pub(super) fn entry(user: &UserId, key: &StateKey) -> String {
    format!("{user} {} {}\u{1f}{}", key.plugin, key.page, key.key)
}

/// SQLite has temporary triggers, which belong to the one connection that writes. PostgreSQL's are equal, but permanent, and
/// none of them notes state.
fn sqlite_triggers() -> String {
    let mut sql = String::new();
    let mut on = |table: &str, event: &str, notes: &[&str]| {
        let name = event.split(' ').next().unwrap_or(event).to_lowercase();
        let calls: String = notes.iter().map(|note| format!("SELECT plugyard_note({note});")).collect();
        sql += &format!("CREATE TEMP TRIGGER {table}_{name} AFTER {event} ON main.{table} BEGIN {calls} END;\n");
    };
    for (table, new_rows, columns, note) in WATCHED {
        let (old, new) = (note.replace("{row}", "OLD"), note.replace("{row}", "NEW"));
        let update = if columns.is_empty() { "UPDATE".to_owned() } else { format!("UPDATE OF {columns}") };
        if new_rows {
            on(table, "INSERT", &[&new]);
        }
        on(table, &update, &[&old, &new]);
        on(table, "DELETE", &[&old]);
    }
    for event in ["INSERT", "UPDATE", "DELETE"] {
        on("update_checks", event, &["'*'"]);
    }
    sql
}

diesel::define_sql_function! {
    /// What SQLite's triggers call.
    fn plugyard_note(topic: Nullable<Text>) -> Bool;
}

diesel::define_sql_function! {
    /// Holds PostgreSQL's notes of the transaction that runs, a space around each.
    fn current_setting(name: Text, missing_ok: Bool) -> Nullable<Text>;
}

/// Notes of SQLite's writing connection. What was rolled back stays noted, which only costs a copy.
#[derive(Clone, Default)]
pub struct Notes(Arc<Mutex<HashSet<String>>>);

impl Notes {
    /// Lets the connection note what it changes from now on.
    pub fn install(conn: &mut SqliteConnection) -> Result<Self> {
        let notes = Self::default();
        let noted = notes.clone();
        // Nondeterministic, because the same topic has to be noted again in the next transaction.
        plugyard_note_utils::register_nondeterministic_impl(conn, move |topic: Option<String>| {
            noted.locked().extend(topic);
            true
        })?;
        conn.batch_execute(&sqlite_triggers())?;
        Ok(notes)
    }

    /// What was changed since it was asked the last time.
    pub fn take(&self) -> HashSet<String> {
        std::mem::take(&mut *self.locked())
    }

    fn locked(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the transaction that runs on PostgreSQL has changed so far; its triggers are there already. Called as its last step.
pub fn take(conn: &mut PgConnection) -> Result<HashSet<String>> {
    let noted: Option<String> = diesel::select(current_setting("plugyard.changed", true)).get_result(conn)?;
    Ok(noted.unwrap_or_default().split_whitespace().map(str::to_owned).collect())
}
