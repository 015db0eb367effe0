//! What a database says about its own schema, in words that are the same for both.

use std::collections::BTreeSet;

use plugyard::storage::Connection;

use super::lines;

/// One sentence for every column, key, index and constraint. Sentences begin with the table's name.
#[derive(Debug, PartialEq, Eq)]
pub struct Catalogue {
    /// `users 1 id text not null`; a default follows.
    pub columns: BTreeSet<String>,
    /// `users (id)`
    pub primary_keys: BTreeSet<String>,
    /// `users (email_folded)`
    pub unique_keys: BTreeSet<String>,
    /// `sessions (user_id) -> users (id) on delete cascade on update no action`
    pub foreign_keys: BTreeSet<String>,
    /// `sessions sessions_by_user (user_id)`; without those that serve a key.
    pub indexes: BTreeSet<String>,
    /// `users length(id)=32`, without the spaces and parentheses in which the databases differ.
    pub checks: BTreeSet<String>,
}

impl Catalogue {
    pub fn read(conn: &mut Connection) -> Self {
        match conn {
            Connection::Sqlite(_) => Self::of_sqlite(conn),
            Connection::Postgres(_) => Self::of_postgres(conn),
        }
    }

    pub fn is_empty(&self) -> bool {
        [&self.columns, &self.primary_keys, &self.unique_keys, &self.foreign_keys, &self.indexes, &self.checks].iter().all(|s| s.is_empty())
    }

