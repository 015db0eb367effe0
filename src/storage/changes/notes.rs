//! How a transaction tells whose rows it has changed: triggers note it, so that no query can forget to. A note is `u` and
//! a user's id, `s` and a slug, or `*` for everything.

use diesel::{
    connection::SimpleConnection,
    prelude::*,
    sql_types::{Bool, Text},
};

use crate::{error::Result, storage::connection::AnyConnection as Connection};

pub const EVERYTHING: &str = "*";

/// Where PostgreSQL's triggers (made by the migration `changes`) tell other processes.
pub const CHANNEL: &str = "plugyard_changes";

/// SQLite has temporary triggers: they belong to the one connection that writes, and what they note is rolled back with
/// the savepoint that it was noted in. PostgreSQL's are equal, but permanent.
const SQLITE: &str = "
    CREATE TEMP TABLE plugyard_changed (topic TEXT NOT NULL);
    CREATE TEMP TRIGGER note_user AFTER UPDATE OF id, username, role, active ON main.users BEGIN
        INSERT INTO plugyard_changed VALUES ('u' || OLD.id);
    END;
    CREATE TEMP TRIGGER note_user_gone AFTER DELETE ON main.users BEGIN
        INSERT INTO plugyard_changed VALUES ('u' || OLD.id);
    END;
    CREATE TEMP TRIGGER note_session AFTER UPDATE OF user_id, expires_at, revoked_at ON main.sessions BEGIN
        INSERT INTO plugyard_changed VALUES ('u' || OLD.user_id);
    END;
    CREATE TEMP TRIGGER note_session_gone AFTER DELETE ON main.sessions BEGIN
        INSERT INTO plugyard_changed VALUES ('u' || OLD.user_id);
    END;
    CREATE TEMP TRIGGER note_token AFTER UPDATE OF user_id, token_hash, scopes, expires_at, revoked_at ON main.api_tokens BEGIN
        INSERT INTO plugyard_changed VALUES ('u' || OLD.user_id);
    END;
    CREATE TEMP TRIGGER note_token_gone AFTER DELETE ON main.api_tokens BEGIN
        INSERT INTO plugyard_changed VALUES ('u' || OLD.user_id);
    END;
    CREATE TEMP TRIGGER note_plugin_new AFTER INSERT ON main.plugins BEGIN
        INSERT INTO plugyard_changed VALUES ('u' || NEW.user_id);
    END;
    CREATE TEMP TRIGGER note_plugin AFTER UPDATE ON main.plugins BEGIN
        INSERT INTO plugyard_changed VALUES ('u' || OLD.user_id), ('u' || NEW.user_id);
    END;
    CREATE TEMP TRIGGER note_plugin_gone AFTER DELETE ON main.plugins BEGIN
        INSERT INTO plugyard_changed VALUES ('u' || OLD.user_id);
    END;
    CREATE TEMP TRIGGER note_version_new AFTER INSERT ON main.plugin_versions BEGIN
        INSERT INTO plugyard_changed SELECT 'u' || user_id FROM plugins WHERE id = NEW.plugin_id;
    END;
    CREATE TEMP TRIGGER note_version AFTER UPDATE ON main.plugin_versions BEGIN
        INSERT INTO plugyard_changed SELECT 'u' || user_id FROM plugins WHERE id IN (OLD.plugin_id, NEW.plugin_id);
    END;
    CREATE TEMP TRIGGER note_version_gone AFTER DELETE ON main.plugin_versions BEGIN
        INSERT INTO plugyard_changed SELECT 'u' || user_id FROM plugins WHERE id = OLD.plugin_id;
    END;
    CREATE TEMP TRIGGER note_module_new AFTER INSERT ON main.modules BEGIN
        INSERT INTO plugyard_changed SELECT 'u' || user_id FROM plugins WHERE id = NEW.plugin_id;
    END;
    CREATE TEMP TRIGGER note_module AFTER UPDATE ON main.modules BEGIN
        INSERT INTO plugyard_changed SELECT 'u' || user_id FROM plugins WHERE id IN (OLD.plugin_id, NEW.plugin_id);
    END;
    CREATE TEMP TRIGGER note_module_gone AFTER DELETE ON main.modules BEGIN
        INSERT INTO plugyard_changed SELECT 'u' || user_id FROM plugins WHERE id = OLD.plugin_id;
    END;
    CREATE TEMP TRIGGER note_pending_new AFTER INSERT ON main.pending_records BEGIN
        INSERT INTO plugyard_changed VALUES ('u' || NEW.user_id);
    END;
    CREATE TEMP TRIGGER note_pending AFTER UPDATE ON main.pending_records BEGIN
        INSERT INTO plugyard_changed VALUES ('u' || OLD.user_id), ('u' || NEW.user_id);
    END;
    CREATE TEMP TRIGGER note_pending_gone AFTER DELETE ON main.pending_records BEGIN
        INSERT INTO plugyard_changed VALUES ('u' || OLD.user_id);
    END;
    CREATE TEMP TRIGGER note_slug_new AFTER INSERT ON main.plugin_config BEGIN
        INSERT INTO plugyard_changed VALUES ('s' || NEW.plugin_name);
    END;
    CREATE TEMP TRIGGER note_slug AFTER UPDATE OF plugin_name, status, config, latest_version ON main.plugin_config BEGIN
        INSERT INTO plugyard_changed VALUES ('s' || OLD.plugin_name), ('s' || NEW.plugin_name);
    END;
    CREATE TEMP TRIGGER note_slug_gone AFTER DELETE ON main.plugin_config BEGIN
        INSERT INTO plugyard_changed VALUES ('s' || OLD.plugin_name);
    END;
    CREATE TEMP TRIGGER note_release_new AFTER INSERT ON main.releases BEGIN
        INSERT INTO plugyard_changed VALUES ('s' || NEW.slug);
    END;
    CREATE TEMP TRIGGER note_release AFTER UPDATE ON main.releases BEGIN
        INSERT INTO plugyard_changed VALUES ('s' || OLD.slug), ('s' || NEW.slug);
    END;
    CREATE TEMP TRIGGER note_release_gone AFTER DELETE ON main.releases BEGIN
        INSERT INTO plugyard_changed VALUES ('s' || OLD.slug);
    END;
    CREATE TEMP TRIGGER note_file_new AFTER INSERT ON main.release_files BEGIN
        INSERT INTO plugyard_changed VALUES ('s' || NEW.slug);
    END;
    CREATE TEMP TRIGGER note_file AFTER UPDATE ON main.release_files BEGIN
        INSERT INTO plugyard_changed VALUES ('s' || OLD.slug), ('s' || NEW.slug);
    END;
    CREATE TEMP TRIGGER note_file_gone AFTER DELETE ON main.release_files BEGIN
        INSERT INTO plugyard_changed VALUES ('s' || OLD.slug);
    END;
    CREATE TEMP TRIGGER note_check_new AFTER INSERT ON main.update_checks BEGIN
        INSERT INTO plugyard_changed VALUES ('*');
    END;
    CREATE TEMP TRIGGER note_check AFTER UPDATE ON main.update_checks BEGIN
        INSERT INTO plugyard_changed VALUES ('*');
    END;
    CREATE TEMP TRIGGER note_check_gone AFTER DELETE ON main.update_checks BEGIN
        INSERT INTO plugyard_changed VALUES ('*');
    END;
";

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
        Connection::Sqlite(conn) => Ok(conn.batch_execute(SQLITE)?),
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
