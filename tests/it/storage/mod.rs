//! The storage layer, used directly: no server, a database for each test, both kinds.

mod calls;
mod catalogue;
mod constraints;
mod database;
mod migrations;
mod nouns;
mod plans;
mod samples;
mod schema;
mod tables;
mod writer;

use diesel::{
    Connection as _, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection,
    sql_types::{Nullable, Text},
};
use plugyard::{
    domain::database_url::DatabaseUrl,
    storage::{Connection, Database},
};
use tempfile::TempDir;

use crate::support::{Db, database::TestDatabase, guardian::Guardian};

/// Makes two tests, `::sqlite` and `::postgres`, of an `async fn name(store: Store)`.
macro_rules! stores {
    ($test:ident) => {
        mod $test {
            #[test]
            fn sqlite() {
                $crate::storage::run_on($crate::support::Db::Sqlite, super::$test);
            }

            #[test]
            fn postgres() {
                $crate::storage::run_on($crate::support::Db::Postgres, super::$test);
            }
        }
    };
}
use stores;

/// A database without tables, gone with it.
struct Store {
    kind: Db,
    database: TestDatabase,
    folder: TempDir,
}

impl Store {
    fn new(kind: Db) -> Self {
        let folder = Guardian::get().new_folder("store-");
        Self { kind, database: TestDatabase::create_bare(kind, folder.path()), folder }
    }

    fn url(&self) -> DatabaseUrl {
        self.database.url.parse().unwrap()
    }

    /// Migrates and opens it the way the server does.
    fn open(&self) -> Database {
        self.open_with_queue(1000)
    }

    fn open_with_queue(&self, queue: usize) -> Database {
        Database::open(&self.url(), queue).unwrap()
    }

    /// A connection of another program: none of our settings, no part in our pool.
    fn connect(&self) -> Connection {
        match self.kind {
            Db::Sqlite => Connection::Sqlite(SqliteConnection::establish(self.sqlite_file().to_str().unwrap()).unwrap()),
            Db::Postgres => Connection::Postgres(PgConnection::establish(&self.database.url).unwrap()),
        }
    }

    fn sqlite_file(&self) -> std::path::PathBuf {
        self.folder.path().join("plugyard.db")
    }

    /// On PostgreSQL, its name in the cluster.
    fn name(&self) -> &str {
        self.database.url.rsplit('/').next().unwrap()
    }
}

/// Runs one test on one database. Jobs of the tests wait for each other, so there is more than one thread.
fn run_on(kind: Db, test: impl AsyncFnOnce(Store)) {
    if !kind.is_available() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(test(Store::new(kind)));
}

/// The rows of a query with one text column named `line`.
fn lines(conn: &mut Connection, sql: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Nullable<Text>)]
        line: Option<String>,
    }
    let query = diesel::sql_query(sql);
    let rows: Vec<Row> = match conn {
        Connection::Sqlite(conn) => query.load(conn),
        Connection::Postgres(conn) => query.load(conn),
    }
    .unwrap_or_else(|error| panic!("{error} in {sql}"));
    rows.into_iter().map(|row| row.line.unwrap_or_else(|| "NULL".to_owned())).collect()
}

/// The one row of such a query.
fn line(conn: &mut Connection, sql: &str) -> String {
    let mut lines = lines(conn, sql);
    assert_eq!(lines.len(), 1, "{sql}");
    lines.remove(0)
}
