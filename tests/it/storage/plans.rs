//! How both databases would find the rows of every query: the statements are recorded while our query functions run, and
//! explained afterwards. None may read through a table that grows, and on SQLite none may sort what an index has in order.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use diesel::{
    Connection as _, QueryableByName, RunQueryDsl,
    connection::{InstrumentationEvent, SimpleConnection},
    sql_types::Text,
};
use plugyard::storage::{Connection, migrations};
use regex::Regex;
use serde_json::Value;

use super::{
    Store,
    calls::CALLS,
    catalogue::{Catalogue, table_of},
    lines, stores,
};
use crate::support::{Db, postgres::Cluster};

/// Functions that read through a table all the same, which one, and why that is right.
const SCANS: &[(&str, &str, &str)] = &[
    ("users::all", "users", "all of them, for an import"),
    ("plugin_config::slugs", "plugin_config", "all of them, for a comparison"),
    ("releases::digests", "releases", "all of them, for a comparison"),
    ("releases::manifests", "releases", "all of them, for a comparison"),
    ("plugins::identities", "plugins", "all of them, for an import"),
    ("modules::orphans", "modules", "all of them, for a comparison"),
    ("state_lists::ownerless", "state_entries", "all of them, for a comparison"),
    ("plugins::imported_of_users", "plugin_versions", "those of many users at once, for a comparison"),
    ("modules::of_users", "modules", "those of many users at once, for a bulk rewrite"),
    ("users::list", "users", "a page of all of them, in the order of the key"),
    ("users::any_exists", "users", "ends at the first row"),
    ("users::active_ids", "users", "all of them, for an installation for everybody"),
    ("users::lock_active_admins", "users", "asked before an administrator is changed or removed"),
    ("users::count_active_admins", "users", "asked before an administrator is changed or removed"),
    ("releases::catalogue", "plugin_config", "a page of all slugs, in the order of the key; a search reads texts"),
    ("releases::removed", "releases", "clean-up looks at everything"),
    ("releases::unneeded", "releases", "clean-up looks at everything"),
    ("state_usage::largest", "state_usage", "an administrator's list of who keeps the most"),
    ("sessions::remove_all_ended", "sessions", "clean-up looks at everything"),
    ("audit::list", "audit_log", "the newest page, in the order of the key"),
    ("pending_records::users", "pending_records", "the outbox holds what a crash left, asked at the start"),
];

/// Functions that sort, and why no index should do it.
const SORTS: &[(&str, &str)] = &[
    ("modules::list_of_user", "a user's modules are found plugin by plugin"),
    ("state_usage::largest", "an administrator's list of who keeps the most"),
];

/// PostgreSQL reads a table through to find the rows of many users at once; SQLite goes user by user.
const SCANNED_BY_POSTGRES: [(&str, &str); 2] = [("modules::of_users", "scan"), ("plugins::imported_of_users", "scan")];

/// SQLite has one writer, so there this one has nothing to do.
const NOTHING_ON_SQLITE: &str = "plugin_config::hold";

/// Only with rows does PostgreSQL care how it finds many of them.
const ROWS: &str = r#"
    INSERT INTO plugin_config (plugin_name, plugin_name_folded, created_at, updated_at)
        SELECT 'p' || n, 'p' || n, 0, 0 FROM generate_series(1, 500) n;
    INSERT INTO releases (slug, version, manifest, digest, size, file_count, visibility, search_text, published_by, published_at)
        SELECT 'p' || n, v || '.0.0', '{"id":"p","name":"p","version":"1.0.0"}', repeat('0', 64), 1, 1, 'private', '', 'ann', 0
        FROM generate_series(1, 500) n, generate_series(1, 20) v;
    INSERT INTO users (id, username, username_folded, role, active, verified, created_at, updated_at)
        SELECT md5('u' || u), 'u' || u, 'u' || u, 'user', true, true, 0, 0 FROM generate_series(1, 100) u;
    INSERT INTO plugins (id, user_id, plugin_slug, version, access_key, created_at, updated_at, revision)
        SELECT u || '_' || n, md5('u' || u), 'p' || n, '1.0.0', md5(u || '_' || n), 0, 0, 1
        FROM generate_series(1, 100) u, generate_series(1, 100) n;
    INSERT INTO plugin_versions (plugin_id, sequence, version, change, installed_by, installed_at, replaced_at)
        SELECT id, v, v || '.0.0', 'update', 'ann', 0, 0 FROM plugins, generate_series(1, 3) v;
    INSERT INTO channels (slug, name, version, updated_at) SELECT plugin_name, 'beta', '2.0.0', 0 FROM plugin_config;
    INSERT INTO state_entries (id, user_id, plugin_slug, page_id, state_key, size, stored_size, encoding, sha256, content_sha256, strategy,
        seq, version, active, last_accessed, access_count, created_at, updated_at, data)
        SELECT u || '_' || n, md5('u' || u), 'p' || n % 10, '', 'k' || n, 1, 1, 'plain', '', '', 'persistent', n, 1, true, 0, 0, 0, n, 'x'
        FROM generate_series(1, 100) u, generate_series(1, 100) n;
    INSERT INTO state_revisions (entry_id, version, seq, change, encoding, size, stored_size, sha256, actor, created_at, data)
        SELECT id, v, v, 'update', 'plain', 1, 1, '', 'ann', 0, 'x' FROM state_entries, generate_series(1, 3) v;
    ANALYZE"#;

