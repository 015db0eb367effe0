//! How a transaction tells whose rows it has changed: triggers note it, so that no query can forget to. A note is `u` and
//! a user's id, `s` and a slug, `d` and what [`entry`] makes of a state entry, or `*` for everything.

use diesel::{
    connection::SimpleConnection,
    prelude::*,
    sql_types::{Bool, Text},
};

use crate::{
    domain::{UserId, state::StateKey},
    error::Result,
    storage::connection::AnyConnection as Connection,
};

pub const EVERYTHING: &str = "*";

/// Where PostgreSQL's triggers (made by the migration `changes`) tell other processes.
pub const CHANNEL: &str = "plugyard_changes";

const OF_ROW: &str = "SELECT 'u' || {row}.user_id";
const OF_PLUGIN: &str = "SELECT 'u' || user_id FROM plugins WHERE id = {row}.plugin_id";
const OF_SLUG: &str = "SELECT 's' || {row}.slug";
/// As [`entry`]; SQLite alone notes these.
const OF_ENTRY: &str = "SELECT 'd' || {row}.user_id || ' ' || {row}.plugin_slug || ' ' || {row}.page_id || char(31) || {row}.state_key";

/// Tables whose rows are kept in memory: which new rows, which columns of changed ones (none: all), and whose they are, with
/// `OLD` or `NEW` for `{row}`. Nobody has remembered anything of an account, session or token that is new.
#[rustfmt::skip]
const WATCHED: [(&str, bool, &str, &str); 12] = [
    ("users", false, "id, username, role, active", "SELECT 'u' || {row}.id"),
    ("sessions", false, "user_id, expires_at, revoked_at", OF_ROW),
    ("api_tokens", false, "user_id, token_hash, scopes, expires_at, revoked_at", OF_ROW),
    ("plugins", true, "", OF_ROW),
    ("plugin_versions", true, "", OF_PLUGIN),
    ("modules", true, "", OF_PLUGIN),
    ("pending_records", true, "", OF_ROW),
    ("plugin_config", true, "plugin_name, status, config, latest_version", "SELECT 's' || {row}.plugin_name"),
    ("releases", true, "", OF_SLUG),
    ("release_files", true, "", OF_SLUG),
    ("state_policies", true, "", "SELECT 's' || {row}.plugin_slug"),
    ("state_entries", true, "seq, active, expires_at, plugin_slug, page_id, state_key", OF_ENTRY),
];

/// A user's state entry, in notes; no part but the last can hold the separator behind it.
pub(super) fn entry(user: &UserId, key: &StateKey) -> String {
    format!("{user} {} {}\u{1f}{}", key.plugin, key.page, key.key)
}

/// SQLite has temporary triggers: they belong to the one connection that writes, and what they note is rolled back with
/// the savepoint that it was noted in. PostgreSQL's are equal, but permanent, and none of them notes state.
fn sqlite_triggers() -> String {
    let mut sql = "CREATE TEMP TABLE plugyard_changed (topic TEXT NOT NULL);".to_owned();
    let mut on = |table: &str, event: &str, notes: &str| {
        let name = event.split(' ').next().unwrap_or(event).to_lowercase();
        sql +=
            &format!("CREATE TEMP TRIGGER {table}_{name} AFTER {event} ON main.{table} BEGIN INSERT INTO plugyard_changed {notes}; END;\n");
    };
    for (table, new_rows, columns, note) in WATCHED {
        let (old, new) = (note.replace("{row}", "OLD"), note.replace("{row}", "NEW"));
        let update = if columns.is_empty() { "UPDATE".to_owned() } else { format!("UPDATE OF {columns}") };
        if new_rows {
            on(table, "INSERT", &new);
        }
        on(table, &update, &format!("{old} UNION ALL {new}"));
        on(table, "DELETE", &old);
    }
    for event in ["INSERT", "UPDATE", "DELETE"] {
        on("update_checks", event, "VALUES ('*')");
    }
    sql
}

// SQLite's notes of the transaction that runs.
diesel::table! {
    plugyard_changed (topic) {
        topic -> Text,
    }
}

diesel::define_sql_function! {
    /// Holds PostgreSQL's notes of the transaction that runs, a space around each.
    fn current_setting(name: Text, missing_ok: Bool) -> Nullable<Text>;
}

/// Prepares a connection that will write. PostgreSQL's triggers are there already.
pub fn install(conn: &mut Connection) -> Result<()> {
    match conn {
        Connection::Sqlite(conn) => Ok(conn.batch_execute(&sqlite_triggers())?),
        Connection::Postgres(_) => Ok(()),
    }
}

/// What the transaction that runs has changed so far; afterwards its notes begin anew on SQLite, where one transaction
/// carries the work of many. Called as its last step.
pub fn take(conn: &mut Connection) -> Result<Vec<String>> {
    match conn {
        Connection::Sqlite(conn) => {
            let topics: Vec<String> = plugyard_changed::table.select(plugyard_changed::topic).distinct().load(conn)?;
            if !topics.is_empty() {
                diesel::delete(plugyard_changed::table).execute(conn)?;
            }
            Ok(topics)
        }
        Connection::Postgres(conn) => {
            let noted: Option<String> = diesel::select(current_setting("plugyard.changed", true)).get_result(conn)?;
            Ok(noted.unwrap_or_default().split_whitespace().map(str::to_owned).collect())
        }
    }
}
