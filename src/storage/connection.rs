//! One connection type over both databases, and the few helpers for what the derive has no common form for.

use std::marker::PhantomData;

use diesel::{
    backend::Backend,
    connection::{AnsiTransactionManager, SimpleConnection, TransactionManager},
    prelude::*,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    r2d2::{ManageConnection, R2D2Connection},
    result::{DatabaseErrorKind, Error as Diesel},
};

use crate::{
    domain::DatabaseUrl,
    error::{Error, Result},
};

/// A connection to either database; queries are written once over it.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

/// The backend of [`AnyConnection`], for boxed queries.
pub(super) type Multi = multi_connection_impl::MultiBackend;

/// A statement whose text is always the same, which Diesel does not know of UPDATE and `ON CONFLICT`: it would prepare them anew
/// each time. `Row` is the SQL type of what it returns. Made by [`prepared`] and [`change`].
pub(super) struct Prepared<T, Id, Row> {
    pub statement: T,
    pub marks: PhantomData<(Id, Row)>,
}

impl<DB: Backend, T: QueryFragment<DB>, Id, Row> QueryFragment<DB> for Prepared<T, Id, Row> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.statement.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<T, Id: 'static, Row> QueryId for Prepared<T, Id, Row> {
    type QueryId = Id;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<T, Id, Row> Query for Prepared<T, Id, Row> {
    type SqlType = Row;
}

impl<T, Id, Row, C> RunQueryDsl<C> for Prepared<T, Id, Row> {}

impl<T: Query, Id> Prepared<T, Id, T::SqlType> {
    pub fn returning(statement: T) -> Self {
        Self { statement, marks: PhantomData }
    }
}

/// A statement with RETURNING that is known by the place where it stands, so that its text is not even made again. Each place
/// must have one text, whatever the values.
macro_rules! prepared {
    ($statement:expr) => {{
        struct Here;
        $crate::storage::connection::Prepared::<_, Here, _>::returning($statement)
    }};
}
pub(super) use prepared;

/// Runs an UPDATE or an upsert without RETURNING, for which SQLite would make a table each time; known by its place as those of
/// [`prepared`] are. Not by `execute`, which asks a reference to the statement, and that tells of its inside.
macro_rules! change {
    ($conn:expr, $statement:expr) => {{
        struct Here;
        type Silent<T> = $crate::storage::connection::Prepared<T, Here, diesel::sql_types::BigInt>;
        each!($conn, load::<i64>, Silent { statement: $statement, marks: std::marker::PhantomData }).map(|_: Vec<i64>| ())
    }};
}
pub(super) use change;

/// As [`change`], of one row; what is in these columns of it afterwards.
macro_rules! changed {
    ($conn:expr, $statement:expr, $columns:expr, $row:expr) => {
        match $conn {
            $crate::storage::Connection::Postgres(conn) => diesel::RunQueryDsl::get_result(prepared!($statement.returning($columns)), conn),
            $crate::storage::Connection::Sqlite(_) => change!($conn, $statement).and_then(|()| each!($conn, first, $row.select($columns))),
        }
    };
}
pub(super) use changed;

/// Runs a statement on whichever connection it is. Over the common one the derive refuses `ON CONFLICT` and many rows in one
/// INSERT, and prints the text of a statement several times for each execution.
macro_rules! each {
    ($conn:expr, $run:ident $(::<$row:ty>)?, $statement:expr) => {
        match $conn {
            $crate::storage::Connection::Postgres(conn) => diesel::RunQueryDsl::$run $(::<$row>)? ($statement, conn),
            $crate::storage::Connection::Sqlite(conn) => diesel::RunQueryDsl::$run $(::<$row>)? ($statement, conn),
        }
    };
}
pub(super) use each;

/// How a transaction begins.
#[derive(Clone, Copy)]
pub(super) enum Begin {
    /// One consistent picture; writing is refused.
    Read,
    /// On SQLite takes the write lock at once, so that it never fails half-way for it.
    Write,
}

impl AnyConnection {
    /// Opens a connection and applies the settings that every connection of ours has.
    pub(super) fn open(url: &DatabaseUrl) -> Result<Self> {
        match url {
            DatabaseUrl::Sqlite(path) => {
                create_private(path)?;
                let name = path.to_str().ok_or_else(|| Error::Setup("the database's path is not UTF-8".to_owned()))?;
                let mut conn = SqliteConnection::establish(name).map_err(|e| Error::storage("cannot open the database", e))?;
                conn.batch_execute(
                    "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
                     PRAGMA cache_size = -16384;",
                )?;
                Ok(Self::Sqlite(conn))
            }
            DatabaseUrl::Postgres(url) => {
                let mut conn = PgConnection::establish(url.expose()).map_err(|e| Error::storage("cannot connect to the database", e))?;
                // Diesel tells no SQLSTATE of deadlocks and timeouts, so we know them by their words. Where we may not choose
                // the language, `error.rs` has another sign.
                conn.batch_execute(
                    "DO $$ BEGIN PERFORM set_config('lc_messages', 'C', false); EXCEPTION WHEN insufficient_privilege THEN NULL; END $$",
                )?;
                // Stronger choices for synchronous_commit stay.
                conn.batch_execute(
                    "SET TIME ZONE 'UTC'; SET client_min_messages = warning; SET lock_timeout = '10s'; \
                     SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
                )?;
                Ok(Self::Postgres(conn))
            }
        }
    }

