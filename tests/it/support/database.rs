//! A migrated, empty database for each test: a copy of a template that the program itself migrated once.

use std::{
    fs,
    path::Path,
    sync::{Mutex, OnceLock, PoisonError},
};

use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection, connection::SimpleConnection};

use super::{guardian::Guardian, postgres::Cluster, program::Home};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Db {
    Sqlite,
    Postgres,
}

impl Db {
    /// False for PostgreSQL on a machine without its programs.
    pub fn is_available(self) -> bool {
        self == Self::Sqlite || Cluster::get().is_some()
    }
}

/// The database of one test, gone with it.
pub struct TestDatabase {
    pub url: String,
    /// On PostgreSQL: the name to drop.
    name: Option<String>,
    /// The connection that [`Self::values`] asks, once there is one: to make one takes PostgreSQL longer than to answer.
    reader: Mutex<Option<PgConnection>>,
}

impl TestDatabase {
    /// `folder` is where an SQLite file goes.
    pub fn create(db: Db, folder: &Path) -> Self {
        match db {
            Db::Sqlite => {
                let template = sqlite_template();
                for entry in fs::read_dir(template).expect("the template's folder is there") {
                    let entry = entry.expect("the template's folder can be read");
                    fs::copy(entry.path(), folder.join(entry.file_name())).expect("the template can be copied");
                }
                Self { url: sqlite_url(folder), name: None, reader: Mutex::default() }
            }
            Db::Postgres => {
                let template = postgres_template();
                let name = unique_name();
                let cluster = Cluster::get().expect("the caller asked whether PostgreSQL is available");
                cluster.psql("postgres", &format!("CREATE DATABASE {name} TEMPLATE {template}")).expect("the template can be copied");
                Self { url: cluster.url(&name), name: Some(name), reader: Mutex::default() }
            }
        }
    }

    /// An empty database without tables, for tests of the migrations themselves.
    pub fn create_bare(db: Db, folder: &Path) -> Self {
        match db {
            Db::Sqlite => Self { url: sqlite_url(folder), name: None, reader: Mutex::default() },
            Db::Postgres => {
                let name = unique_name();
                let cluster = Cluster::get().expect("the caller asked whether PostgreSQL is available");
                cluster.psql("postgres", &format!("CREATE DATABASE {name} TEMPLATE template0")).expect("a database can be created");
                Self { url: cluster.url(&name), name: Some(name), reader: Mutex::default() }
            }
        }
    }
}

impl TestDatabase {
    /// Runs statements behind the server's back: what only time or an import would bring about.
    pub fn execute(&self, sql: &str) {
        match self.connect() {
            Connected::Sqlite(mut conn) => conn.batch_execute(sql),
            Connected::Postgres(mut conn) => conn.batch_execute(sql),
        }
        .unwrap_or_else(|e| panic!("{e} in {sql}"));
    }

    /// The rows of a statement with one column, named `value`.
    pub fn values(&self, sql: &str) -> Vec<String> {
        let rows: Vec<Row> = match self.url.starts_with("sqlite://") {
            true => Self::ask(sql, self.connect()).0,
            false => {
                let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
                let (rows, conn) = Self::ask(sql, reader.take().map_or_else(|| self.connect(), Connected::Postgres));
                if let Connected::Postgres(conn) = conn {
                    *reader = Some(conn);
                }
                rows
            }
        };
        rows.into_iter().map(|row| row.value).collect()
    }

    fn ask(sql: &str, mut conn: Connected) -> (Vec<Row>, Connected) {
        let query = diesel::sql_query(sql);
        let rows = match &mut conn {
            Connected::Sqlite(conn) => query.load(conn),
            Connected::Postgres(conn) => query.load(conn),
        };
        (rows.unwrap_or_else(|e| panic!("{e} in {sql}")), conn)
    }

    /// A connection that stays open, for what only another program's would bring about. `sqlite` is run first, there alone.
    pub fn hold_open(&self, sqlite: &str) -> Held {
        let mut held = self.connect();
        if let Connected::Sqlite(conn) = &mut held {
            conn.batch_execute(sqlite).unwrap_or_else(|e| panic!("{e} in {sqlite}"));
        }
        Held(held)
    }

    fn connect(&self) -> Connected {
        match self.url.strip_prefix("sqlite://") {
            Some(path) => {
                let mut conn = SqliteConnection::establish(path).expect("the file can be opened");
                conn.batch_execute("PRAGMA busy_timeout = 10000").expect("a connection can be set up");
                Connected::Sqlite(conn)
            }
            None => Connected::Postgres(PgConnection::establish(&self.url).expect("the server answers")),
        }
    }
}

/// Closed when dropped.
pub struct Held(#[expect(dead_code, reason = "it is only held")] Connected);

enum Connected {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = diesel::sql_types::Text)]
    value: String,
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Some(name) = &self.name else { return };
        let dropped = Cluster::get().expect("it has made this database").psql("postgres", &format!("DROP DATABASE {name} WITH (FORCE)"));
        if !std::thread::panicking() {
            dropped.expect("the test's database can be dropped");
        }
    }
}

fn unique_name() -> String {
    format!("t_{}", uuid::Uuid::now_v7().simple())
}

fn sqlite_url(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("plugyard.db").display())
}

/// A folder with the migrated file and whatever SQLite left beside it.
fn sqlite_template() -> &'static Path {
    static TEMPLATE: OnceLock<Result<std::path::PathBuf, String>> = OnceLock::new();
    let template = TEMPLATE.get_or_init(|| {
        let folder = Guardian::get().folder().join("sqlite-template");
        fs::create_dir(&folder).expect("a folder can be made in the run's folder");
        migrate(&sqlite_url(&folder)).map(|()| folder)
    });
    template.as_ref().unwrap_or_else(|said| panic!("no SQLite template: {said}"))
}

fn postgres_template() -> &'static str {
    static TEMPLATE: OnceLock<Result<&str, String>> = OnceLock::new();
    let template = TEMPLATE.get_or_init(|| {
        let cluster = Cluster::get().expect("the caller asked whether PostgreSQL is available");
        let name = "plugyard_template";
        cluster.psql("postgres", &format!("CREATE DATABASE {name} TEMPLATE template0"))?;
        migrate(&cluster.url(name)).map(|()| name)
    });
    template.as_ref().unwrap_or_else(|said| panic!("no PostgreSQL template: {said}"))
}

fn migrate(url: &str) -> Result<(), String> {
    let output = Home::new(url).run(&["migrate", "run"]);
    if output.status == 0 { Ok(()) } else { Err(format!("`migrate run` ended with {}:\n{}", output.status, output.stderr)) }
}
