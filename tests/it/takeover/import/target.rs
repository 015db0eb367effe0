//! Running an import and looking at what it made.

use std::fs;

use serde_json::Value;

use super::source::Source;
use crate::support::{Db, TestApp, cli::Output, database::TestDatabase, program::Home, tree::tree};

/// Tables that an import fills, with the columns that differ from run to run: random, or the time of the run.
pub const TABLES: &[(&str, &[&str])] = &[
    ("users", &["created_at", "updated_at"]),
    ("plugin_config", &["created_at", "updated_at", "enabled_at"]),
    ("releases", &["published_at"]),
    ("release_files", &[]),
    ("plugins", &["access_key"]),
    ("plugin_versions", &[]),
    ("modules", &[]),
    ("pending_records", &[]),
    ("audit_log", &["id", "at"]),
    ("user_heads", &[]),
    ("state_usage", &[]),
    ("state_entries", &[]),
    ("state_revisions", &[]),
    ("state_policies", &["updated_at"]),
];

impl TestApp {
    /// Runs `plugyard import` with `--output json`; the server must be down for `--apply`.
    pub fn import(&self, args: &[&str]) -> Imported {
        import(&self.local(), args)
    }

    pub fn import_folder(&self, source: &Source) -> Imported {
        self.import(&["plugins", &source.folder(), "--apply"])
    }

    pub fn import_database(&self, source: &Source) -> Imported {
        self.import(&["braindrive", "--database", &source.database.url, "--plugins", &source.folder(), "--apply"])
    }
}

pub fn import(home: &Home, args: &[&str]) -> Imported {
    let args: Vec<&str> = ["import"].iter().chain(args).chain(&["--output", "json"]).copied().collect();
    let output = home.run(&args);
    assert!(output.status == 0 || output.status == 1, "{output:?}");
    let report = output.json();
    super::super::assert_fits("docs/report.schema.json", &report);
    Imported { report, output }
}

pub struct Imported {
    pub report: Value,
    pub output: Output,
}

impl Imported {
    /// Nothing failed.
    #[track_caller]
    pub fn clean(self) -> Self {
        assert_eq!(self.output.status, 0, "{:#}", self.report);
        self
    }

    pub fn items(&self) -> &Vec<Value> {
        self.report["items"].as_array().unwrap()
    }

    /// The one item of this kind and source.
    #[track_caller]
    pub fn item(&self, kind: &str, source: &str) -> &Value {
        let found: Vec<_> = self.items().iter().filter(|item| item["kind"] == kind && item["source"] == source).collect();
        assert_eq!(found.len(), 1, "{kind} {source} in {:#}", self.report);
        found[0]
    }

    #[track_caller]
    pub fn outcome(&self, kind: &str, source: &str) -> &str {
        self.item(kind, source)["outcome"].as_str().unwrap()
    }

    /// Reason and notes of an item in one text.
    #[track_caller]
    pub fn said(&self, kind: &str, source: &str) -> String {
        let item = self.item(kind, source);
        format!("{} {}", item["reason"], item["notes"])
    }

    #[track_caller]
    pub fn assert_nothing_done(&self) {
        for (kind, counts) in self.report["counts"].as_object().unwrap() {
            assert_eq!(counts["done"], 0, "{kind} in {:#}", self.report);
        }
    }
}

/// The rows of a table as text, in order, without some columns.
pub fn dump(database: &TestDatabase, db: Db, table: &str, without: &[&str]) -> Vec<String> {
    let columns = match db {
        Db::Sqlite => database.values(&format!("SELECT name AS value FROM pragma_table_info('{table}') ORDER BY cid")),
        Db::Postgres => database.values(&format!(
            "SELECT column_name::text AS value FROM information_schema.columns WHERE table_name = '{table}' ORDER BY ordinal_position"
        )),
    };
    assert!(!columns.is_empty(), "{table}");
    let columns = columns.iter().filter(|column| !without.contains(&column.as_str()));
    let text = |column: &str| match (column, db) {
        ("data", Db::Sqlite) => "hex(data)".to_owned(),
        ("data", Db::Postgres) => "encode(data, 'hex')".to_owned(),
        _ => format!("CAST({column} AS TEXT)"),
    };
    let text = columns.map(|column| format!("COALESCE({}, '-')", text(column))).collect::<Vec<_>>().join(" || '|' || ");
    let mut rows = database.values(&format!("SELECT {text} AS value FROM {table}"));
    rows.sort();
    rows
}

/// Takes away everything that an import makes.
pub fn clear(database: &TestDatabase, home: &Home) {
    database.execute(
        "DELETE FROM users; DELETE FROM releases; DELETE FROM plugin_config; DELETE FROM audit_log; DELETE FROM pending_records; \
         DELETE FROM state_policies",
    );
    for part in ["shared", "users", "cache"] {
        let folder = home.plugins_dir().join(part);
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
            fs::create_dir(&folder).unwrap();
        }
    }
}

/// Everything that is stored: every row, and every file but locks and caches.
pub fn everything(database: &TestDatabase, db: Db, home: &Home) -> Vec<(String, Vec<u8>)> {
    stored(database, db, home, &[])
}

/// What two imports of one source must have in common.
pub fn comparable(database: &TestDatabase, db: Db, home: &Home) -> Vec<(String, Vec<u8>)> {
    stored(database, db, home, TABLES)
}

fn stored(database: &TestDatabase, db: Db, home: &Home, without: &[(&str, &[&str])]) -> Vec<(String, Vec<u8>)> {
    let left_out = |table: &str| without.iter().find(|(name, _)| *name == table).map_or(&[][..], |(_, columns)| columns);
    let rows = TABLES.iter().map(|(table, _)| ((*table).to_owned(), dump(database, db, table, left_out(table)).join("\n").into_bytes()));
    let mut all: Vec<_> = rows.collect();
    for part in ["shared", "users"] {
        all.extend(tree(&home.plugins_dir().join(part)));
    }
    all
}
