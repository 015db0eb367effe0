//! Every constraint of every table, violated once. For each table there is a row that both databases accept; each case
//! changes just what one constraint forbids. A constraint without a case fails the test.

use std::collections::BTreeSet;

use diesel::{
    connection::{Connection as _, SimpleConnection},
    result::{DatabaseErrorInformation, DatabaseErrorKind, Error},
};
use plugyard::storage::{Connection, migrations};

use super::{
    Store,
    catalogue::{Catalogue, normalised, table_of},
    line, stores,
    tables::{Case, Check, ForeignKey, Kind, PrimaryKey, TABLES, UniqueKey},
};

/// A database with the rows 1.
fn filled(store: &Store) -> Connection {
    migrations::run(&store.url()).unwrap();
    let mut conn = store.connect();
    if let Connection::Sqlite(conn) = &mut conn {
        conn.batch_execute("PRAGMA foreign_keys = ON").unwrap();
    }
    for table in TABLES {
        conn.batch_execute(&table.insert(1, &[])).unwrap();
        if table.name == "users" {
            conn.batch_execute(&table.insert(9, &[])).unwrap();
        }
    }
    conn
}

/// Runs a statement and takes it back.
fn attempt(conn: &mut Connection, sql: &str) -> Result<(), Error> {
    let mut outcome = Ok(());
    let rolled_back = conn.transaction(|conn| {
        outcome = conn.batch_execute(sql);
        Err::<(), _>(Error::RollbackTransaction)
    });
    assert!(matches!(rolled_back, Err(Error::RollbackTransaction)));
    outcome
}

fn violation(conn: &mut Connection, sql: &str) -> (DatabaseErrorKind, Box<dyn DatabaseErrorInformation + Send + Sync>) {
    match attempt(conn, sql) {
        Err(Error::DatabaseError(kind, info)) => (kind, info),
        other => panic!("{other:?} from {sql}"),
    }
}

stores!(every_constraint_refuses_what_it_forbids);
async fn every_constraint_refuses_what_it_forbids(store: Store) {
    let mut conn = filled(&store);
    for table in TABLES {
        // Otherwise a refusal below would prove nothing.
        attempt(&mut conn, &table.insert(2, &[])).unwrap_or_else(|error| panic!("{error} for the second good row of {}", table.name));

        for column in table.required() {
            let sql = table.insert(2, &[(column, "NULL")]);
            let (kind, info) = violation(&mut conn, &sql);
            let named = info.message().contains(&format!("{}.{column}", table.name))
                || (info.message().contains(&format!("relation \"{}\"", table.name)) && info.column_name() == Some(column));
            assert!(matches!(kind, DatabaseErrorKind::NotNullViolation) && named, "{kind:?} {} from {sql}", info.message());
        }

        let mut met = BTreeSet::new();
        for Case(kind, which, changed) in table.refused {
            let sql = table.insert(2, changed);
            let (found, info) = violation(&mut conn, &sql);
            let expected = match kind {
                Check => matches!(found, DatabaseErrorKind::CheckViolation),
                PrimaryKey | UniqueKey => matches!(found, DatabaseErrorKind::UniqueViolation),
                ForeignKey => matches!(found, DatabaseErrorKind::ForeignKeyViolation),
            };
            assert!(expected, "{found:?} {} from {sql}", info.message());
            let violated = match &mut conn {
                Connection::Postgres(_) => definition(&mut conn, table.name, info.constraint_name().expect("it is named")),
                Connection::Sqlite(_) => info.message().to_owned(),
            };
            assert!(is_named(*kind, which, table.name, &violated), "{kind:?} {which} was expected, not {violated}, from {sql}");
            assert!(met.insert(format!("{kind:?} {which}")), "{} {kind:?} {which} is here twice", table.name);
        }
    }
}

/// A constraint of PostgreSQL in its own words.
fn definition(conn: &mut Connection, table: &str, constraint: &str) -> String {
    let sql = format!(
        "SELECT pg_get_constraintdef(oid) AS line FROM pg_constraint WHERE conname = '{constraint}' AND conrelid = '{table}'::regclass"
    );
    line(conn, &sql)
}