    fn of_sqlite(conn: &mut Connection) -> Self {
        let mut read = |what: &str| -> BTreeSet<String> {
            let sql = format!(
                "WITH t AS (SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
                 AND name <> '__diesel_schema_migrations') {what}"
            );
            lines(conn, &sql).into_iter().collect()
        };
        Self {
            columns: read(
                "SELECT t.name || ' ' || (c.cid + 1) || ' ' || c.name || ' ' || lower(c.type) || iif(c.\"notnull\", ' not null', '') || \
                 coalesce(' default ' || c.dflt_value, '') AS line FROM t, pragma_table_info(t.name) c",
            ),
            primary_keys: read(
                "SELECT t.name || ' (' || (SELECT group_concat(name, ', ' ORDER BY pk) FROM pragma_table_info(t.name) WHERE pk > 0) || ')' \
                 AS line FROM t",
            ),
            unique_keys: read(
                "SELECT t.name || ' (' || (SELECT group_concat(name, ', ' ORDER BY seqno) FROM pragma_index_info(i.name)) || ')' AS line \
                 FROM t, pragma_index_list(t.name) i WHERE i.origin = 'u'",
            ),
            foreign_keys: read(
                "SELECT t.name || ' (' || group_concat(f.\"from\", ', ' ORDER BY f.seq) || ') -> ' || f.\"table\" || ' (' || \
                 group_concat(f.\"to\", ', ' ORDER BY f.seq) || ') on delete ' || lower(f.on_delete) || ' on update ' || lower(f.on_update) \
                 AS line FROM t, pragma_foreign_key_list(t.name) f GROUP BY t.name, f.id",
            ),
            indexes: read(
                "SELECT t.name || ' ' || i.name || ' (' || (SELECT group_concat(name || iif(\"desc\", ' desc', ''), ', ' ORDER BY seqno) \
                 FROM pragma_index_xinfo(i.name) WHERE key) || ')' || iif(i.\"unique\", ' unique', '') || iif(i.partial, ' partial', '') \
                 AS line FROM t, pragma_index_list(t.name) i WHERE i.origin = 'c'",
            ),
            checks: read("SELECT t.name || ' ' || t.sql AS line FROM t").iter().flat_map(|line| checks_in(line)).collect(),
        }
    }

    fn of_postgres(conn: &mut Connection) -> Self {
        let mut read = |what: &str| -> BTreeSet<String> {
            let sql = format!(
                "WITH t AS (SELECT oid, relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace \
                 AND relname <> '__diesel_schema_migrations'), \
                 k AS (SELECT c.oid AS key_oid, contype, t.name, confrelid, confdeltype, confupdtype, \
                 (SELECT string_agg(attname, ', ' ORDER BY n) FROM unnest(conkey) WITH ORDINALITY u(number, n) \
                 JOIN pg_attribute a ON attrelid = conrelid AND attnum = number) AS columns, \
                 (SELECT string_agg(attname, ', ' ORDER BY n) FROM unnest(confkey) WITH ORDINALITY u(number, n) \
                 JOIN pg_attribute a ON attrelid = confrelid AND attnum = number) AS targets \
                 FROM pg_constraint c JOIN t ON t.oid = conrelid) {what}"
            );
            lines(conn, &sql).into_iter().collect()
        };
        let action = |column| {
            format!("CASE {column} WHEN 'a' THEN 'no action' WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' ELSE {column}::text END")
        };
        Self {
            columns: read(
                "SELECT table_name || ' ' || ordinal_position || ' ' || column_name || ' ' || data_type || \
                 CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END || coalesce(' default ' || replace(column_default, '::text', ''), '') \
                 AS line FROM information_schema.columns JOIN t ON t.name = table_name WHERE table_schema = 'public'",
            ),
            primary_keys: read("SELECT name || ' (' || columns || ')' AS line FROM k WHERE contype = 'p'"),
            unique_keys: read("SELECT name || ' (' || columns || ')' AS line FROM k WHERE contype = 'u'"),
            foreign_keys: read(&format!(
                "SELECT name || ' (' || columns || ') -> ' || confrelid::regclass || ' (' || targets || ') on delete ' || {} || \
                 ' on update ' || {} AS line FROM k WHERE contype = 'f'",
                action("confdeltype"),
                action("confupdtype")
            )),
            indexes: read(
                "SELECT t.name || ' ' || indexrelid::regclass || ' (' || (SELECT string_agg(pg_get_indexdef(indexrelid, n, true) || \
                 CASE indoption[n - 1] & 1 WHEN 1 THEN ' desc' ELSE '' END, ', ' ORDER BY n) FROM generate_series(1, indnkeyatts) n) || ')' || \
                 CASE WHEN indisunique THEN ' unique' ELSE '' END || CASE WHEN indpred IS NULL THEN '' ELSE ' partial' END AS line \
                 FROM pg_index JOIN t ON t.oid = indrelid WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)",
            ),
            checks: read("SELECT name || ' ' || pg_get_constraintdef(key_oid) AS line FROM k WHERE contype = 'c'")
                .iter()
                .flat_map(|line| checks_in(line))
                .collect(),
        }
    }
}

/// The table that a sentence of the catalogue is about.
pub fn table_of(line: &str) -> &str {
    line.split(' ').next().unwrap()
}

/// The CHECKs in a table's statement, or in a constraint's definition, after the table's name.
fn checks_in(line: &str) -> Vec<String> {
    let without_comments = line.lines().map(|line| line.split("--").next().unwrap()).collect::<Vec<_>>().join(" ");
    let mut rest = without_comments.as_str();
    let mut found = Vec::new();
    while let Some(at) = rest.find("CHECK (") {
        rest = &rest[at + "CHECK (".len()..];
        let mut depth = 1;
        let end = rest.find(|c| {
            depth += match c {
                '(' => 1,
                ')' => -1,
                _ => 0,
            };
            depth == 0
        });
        let (condition, after) = rest.split_at(end.expect("parentheses close"));
        found.push(format!("{} {}", table_of(line), normalised(condition)));
        rest = after;
    }
    found
}

/// PostgreSQL prints a condition as it understood it: with types, and `= ANY (ARRAY[...])` for `IN (...)`.
pub fn normalised(condition: &str) -> String {
    let bare = condition.replace("::text", "").replace([' ', '\n', '(', ')'], "");
    bare.replace("=ANYARRAY[", "IN").replace(']', "")
}
