//! Reads the tables of another system's database, whatever they hold, and never writes: every column comes as text.
//! SQLite and PostgreSQL are asked the same.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use diesel::{
    Connection as _,
    connection::SimpleConnection,
    pg::PgRowByRowLoadingMode,
    prelude::*,
    sql_types::{Binary, Text},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use tempfile::TempDir;

use super::Connection;
use crate::{
    domain::legacy::{Interner, Row},
    error::{Error, Result},
};

/// Arguments of one function call; PostgreSQL takes 100, SQLite 127.
const COLUMNS_PER_CALL: usize = 50;
/// What a path in an SQLite URI may hold as it is (https://www.sqlite.org/uri.html).
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A database that is read and stays as it is.
pub struct ForeignDatabase {
    conn: Connection,
    /// Where a copy was needed.
    _copy: Option<TempDir>,
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    value: String,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Binary)]
    value: Vec<u8>,
}

impl ForeignDatabase {
    /// Opens an SQLite file by its path (or `sqlite://` and the path), or a PostgreSQL database by its URL.
    ///
    /// # Errors
    /// [`Error::Setup`] when there is no such database, or it cannot be read.
    pub fn open(address: &str) -> Result<Self> {
        let opened = match address.split_once("://") {
            Some(("postgres" | "postgresql", _)) => postgres(address).map(|conn| Self { conn: Connection::Postgres(conn), _copy: None }),
            _ => sqlite(Path::new(address.strip_prefix("sqlite://").unwrap_or(address))),
        };
        opened.map_err(|e| Error::Setup(format!("the database to import from cannot be read: {}", e.chain())))
    }

    /// Hands every row of the table to `sink`, in the order of the columns `by` as far as it has them. False when there is no
    /// such table.
    pub fn rows(
        &mut self,
        table: &'static str,
        by: &[&str],
        interner: &mut Interner,
        sink: &mut dyn FnMut(Row) -> Result<()>,
    ) -> Result<bool> {
        let columns: Arc<[String]> = self.columns(table)?.into();
        if columns.is_empty() {
            return Ok(false);
        }
        let order = by.iter().filter(|name| columns.iter().any(|column| column == *name)).map(|name| as_text(name));
        let order = order.collect::<Vec<_>>().join(", ");
        let order = if order.is_empty() { String::new() } else { format!(" ORDER BY {order}") };
        let list = |function: &str, open: &str, close: &str| {
            let calls = columns.chunks(COLUMNS_PER_CALL).map(|chunk| {
                let chunk = chunk.iter().map(|name| as_text(name)).collect::<Vec<_>>().join(", ");
                format!("{function}({open}{chunk}{close})")
            });
            calls.collect::<Vec<_>>()
        };
        let mut take = |line: QueryResult<Line>| sink(row(&columns, &line?.value, interner)?);
        match &mut self.conn {
            Connection::Sqlite(conn) => {
                let value = list("json_array", "", "").join(" || ',' || ");
                let query = format!("SELECT CAST('[' || {value} || ']' AS BLOB) AS value FROM {}{order}", quoted(table));
                diesel::sql_query(query).load_iter::<Line, diesel::connection::DefaultLoadingMode>(conn)?.try_for_each(&mut take)?;
            }
            Connection::Postgres(conn) => {
                let value = list("array_to_json", "ARRAY[", "]").join("::text || ',' || ");
                let query = format!("SELECT convert_to('[' || {value}::text || ']', 'UTF8') AS value FROM {}{order}", quoted(table));
                diesel::sql_query(query).load_iter::<Line, PgRowByRowLoadingMode>(conn)?.try_for_each(&mut take)?;
            }
        }
        Ok(true)
    }

    fn columns(&mut self, table: &str) -> Result<Vec<String>> {
        let names: Vec<Name> = match &mut self.conn {
            Connection::Sqlite(conn) => {
                diesel::sql_query("SELECT name AS value FROM pragma_table_info(?) ORDER BY cid").bind::<Text, _>(table).load(conn)
            }
            Connection::Postgres(conn) => diesel::sql_query(
                "SELECT column_name::text AS value FROM information_schema.columns \
                 WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position",
            )
            .bind::<Text, _>(table)
            .load(conn),
        }?;
        Ok(names.into_iter().map(|name| name.value).collect())
    }
}

/// One picture for the whole import, in a transaction that cannot write.
fn postgres(url: &str) -> Result<PgConnection> {
    let mut conn = PgConnection::establish(url).map_err(|e| Error::storage("no connection", e))?;
    conn.batch_execute("SET TIME ZONE 'UTC'; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
    Ok(conn)
}

/// SQLite makes files beside one that it opens, also for reading, unless it is told that the file never changes; then it
/// overlooks what only those files hold. So a database that has any is copied first, and the copy opened.
fn sqlite(path: &Path) -> Result<ForeignDatabase> {
    let failed = |e: std::io::Error| Error::storage(path.display().to_string(), e);
    let path = path.canonicalize().map_err(failed)?;
    let copy = match ["-wal", "-journal"].iter().any(|end| has_content(&beside(&path, end))) {
        true => Some(copied(&path).map_err(failed)?),
        false => None,
    };
    let (file, mode) = match &copy {
        Some((_, file)) => (file, "mode=rw"),
        None => (&path, "mode=ro&immutable=1"),
    };
    let uri = format!("file:{}?{mode}", percent_encode(file.as_os_str().as_encoded_bytes(), PATH));
    let mut conn = SqliteConnection::establish(&uri).map_err(|e| Error::storage("no connection", e))?;
    // The first statement that looks at the file tells whether it is a database.
    conn.batch_execute("PRAGMA query_only = ON; SELECT count(*) FROM sqlite_schema")?;
    Ok(ForeignDatabase { conn: Connection::Sqlite(conn), _copy: copy.map(|(folder, _)| folder) })
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn has_content(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0)
}

fn copied(path: &Path) -> std::io::Result<(TempDir, PathBuf)> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("copy.db");
    for end in ["", "-wal", "-journal"] {
        if beside(path, end).exists() {
            fs::copy(beside(path, end), beside(&file, end))?;
        }
    }
    Ok((folder, file))
}

fn row(columns: &Arc<[String]>, line: &[u8], interner: &mut Interner) -> Result<Row> {
    let text = String::from_utf8_lossy(line);
    let lists: Vec<Vec<Option<String>>> =
        serde_json::from_str(&text).map_err(|e| Error::storage("a row of the database to import from cannot be read", e))?;
    let values = lists.into_iter().flatten().map(|value| value.map(|text| interner.share(&text)));
    Ok(Row::new(Arc::clone(columns), values.collect()))
}

fn as_text(column: &str) -> String {
    format!("CAST({} AS TEXT)", quoted(column))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
