//! The schema's history, embedded for both databases under equal names, and the lock under which it is applied.

use diesel::connection::SimpleConnection;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::connection::{AnyConnection as Connection, Begin, Multi};
use crate::{
    domain::DatabaseUrl,
    error::{Error, Result},
};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Any number that no other user of the same PostgreSQL database takes for its own lock.
const ADVISORY_LOCK: i64 = 0x706c_7567_7961_7264;

/// One step of the schema's history.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Migration {
    pub name: String,
    pub applied: bool,
}

/// Applies what is missing, and names it. A database from a newer program is refused untouched.
pub fn run(url: &DatabaseUrl) -> Result<Vec<String>> {
    locked(url, |conn, source| {
        refuse_newer(conn, &source)?;
        let known = known(&source)?;
        let applied: Vec<String> = conn.run_pending_migrations(source).map_err(failed)?.iter().map(ToString::to_string).collect();
        Ok(known.into_iter().filter(|(version, _)| applied.contains(version)).map(|(_, name)| name).collect())
    })
}

/// Takes back the newest migration; its name, or none when the database is empty.
pub fn revert(url: &DatabaseUrl) -> Result<Option<String>> {
    locked(url, |conn, source| {
        refuse_newer(conn, &source)?;
        let known = known(&source)?;
        if conn.applied_migrations().map_err(failed)?.is_empty() {
            return Ok(None);
        }
        let reverted = conn.revert_last_migration(source).map_err(failed)?.to_string();
        Ok(known.into_iter().find(|(version, _)| *version == reverted).map(|(_, name)| name))
    })
}

/// Every migration this program knows, oldest first.
pub fn status(url: &DatabaseUrl) -> Result<Vec<Migration>> {
    locked(url, |conn, source| {
        let applied: Vec<String> = conn.applied_migrations().map_err(failed)?.iter().map(ToString::to_string).collect();
        Ok(known(&source)?.into_iter().map(|(version, name)| Migration { applied: applied.contains(&version), name }).collect())
    })
}

fn locked<T>(url: &DatabaseUrl, work: impl FnOnce(&mut Connection, EmbeddedMigrations) -> Result<T>) -> Result<T> {
    let mut conn = Connection::open(url)?;
    conn.in_transaction(Begin::Write, |conn| {
        let source = match conn {
            Connection::Sqlite(_) => SQLITE,
            Connection::Postgres(conn) => {
                conn.batch_execute(&format!("SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))?;
                POSTGRES
            }
        };
        work(conn, source)
    })
}

/// Version and full name of every embedded migration, oldest first.
fn known(source: &EmbeddedMigrations) -> Result<Vec<(String, String)>> {
    use diesel::migration::{Migration, MigrationSource};
    let migrations: Vec<Box<dyn Migration<Multi>>> = source.migrations().map_err(failed)?;
    let mut known: Vec<_> = migrations.iter().map(|m| (m.name().version().to_string(), m.name().to_string())).collect();
    known.sort();
    Ok(known)
}

fn refuse_newer(conn: &mut Connection, source: &EmbeddedMigrations) -> Result<()> {
    let known = known(source)?;
    let applied = conn.applied_migrations().map_err(failed)?;
    match applied.iter().map(ToString::to_string).find(|version| known.iter().all(|(k, _)| k != version)) {
        Some(version) => Err(Error::Setup(format!(
            "the database was made by a newer plugyard (it has migration {version}); use that one or a newer one"
        ))),
        None => Ok(()),
    }
}

fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::storage("a schema migration failed", error)
}