    /// Runs `work` in one transaction (a real one: the connection must be outside any).
    pub(super) fn in_transaction<T>(&mut self, begin: Begin, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.begin(begin)?;
        self.finish(work)
    }

    /// Runs `work` in a savepoint of the open transaction. Its own error is returned, even if the savepoint is lost by then.
    pub fn in_savepoint<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        <Self as diesel::Connection>::TransactionManager::begin_transaction(self)?;
        self.finish(work)
    }

    /// Commits or rolls back the innermost transaction by how `work` ends.
    pub(super) fn finish<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        match work(self) {
            Ok(value) => {
                self.commit()?;
                Ok(value)
            }
            Err(error) => {
                self.roll_back();
                Err(error)
            }
        }
    }

    pub(super) fn begin(&mut self, begin: Begin) -> Result<()> {
        match (self, begin) {
            (Self::Postgres(conn), Begin::Read) => {
                AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
            }
            (Self::Postgres(conn), Begin::Write) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN")?,
            (Self::Sqlite(conn), Begin::Read) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN DEFERRED")?,
            (Self::Sqlite(conn), Begin::Write) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")?,
        }
        Ok(())
    }

    /// Only a refused commit may be tried again: one that was cut off has perhaps taken effect.
    pub(super) fn commit(&mut self) -> Result<()> {
        match <Self as diesel::Connection>::TransactionManager::commit_transaction(self) {
            Err(refused @ Diesel::DatabaseError(DatabaseErrorKind::SerializationFailure, _)) => Err(refused.into()),
            Err(other) => Err(Error::storage("a commit failed", other)),
            Ok(()) => Ok(()),
        }
    }

    /// Ends the transaction without effect. A failure here leaves a broken connection, which the pool throws away.
    pub(super) fn roll_back(&mut self) {
        if let Err(error) = <Self as diesel::Connection>::TransactionManager::rollback_transaction(self) {
            tracing::warn!(%error, "could not roll back");
        }
    }
}

/// The database holds password hashes and keys: its file (and with it SQLite's side files) is for its owner alone. A file that
/// is there is not opened: closing it would drop SQLite's own locks in all of this process, and whoever looks at the database
/// next would take the log away from under it (https://www.sqlite.org/howtocorrupt.html, section 2.2).
fn create_private(path: &std::path::Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop).map_err(|e| Error::storage(format!("cannot open the database file {}", path.display()), e)),
    }
}

/// A connection of the pool.
pub(super) struct Pooled {
    pub conn: AnyConnection,
    /// Whether somebody has found that nobody answers any more.
    lost: bool,
}

impl Pooled {
    /// Begins a transaction; false when the connection is lost, which the pool then replaces.
    pub fn begin(&mut self, begin: Begin) -> Result<bool> {
        let begun = self.conn.begin(begin);
        self.lost = begun.is_err() && self.conn.ping().is_err();
        if self.lost { Ok(false) } else { begun.map(|()| true) }
    }
}

/// Opens connections for a pool. (The derived `establish` tries each database in turn and so turns a mistyped address
/// into a SQLite file of that name.)
pub(super) struct Manager {
    pub url: DatabaseUrl,
}

impl ManageConnection for Manager {
    type Connection = Pooled;
    type Error = PoolError;

    fn connect(&self) -> Result<Pooled, PoolError> {
        let mut conn = AnyConnection::open(&self.url).map_err(PoolError)?;
        if let AnyConnection::Sqlite(sqlite) = &mut conn {
            // Many readers together keep less in memory than the system does for all of them.
            sqlite.batch_execute("PRAGMA query_only = ON; PRAGMA cache_size = -2048").map_err(|e| PoolError(e.into()))?;
        }
        Ok(Pooled { conn, lost: false })
    }

    fn is_valid(&self, pooled: &mut Pooled) -> Result<(), PoolError> {
        pooled.conn.ping().map_err(|e| PoolError(e.into()))
    }

    fn has_broken(&self, pooled: &mut Pooled) -> bool {
        std::thread::panicking() || pooled.lost || pooled.conn.is_broken()
    }
}

/// r2d2 wants a standard error type; this is ours behind it.
#[derive(Debug)]
pub(super) struct PoolError(Error);

impl std::fmt::Display for PoolError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.chain().fmt(f)
    }
}

impl std::error::Error for PoolError {}