stores!(no_query_reads_through_a_table);
async fn no_query_reads_through_a_table(store: Store) {
    migrations::run(&store.url()).unwrap();
    let mut conn = store.connect();
    if store.kind == Db::Postgres {
        conn.batch_execute(ROWS).unwrap();
    }
    let recorded = Arc::new(Mutex::new(Vec::new()));
    let recorder = Arc::clone(&recorded);
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            recorder.lock().unwrap().push(query.to_string());
        }
    });
    let mut faults = Vec::new();
    let mut excused = BTreeSet::new();
    for (function, call) in CALLS {
        call(&mut conn).unwrap_or_else(|error| panic!("{function}: {}", error.chain()));
        let statements = std::mem::take(&mut *recorded.lock().unwrap());
        let nothing = store.kind == Db::Sqlite && *function == NOTHING_ON_SQLITE;
        assert_eq!(statements.is_empty(), nothing, "{function} was recorded");
        for statement in statements {
            let sql = statement.split(" -- binds: ").next().unwrap();
            for cost in explain(&store, sql) {
                let excuse = match &cost {
                    Cost::Scan(table) => SCANS.iter().find(|scan| scan.0 == *function && scan.1 == table).map(|scan| (scan.0, "scan")),
                    Cost::Sort => SORTS.iter().find(|sort| sort.0 == *function).map(|sort| (sort.0, "sort")),
                };
                match excuse {
                    Some(excuse) => drop(excused.insert(excuse)),
                    None => faults.push(format!("{function}: {cost:?} in {sql}")),
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    let mut excuses = SCANS.iter().map(|scan| (scan.0, "scan")).collect::<BTreeSet<_>>();
    if store.kind == Db::Sqlite {
        excuses.retain(|excuse| !SCANNED_BY_POSTGRES.contains(excuse));
        excuses.extend(SORTS.iter().map(|sort| (sort.0, "sort")));
    }
    assert_eq!(excused, excuses, "what needs no excuse should have none");
}

#[derive(Debug)]
enum Cost {
    /// Every row of this table, or every entry of an index of it.
    Scan(String),
    Sort,
}

fn explain(store: &Store, sql: &str) -> Vec<Cost> {
    match store.kind {
        Db::Sqlite => explain_on_sqlite(store, sql),
        Db::Postgres => explain_on_postgres(store, sql),
    }
}

fn explain_on_sqlite(store: &Store, sql: &str) -> Vec<Cost> {
    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = Text)]
        detail: String,
    }
    let Connection::Sqlite(mut conn) = store.connect() else { unreachable!("it is asked of SQLite") };
    // Parameters stay unbound; the plan does not depend on them.
    let steps: Vec<Step> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load(&mut conn).unwrap();
    let cost = |Step { detail }: Step| match detail.split(' ').collect::<Vec<_>>().as_slice() {
        ["SCAN", "CONSTANT", "ROW"] | ["SCAN", _, "VALUES", "CLAUSE"] => None,
        ["SCAN", what, ..] => Some(Cost::Scan((*what).to_owned())),
        ["USE", "TEMP", "B-TREE", ..] => Some(Cost::Sort),
        ["SEARCH", ..] | [.., "SUBQUERY", _] => None,
        _ => panic!("what does {detail} mean in the plan of {sql}?"),
    };
    steps.into_iter().filter_map(cost).collect()
}

/// The tables are small, so reading through them, also to join two, must be forbidden; it is planned all the same where
/// nothing else is possible.
fn explain_on_postgres(store: &Store, sql: &str) -> Vec<Cost> {
    let numbers = Regex::new(r"\$(\d+)").unwrap();
    let parameters = numbers.captures_iter(sql).map(|found| found[1].parse::<usize>().unwrap()).max().unwrap_or(0);
    let nulls = if parameters == 0 { String::new() } else { format!("({})", vec!["NULL"; parameters].join(", ")) };
    let script = format!(
        "SET enable_seqscan = off; SET enable_mergejoin = off; SET enable_hashjoin = off; SET plan_cache_mode = force_generic_plan; PREPARE statement AS {sql}; \
         EXPLAIN (FORMAT JSON) EXECUTE statement{nulls}"
    );
    let plan = Cluster::get().unwrap().psql(store.name(), &script).unwrap_or_else(|said| panic!("{said} about {sql}"));
    let plan: Value = serde_json::from_str(&plan).unwrap_or_else(|error| panic!("{error} in {plan}"));
    let sql = "SELECT i.relname || ' ' || t.relname || ' ' || pg_get_indexdef(i.oid, 1, true) AS line \
               FROM pg_index JOIN pg_class i ON i.oid = indexrelid JOIN pg_class t ON t.oid = indrelid";
    let indexes = lines(&mut store.connect(), sql);
    let mut costs = Vec::new();
    read_node(&plan[0]["Plan"], &indexes, &mut costs);
    costs
}