/// Whether the database says that this constraint, and no other, was violated.
fn is_named(kind: Kind, which: &str, table: &str, said: &str) -> bool {
    let columns = which.trim_matches(['(', ')']).split(", ").map(|column| format!("{table}.{column}")).collect::<Vec<_>>().join(", ");
    let bare = normalised(said);
    match kind {
        Check => bare == format!("CHECK{which}") || bare == format!("CHECKconstraintfailed:{which}"),
        PrimaryKey => said == format!("PRIMARY KEY {which}") || said == format!("UNIQUE constraint failed: {columns}"),
        UniqueKey => said == format!("UNIQUE {which}") || said == format!("UNIQUE constraint failed: {columns}"),
        // SQLite does not say which.
        ForeignKey => said.starts_with(&format!("FOREIGN KEY {which} ")) || said == "FOREIGN KEY constraint failed",
    }
}

stores!(every_constraint_has_a_case);
async fn every_constraint_has_a_case(store: Store) {
    migrations::run(&store.url()).unwrap();
    let catalogue = Catalogue::read(&mut store.connect());
    let of = |kind: Kind| -> BTreeSet<String> {
        let cases = TABLES.iter().flat_map(|table| table.refused.iter().map(|case| (table.name, case)));
        cases.filter(|(_, case)| case.0 == kind).map(|(table, case)| format!("{table} {}", case.1)).collect()
    };
    assert_eq!(of(Check), catalogue.checks);
    assert_eq!(of(PrimaryKey), catalogue.primary_keys);
    assert_eq!(of(UniqueKey), catalogue.unique_keys);
    assert_eq!(of(ForeignKey), catalogue.foreign_keys.iter().map(|line| line.split(" -> ").next().unwrap().to_owned()).collect());

    let column = |line: &String| {
        let mut words = line.split(' ');
        (words.next().unwrap().to_owned(), words.nth(1).unwrap().to_owned())
    };
    let required = TABLES.iter().flat_map(|table| table.required().map(|column| (table.name.to_owned(), column.to_owned())));
    let not_null = catalogue.columns.iter().filter(|line| line.contains(" not null"));
    assert_eq!(required.collect::<BTreeSet<_>>(), not_null.map(column).collect());
    let nullable = TABLES.iter().flat_map(|table| table.nullable.iter().map(|&column| (table.name.to_owned(), column.to_owned())));
    let free = catalogue.columns.iter().filter(|line| !line.contains(" not null"));
    assert_eq!(nullable.collect::<BTreeSet<_>>(), free.map(column).collect());
}

stores!(what_hangs_on_a_removed_row_goes_or_stays_as_declared);
async fn what_hangs_on_a_removed_row_goes_or_stays_as_declared(store: Store) {
    let mut conn = filled(&store);
    let left = |conn: &mut Connection| {
        let tables = Catalogue::read(conn).columns.iter().map(|line| table_of(line).to_owned()).collect::<BTreeSet<_>>();
        let count = |table: &String| line(conn, &format!("SELECT CAST(count(*) AS TEXT) AS line FROM {table}")) != "0";
        tables.into_iter().filter(count).collect::<Vec<_>>()
    };
    assert_eq!(left(&mut conn).len(), TABLES.len());

    let refused = violation(&mut conn, "DELETE FROM plugin_config").0;
    assert!(matches!(refused, DatabaseErrorKind::ForeignKeyViolation), "a slug with releases stays: {refused:?}");
    conn.batch_execute("DELETE FROM users").unwrap();
    assert_eq!(
        left(&mut conn),
        [
            "audit_log",
            "channels",
            "meta",
            "pending_records",
            "plugin_config",
            "release_files",
            "releases",
            "state_policies",
            "update_checks"
        ],
        "what a user published and what was noted stays"
    );
    assert_eq!(line(&mut conn, "SELECT owner_id AS line FROM plugin_config"), "NULL");
    conn.batch_execute("DELETE FROM releases").unwrap();
    assert_eq!(left(&mut conn), ["audit_log", "meta", "pending_records", "plugin_config", "state_policies", "update_checks"]);
}
