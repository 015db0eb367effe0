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
    sql_types::{Binary, Integer, Text},
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

#[derive(QueryableByName)]
struct FamilyLine {
    #[diesel(sql_type = Text)]
    owner: String,
    #[diesel(sql_type = Integer)]
    child: i32,
    #[diesel(sql_type = Binary)]
    value: Vec<u8>,
}

/// Two tables of which one belongs to the other.
pub struct Family {
    pub parents: &'static str,
    /// The parents' column that names their owner: a UUID, with or without dashes.
    pub owner: &'static str,
    pub children: &'static str,
    /// The children's column that names their parent; the first that there is.
    pub links: &'static [&'static str],
}

/// A row of either table.
pub struct Member {
    /// In lower case and without dashes; of a child that has no parent the empty text.
    pub owner: String,
    pub is_child: bool,
    pub row: Row,
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
        let order = by.iter().filter(|name| columns.iter().any(|column| column == *name)).map(|name| as_text("t", name));
        let order = order.collect::<Vec<_>>().join(", ");
        let order = if order.is_empty() { String::new() } else { format!(" ORDER BY {order}") };
        let query = format!("SELECT {} AS value FROM {} AS t{order}", self.as_json("t", &columns), quoted(table));
        let mut take = |line: QueryResult<Line>| sink(row(&columns, &line?.value, interner)?);
        match &mut self.conn {
            Connection::Sqlite(conn) => {
                diesel::sql_query(query).load_iter::<Line, diesel::connection::DefaultLoadingMode>(conn)?.try_for_each(&mut take)?;
            }
            Connection::Postgres(conn) => {
                diesel::sql_query(query).load_iter::<Line, PgRowByRowLoadingMode>(conn)?.try_for_each(&mut take)?;
            }
        }
        Ok(true)
    }

    /// Hands every row of both tables to `sink`, owner by owner: first the owner's parents, then their children, each by id.
    /// The database sorts, so one owner's rows are all that has to be in memory. Without the parents' table there is nothing.
    pub fn families(&mut self, family: &Family, interner: &mut Interner, sink: &mut dyn FnMut(Member) -> Result<()>) -> Result<()> {
        let parents: Arc<[String]> = self.columns(family.parents)?.into();
        let children: Arc<[String]> = self.columns(family.children)?.into();
        if parents.is_empty() {
            return Ok(());
        }
        let of = |table, columns: &[String], name: &str| match columns.iter().any(|column| column == name) {
            true => as_text(table, name),
            false => "''".to_owned(),
        };
        let owner = format!("COALESCE(LOWER(REPLACE({}, '-', '')), '')", of("p", &parents, family.owner));
        let part = |child: u8, id: String, value: String, from: String| {
            format!("SELECT {owner} AS owner, {child} AS child, {id} AS id, {value} AS value FROM {from}")
        };
        let table = quoted(family.parents);
        let mut query = part(0, of("p", &parents, "id"), self.as_json("p", &parents), format!("{table} AS p"));
        if !children.is_empty() {
            let link = family.links.iter().find(|link| children.iter().any(|column| column == *link));
            let joined = match (link, &self.conn) {
                // What names a row need not have its type. On SQLite that makes no difference, and keeps the index from use.
                (Some(link), Connection::Postgres(_)) => format!("{} = {}", as_text("p", "id"), as_text("c", link)),
                (Some(link), Connection::Sqlite(_)) => format!("p.\"id\" = c.{}", quoted(link)),
                (None, _) => "1 = 0".to_owned(),
            };
            let from = format!("{} AS c LEFT JOIN {table} AS p ON {joined}", quoted(family.children));
            query = format!("{query} UNION ALL {}", part(1, of("c", &children, "id"), self.as_json("c", &children), from));
        }
        let query = format!("SELECT owner, child, value FROM ({query}) AS family ORDER BY owner, child, id");
        let mut take = |line: QueryResult<FamilyLine>| {
            let FamilyLine { owner, child, value } = line?;
            let columns = if child == 0 { &parents } else { &children };
            sink(Member { owner, is_child: child != 0, row: row(columns, &value, interner)? })
        };
        match &mut self.conn {
            Connection::Sqlite(conn) => {
                diesel::sql_query(query).load_iter::<FamilyLine, diesel::connection::DefaultLoadingMode>(conn)?.try_for_each(&mut take)
            }
            Connection::Postgres(conn) => {
                diesel::sql_query(query).load_iter::<FamilyLine, PgRowByRowLoadingMode>(conn)?.try_for_each(&mut take)
            }
        }
    }

    /// How many rows the table has; none when there is no such table.
    pub fn count(&mut self, table: &str) -> Result<usize> {
        if self.columns(table)?.is_empty() {
            return Ok(0);
        }
        let query = diesel::sql_query(format!("SELECT CAST(count(*) AS TEXT) AS value FROM {}", quoted(table)));
        let counted: Name = match &mut self.conn {
            Connection::Sqlite(conn) => query.get_result(conn),
            Connection::Postgres(conn) => query.get_result(conn),
        }?;
        Ok(counted.value.parse().unwrap_or_default())
    }

    /// SQL for the columns of the table that the query calls `of`: one JSON list of lists of texts, in bytes.
    fn as_json(&self, of: &str, columns: &[String]) -> String {
        let list = |function: &str, open: &str, close: &str| {
            let calls = columns.chunks(COLUMNS_PER_CALL).map(|chunk| {
                let chunk = chunk.iter().map(|name| as_text(of, name)).collect::<Vec<_>>().join(", ");
                format!("{function}({open}{chunk}{close}")
            });
            format!("'[' || {} || ']'", calls.collect::<Vec<_>>().join(" || ',' || "))
        };
        match &self.conn {
            Connection::Sqlite(_) => format!("CAST({} AS BLOB)", list("json_array", "", ")")),
            Connection::Postgres(_) => format!("convert_to({}, 'UTF8')", list("array_to_json", "ARRAY[", "])::text")),
        }
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
    let is_damaged = matches!(text, std::borrow::Cow::Owned(_));
    let mut row = Row::new(Arc::clone(columns), values.collect());
    row.is_damaged = is_damaged;
    Ok(row)
}

fn as_text(table: &str, column: &str) -> String {
    format!("CAST({table}.{} AS TEXT)", quoted(column))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