/// `indexes`: name, table and first column of each.
fn read_node(node: &Value, indexes: &[String], costs: &mut Vec<Cost>) {
    let text = |member: &str| node[member].as_str().unwrap_or_default();
    if text("Node Type") == "Seq Scan" {
        costs.push(Cost::Scan(text("Relation Name").to_owned()));
    }
    // Bitmap scans have one below them that names the index.
    if let Some(name) = node["Index Name"].as_str() {
        let index = indexes.iter().map(|line| line.split(' ').collect::<Vec<_>>()).find(|index| index[0] == name).unwrap();
        // A condition on its later columns alone reads through the whole index.
        let first = Regex::new(&format!(r"\((\w+\.)?{} ", regex::escape(index[2]))).unwrap();
        if !first.is_match(text("Index Cond")) {
            costs.push(Cost::Scan(index[1].to_owned()));
        }
    }
    for child in node["Plans"].as_array().into_iter().flatten() {
        read_node(child, indexes, costs);
    }
}

#[test]
fn every_query_function_is_called() {
    let header = Regex::new(r"(?m)^pub fn (\w+)\(\s*conn: &mut Connection").unwrap();
    let mut functions = BTreeSet::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/storage")).unwrap() {
        let file = entry.unwrap().path();
        if file.is_dir() {
            continue;
        }
        let module = file.file_stem().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&file).unwrap();
        functions.extend(header.captures_iter(&text).map(|found| format!("{module}::{}", &found[1])));
    }
    let called = CALLS.iter().map(|(name, _)| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(called.len(), CALLS.len(), "none is called twice");
    let missing = functions.difference(&called).collect::<Vec<_>>();
    assert!(missing.is_empty(), "add a call to tests/it/storage/plans.rs for {missing:?}");
    assert_eq!(called, functions);
}

stores!(plans_that_read_through_a_table_are_recognised);
async fn plans_that_read_through_a_table_are_recognised(store: Store) {
    migrations::run(&store.url()).unwrap();
    store.connect().batch_execute("CREATE INDEX modules_by_config ON modules (config)").unwrap();
    for (sql, table) in [
        ("SELECT * FROM plugins WHERE version = '1'", "plugins"),
        ("SELECT config FROM modules ORDER BY config", "modules"),
        ("DELETE FROM sessions WHERE expires_at < 1", "sessions"),
        ("SELECT * FROM plugins JOIN modules ON present = plugins.enabled WHERE plugins.id = '1'", "modules"),
    ] {
        let costs = explain(&store, sql);
        assert!(costs.iter().any(|cost| matches!(cost, Cost::Scan(found) if found == table)), "{costs:?} of {sql}");
    }
}

stores!(lookups_that_no_call_above_shows_have_their_index);
async fn lookups_that_no_call_above_shows_have_their_index(store: Store) {
    migrations::run(&store.url()).unwrap();
    for sql in [
        // A page of one user's audit log: the excuse of `audit::list` is for everybody's.
        "SELECT * FROM audit_log WHERE actor_id = 'x' AND id < 'y' ORDER BY id DESC LIMIT 10",
        // Who has a release.
        "SELECT * FROM plugins WHERE plugin_slug = 'x' AND version = '1'",
        "SELECT count(*) FROM plugins WHERE plugin_slug = 'x'",
        "SELECT * FROM channels WHERE slug = 'x' AND version = '1'",
    ] {
        let costs = explain(&store, sql);
        assert!(costs.is_empty(), "{costs:?} of {sql}");
    }
}

/// Or else removing the row above reads through the table below.
#[test]
fn every_foreign_key_has_an_index() {
    let store = Store::new(Db::Sqlite);
    migrations::run(&store.url()).unwrap();
    let catalogue = Catalogue::read(&mut store.connect());
    let columns = |line: &str| line.split(['(', ')']).nth(1).unwrap().to_owned();
    let keys = [&catalogue.primary_keys, &catalogue.unique_keys, &catalogue.indexes];
    for foreign in &catalogue.foreign_keys {
        let wanted = columns(foreign);
        let serves =
            |line: &String| table_of(line) == table_of(foreign) && format!("{}, ", columns(line)).starts_with(&format!("{wanted}, "));
        assert!(keys.iter().any(|lines| lines.iter().any(serves)), "{foreign} has no index");
    }
}
