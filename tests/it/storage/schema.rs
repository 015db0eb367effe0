//! Both migration trees make the same schema, and `schema.rs` describes it.

use std::{collections::BTreeSet, fs, path::Path};

use plugyard::storage::migrations;
use regex::Regex;

use super::{Store, catalogue::Catalogue, lines, run_on, stores};
use crate::support::Db;

#[test]
fn both_trees_make_the_same_schema() {
    if !Db::Postgres.is_available() {
        return;
    }
    let read = |kind| {
        let store = Store::new(kind);
        migrations::run(&store.url()).unwrap();
        Catalogue::read(&mut store.connect())
    };
    let (sqlite, postgres) = (read(Db::Sqlite), read(Db::Postgres));
    for (what, sqlite, postgres) in [
        ("columns", &sqlite.columns, &postgres.columns),
        ("primary keys", &sqlite.primary_keys, &postgres.primary_keys),
        ("unique keys", &sqlite.unique_keys, &postgres.unique_keys),
        ("foreign keys", &sqlite.foreign_keys, &postgres.foreign_keys),
        ("indexes", &sqlite.indexes, &postgres.indexes),
        ("checks", &sqlite.checks, &postgres.checks),
    ] {
        assert!(!sqlite.is_empty(), "no {what} were found");
        let only = |one: &BTreeSet<String>, other| one.difference(other).cloned().collect::<Vec<_>>();
        assert_eq!(only(sqlite, postgres), only(postgres, sqlite), "{what}: SQLite's, then PostgreSQL's, that the other lacks");
    }
}

/// Triggers that one database alone has: SQLite's are temporary, see `src/storage/changes/notes.rs`.
const ON_POSTGRES_ALONE: [&str; 2] = ["00000000000009_changes", "00000000000010_policy_changes"];

/// What the catalogues cannot show (and comments): the statements differ in the collation alone.
#[test]
fn both_trees_hold_the_same_statements() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let names = |tree| {
        let folders = fs::read_dir(root.join(tree)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        folders.collect::<BTreeSet<_>>()
    };
    assert_eq!(names("sqlite"), names("postgres"));
    assert!(!names("sqlite").is_empty());
    for migration in names("sqlite").into_iter().filter(|name| !ON_POSTGRES_ALONE.contains(&name.as_str())) {
        for file in ["up.sql", "down.sql"] {
            let read = |tree| fs::read_to_string(root.join(tree).join(&migration).join(file)).unwrap();
            assert_eq!(read("postgres").replace(" COLLATE \"C\"", ""), read("sqlite"), "{migration}/{file}");
        }
    }
}

stores!(the_diesel_schema_describes_the_tables);
async fn the_diesel_schema_describes_the_tables(store: Store) {
    migrations::run(&store.url()).unwrap();
    let found = Catalogue::read(&mut store.connect());
    let described = Described::read();
    let without_default = |line: &String| line.split(" default ").next().unwrap().to_owned();
    assert_eq!(described.columns, found.columns.iter().map(without_default).collect());
    assert_eq!(described.primary_keys, found.primary_keys);
}

/// `src/storage/schema.rs`, in the words of the catalogue.
struct Described {
    columns: BTreeSet<String>,
    primary_keys: BTreeSet<String>,
}

impl Described {
    fn read() -> Self {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/storage/schema.rs")).unwrap();
        let table = Regex::new(r"table! \{\s*(\w+) \(([\w, ]+)\) \{([^}]*)\}").unwrap();
        let column = Regex::new(r"(\w+) -> (\w+)(?:<(\w+)>)?,").unwrap();
        let mut described = Self { columns: BTreeSet::new(), primary_keys: BTreeSet::new() };
        for found in table.captures_iter(&text) {
            let (name, key, body) = (&found[1], &found[2], &found[3]);
            described.primary_keys.insert(format!("{name} ({key})"));
            for (number, column) in (1..).zip(column.captures_iter(body)) {
                let (kind, nullable) = column.get(3).map_or((&column[2], false), |inner| (inner.as_str(), true));
                let kind = match kind {
                    "Text" => "text",
                    "BigInt" => "bigint",
                    "Bool" => "boolean",
                    "Binary" => "bytea",
                    other => panic!("{name}.{}: say here what {other} is in SQL", &column[1]),
                };
                let nullable = if nullable { "" } else { " not null" };
                described.columns.insert(format!("{name} {number} {} {kind}{nullable}", &column[1]));
            }
        }
        assert_eq!(described.primary_keys.len(), text.matches("table! {").count(), "every table is understood");
        described
    }
}

#[test]
fn text_sorts_by_bytes_on_postgres_as_it_does_on_sqlite() {
    run_on(Db::Postgres, async |store: Store| {
        migrations::run(&store.url()).unwrap();
        let others = "SELECT attrelid::regclass || '.' || attname AS line FROM pg_attribute JOIN pg_class c ON c.oid = attrelid \
                      WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> '__diesel_schema_migrations' \
                      AND attnum > 0 AND atttypid = 'text'::regtype AND attcollation <> '\"C\"'::regcollation";
        assert_eq!(lines(&mut store.connect(), others), Vec::<String>::new());
        let texts = Catalogue::read(&mut store.connect()).columns.iter().filter(|line| line.contains(" text")).count();
        assert!(texts > 10, "only {texts} text columns were found");
    });
}
