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
use plugyard::{
    Result,
    domain::{
        AccessKey,
        manifest::Visibility,
        plugin::{Change, NewPlugin},
        state::{ListFilter, PluginSet},
    },
    storage::{
        Connection, api_tokens, audit, channels, meta, migrations, modules, pending_records, plugin_config, plugins, releases, sessions,
        snapshots, state_entries, state_heads, state_lists, state_mutations, state_policies, state_revisions, state_usage, update_checks,
        users,
    },
};
use regex::Regex;
use serde_json::Value;

use super::{
    Store,
    catalogue::{Catalogue, table_of},
    lines,
    samples::{
        NOW, api_token, audit_entry, channel, manifest, metadata, module, plugin, release, release_file, session, slug, snapshot,
        state_entry, state_key, state_revision, update_check, user, user_id, version,
    },
    stores,
};
use crate::support::{Db, postgres::Cluster};

/// A query function, and a call of it that reaches all its statements. The order is one in which the calls succeed.
type Call = (&'static str, fn(&mut Connection) -> Result<()>);

const CALLS: &[Call] = &[
    ("users::insert", |c| users::insert(c, &user(1, "Ann", Some("Ann@example.org")), None)),
    ("users::find", |c| users::find(c, &user_id(1)).map(drop)),
    ("users::find_login", |c| users::find_login(c, "nobody").map(drop)),
    ("users::is_taken", |c| users::is_taken(c, "nobody", Some("nobody@example.org")).map(drop)),
    ("users::list", |c| users::list(c, None, 10).and_then(|_| users::list(c, Some(&user_id(0)), 10)).map(drop)),
    ("users::password_hash", |c| users::password_hash(c, &user_id(1)).map(drop)),
    ("users::set_password", |c| users::set_password(c, &user_id(1), "hash", NOW)),
    ("users::update", |c| users::update(c, &user(1, "Ann", None))),
    ("users::replace_password", |c| users::replace_password(c, &user_id(1), "hash", "other").map(drop)),
    ("users::lock", |c| users::lock(c, &user_id(1))),
    ("users::lock_active_admins", users::lock_active_admins),
    ("users::any_exists", |c| users::any_exists(c).map(drop)),
    ("users::active_ids", |c| users::active_ids(c).map(drop)),
    ("users::count_active_admins", |c| users::count_active_admins(c).map(drop)),
    ("sessions::insert", |c| sessions::insert(c, &session())),
    ("sessions::find", |c| sessions::find(c, "session").map(drop)),
    ("sessions::rotate", |c| sessions::rotate(c, &session(), NOW, NOW).map(drop)),
    ("sessions::revoke", |c| sessions::revoke(c, "session", NOW)),
    ("sessions::revoke_all", |c| sessions::revoke_all(c, &user_id(1), None, NOW)),
    ("sessions::remove_ended", |c| sessions::remove_ended(c, &user_id(1), NOW)),
    ("sessions::remove_all_ended", |c| sessions::remove_all_ended(c, NOW)),
    ("api_tokens::insert", |c| api_tokens::insert(c, &api_token(), "hash")),
    ("api_tokens::find_by_hash", |c| api_tokens::find_by_hash(c, "hash").map(drop)),
    ("api_tokens::find", |c| api_tokens::find(c, "token").map(drop)),
    ("api_tokens::list", |c| api_tokens::list(c, &user_id(1), "", 10).map(drop)),
    ("api_tokens::touch", |c| api_tokens::touch(c, "token", NOW)),
    ("api_tokens::revoke", |c| api_tokens::revoke(c, &user_id(1), "token", NOW).map(drop)),
    ("meta::get", |c| meta::get(c, "key").map(drop)),
    ("meta::get_or_insert", |c| meta::get_or_insert(c, "key", "value").map(drop)),
    ("meta::set", |c| meta::set(c, "key", "value")),
    ("meta::probe", meta::probe),
    ("meta::delete", |c| meta::delete(c, "key")),
    ("plugin_config::claim", |c| plugin_config::claim(c, &slug(), true, Some(&user_id(1)), NOW).map(drop)),
    ("plugin_config::find", |c| plugin_config::find(c, &slug()).map(drop)),
    ("plugin_config::lock", |c| plugin_config::lock(c, &slug())),
    ("plugin_config::hold", |c| plugin_config::hold(c, &slug())),
    ("plugin_config::set_latest", |c| plugin_config::set_latest(c, &slug(), Some(&version()))),
    ("plugin_config::values", |c| plugin_config::values(c, &slug()).map(drop)),
    ("plugin_config::set_values", |c| plugin_config::set_values(c, &slug(), "{}", NOW)),
    ("plugin_config::is_available", |c| plugin_config::is_available(c, &slug()).map(drop)),
    ("plugin_config::set_available", |c| {
        plugin_config::set_available(c, &slug(), false, NOW).and_then(|_| plugin_config::set_available(c, &slug(), true, NOW)).map(drop)
    }),
    ("releases::insert", |c| releases::insert(c, &release())),
    ("releases::insert_files", |c| releases::insert_files(c, &slug(), &version(), &[release_file("a.js"), release_file("b.js")])),
    ("releases::find", |c| releases::find(c, &slug(), &version()).map(drop)),
    ("releases::choosable_versions", |c| releases::choosable_versions(c, &slug()).map(drop)),
    ("releases::catalogue", |c| releases::catalogue(c, None, None, None, 10).map(drop)),
    ("releases::list", |c| releases::list(c, &slug()).map(drop)),
    ("releases::set_visibility", |c| releases::set_visibility(c, &slug(), &version(), Visibility::Public)),
    ("releases::set_yank", |c| releases::set_yank(c, &slug(), &version(), None)),
    ("releases::set_files_removed", |c| releases::set_files_removed(c, &slug(), &version(), None)),
    ("releases::removed", |c| releases::removed(c).map(drop)),
    ("releases::unneeded", |c| releases::unneeded(c, NOW, NOW).map(drop)),
    ("releases::is_unneeded", |c| releases::is_unneeded(c, &slug(), &version(), NOW, NOW).map(drop)),
    ("releases::files", |c| releases::files(c, &slug(), &version()).map(drop)),
    ("releases::find_served", |c| releases::find_served(c, &slug(), &version()).map(drop)),
    ("channels::set", |c| channels::set(c, &slug(), &channel(), &version(), NOW)),
    ("channels::find", |c| channels::find(c, &slug(), &channel()).map(drop)),
    ("channels::list", |c| channels::list(c, &slug()).map(drop)),
    ("channels::delete", |c| channels::delete(c, &slug(), &channel()).map(drop)),
    ("plugins::insert", |c| plugins::insert(c, &plugin())),
    ("plugins::find", |c| plugins::find(c, &user_id(1), &slug()).map(drop)),
    ("plugins::slugs", |c| plugins::slugs(c, &user_id(1)).map(drop)),
    ("plugins::owners", |c| plugins::owners(c, &slug()).map(drop)),
    ("plugins::find_by_id", |c| plugins::find_by_id(c, &user_id(1), "plugin").map(drop)),
    ("plugins::owner_of_access_key", |c| plugins::owner_of_access_key(c, &plugin().access_key).map(drop)),
    ("plugins::list_served", |c| plugins::list_served(c, &user_id(1)).map(drop)),
    ("plugins::list_installed", |c| plugins::list_installed(c, &user_id(1)).map(drop)),
    ("plugins::set_enabled", |c| {
        plugins::set_enabled(c, "plugin", false, NOW).and_then(|_| plugins::set_enabled(c, "plugin", true, NOW)).map(drop)
    }),
    ("plugins::set_access_key", |c| plugins::set_access_key(c, "plugin", &plugin().access_key, NOW)),
    ("plugins::touch", |c| plugins::touch(c, "plugin", NOW)),
    ("plugins::set_config", |c| plugins::set_config(c, "plugin", "{}", NOW)),
    ("plugins::record_version", |c| plugins::record_version(c, "plugin", &version(), Change::Install, "ann", NOW)),
    ("plugins::replaced_at", |c| plugins::replaced_at(c, "plugin", &version()).map(drop)),
    ("plugins::history", |c| plugins::history(c, "plugin").map(drop)),
    ("plugins::set_version", |c| plugins::set_version(c, "plugin", &version(), NOW)),
    ("modules::insert", |c| modules::insert(c, "plugin", &module(), NOW)),
    ("modules::list", |c| modules::list(c, "plugin").map(drop)),
    ("modules::list_of_user", |c| modules::list_of_user(c, &user_id(1)).map(drop)),
    ("modules::set_present", |c| modules::set_present(c, "plugin", "m1", true, NOW)),
    ("modules::set_config", |c| modules::set_config(c, "plugin", "m1", "{}", NOW)),
    ("modules::set_enabled", |c| modules::set_enabled(c, "plugin", "m1", false, NOW).map(drop)),
    ("pending_records::put", |c| pending_records::put(c, &user_id(1), &slug(), Some(&metadata("ann")))),
    ("pending_records::list", |c| pending_records::list(c, &user_id(1)).map(drop)),
    ("pending_records::any", |c| pending_records::any(c, &user_id(1)).map(drop)),
    ("pending_records::users", |c| pending_records::users(c).map(drop)),
    ("pending_records::remove", |c| {
        let entry = |metadata| pending_records::PendingRecord { slug: slug(), metadata };
        pending_records::remove(c, &user_id(1), &entry(None))?;
        pending_records::remove(c, &user_id(1), &entry(Some(metadata("ann"))))
    }),
    ("audit::insert", |c| audit::insert(c, &audit_entry())),
    ("audit::list", |c| {
        for actor in [None, Some(&user_id(1))] {
            audit::list(c, actor, None, 10)?;
            audit::list(c, actor, Some("9"), 10)?;
        }
        Ok(())
    }),
    ("update_checks::put", |c| {
        update_checks::put(c, &update_check(Some(version())))?;
        update_checks::put(c, &update_check(None))
    }),
    ("update_checks::find", |c| update_checks::find(c, &["https://example.org/a".to_owned(), "b".to_owned()]).map(drop)),
    ("update_checks::delete_before", |c| update_checks::delete_before(c, NOW)),
    ("audit::delete_before", |c| audit::delete_before(c, NOW)),
    ("state_heads::advance", |c| state_heads::advance(c, &user_id(1)).map(drop)),
    ("state_heads::take_back", |c| state_heads::take_back(c, &user_id(1))),
    ("state_heads::find", |c| state_heads::find(c, &user_id(1)).map(drop)),
    ("state_heads::find_all", |c| state_heads::find_all(c, &[user_id(1), user_id(2)]).map(drop)),
    ("state_heads::add_entries", |c| state_heads::add_entries(c, &user_id(1), 1)),
    ("state_heads::raise_horizon", |c| state_heads::raise_horizon(c, &user_id(1), 1)),
    ("state_usage::add", |c| {
        let one = state_usage::Usage { entries: 1, size: 1, stored_size: 1 };
        let less = state_usage::Usage { entries: -1, size: -1, stored_size: -1 };
        state_usage::add(c, &user_id(1), &slug(), one).and_then(|_| state_usage::add(c, &user_id(1), &slug(), less)).map(drop)
    }),
    ("state_usage::list", |c| state_usage::list(c, &user_id(1)).map(drop)),
    ("state_policies::installation", |c| state_policies::installation(c, &user_id(1), &slug()).map(drop)),
    ("state_policies::manifest", |c| state_policies::manifest(c, &slug(), "1.0.0").map(drop)),
    ("state_policies::set", |c| state_policies::set(c, &slug(), "{}", "ann", NOW)),
    ("state_policies::find", |c| state_policies::find(c, &slug()).map(drop)),
    ("state_entries::insert", |c| state_entries::insert(c, &state_entry(), Some(b"{}"))),
    ("state_entries::find", |c| state_entries::find(c, &user_id(1), &state_key()).map(drop)),
    ("state_entries::find_with_data", |c| state_entries::find_with_data(c, &user_id(1), &state_key()).map(drop)),
    ("state_entries::find_by_id", |c| state_entries::find_by_id(c, &user_id(1), "entry").map(drop)),
    ("state_entries::document", |c| {
        let entry = state_entries::find(c, &user_id(1), &state_key())?;
        state_entries::document(c, &entry.unwrap()).map(drop)
    }),
    ("state_entries::find_by_id_with_data", |c| state_entries::find_by_id_with_data(c, &user_id(1), "entry").map(drop)),
    ("state_entries::replace", |c| state_entries::replace(c, &state_entry(), Some(b"{}"))),
    ("state_entries::set_facts", |c| state_entries::set_facts(c, &state_entry())),
    ("state_entries::add_accesses", |c| state_entries::add_accesses(c, "entry", 1, NOW)),
    ("state_lists::list", |c| {
        let of_demo = ListFilter { plugin: Some(slug()), ..ListFilter::default() };
        for filter in [ListFilter::default(), of_demo] {
            state_lists::list(c, &user_id(1), &PluginSet::All, &filter, NOW, (100, 0))?;
        }
        Ok(())
    }),
    ("state_lists::changes", |c| state_lists::changes(c, &user_id(1), &PluginSet::All, 0, 100).map(drop)),
    ("state_lists::live_keys", |c| {
        let some = PluginSet::Only(vec![slug()]);
        state_lists::live_keys(c, &user_id(1), &PluginSet::All, NOW)?;
        state_lists::live_keys(c, &user_id(1), &some, NOW).map(drop)
    }),
    ("state_lists::of_plugin", |c| state_lists::of_plugin(c, &user_id(1), &slug()).map(drop)),
    ("state_lists::expired", |c| state_lists::expired(c, NOW, 100).map(drop)),
    ("state_lists::expired_of", |c| state_lists::expired_of(c, &user_id(1), &PluginSet::All, NOW, 100).map(drop)),
    ("state_lists::old_tombstones", |c| state_lists::old_tombstones(c, NOW, 100).map(drop)),
    ("state_lists::remove_tombstone", |c| state_lists::remove_tombstone(c, "entry", 1).map(drop)),
    ("state_lists::count_visible", |c| state_lists::count_visible(c, &user_id(1), &PluginSet::All, NOW).map(drop)),
    ("state_mutations::insert", |c| state_mutations::insert(c, &user_id(1), "phone", "m1", "{}", NOW)),
    ("state_mutations::find", |c| state_mutations::find(c, &user_id(1), "phone", "m1").map(drop)),
    ("state_mutations::delete_before", |c| state_mutations::delete_before(c, NOW)),
    ("state_usage::largest", |c| state_usage::largest(c, 10).map(drop)),
    ("state_lists::last_change", |c| state_lists::last_change(c, &user_id(1), &PluginSet::All).map(drop)),
    ("state_revisions::insert", |c| state_revisions::insert(c, "entry", &state_revision(), Some(b"{}"))),
    ("state_revisions::list", |c| state_revisions::list(c, "entry", 9, 100).map(drop)),
    ("state_revisions::find", |c| state_revisions::find(c, "entry", 1).map(drop)),
    ("state_revisions::prune", |c| state_revisions::prune(c, "entry", 1)),
    ("snapshots::insert", |c| snapshots::insert(c, snapshot()).map(drop)),
    ("snapshots::list", |c| snapshots::list(c, &user_id(1), &slug()).map(drop)),
    ("snapshots::list_all", |c| snapshots::list_all(c, &user_id(1), &PluginSet::All).map(drop)),
    ("snapshots::find", |c| snapshots::find(c, &user_id(1), "snapshot").map(drop)),
    ("snapshots::keys", |c| snapshots::keys(c, "snapshot").map(drop)),
    ("snapshots::entry", |c| {
        let keys = snapshots::keys(c, "snapshot")?;
        snapshots::entry(c, "snapshot", &keys[0]).map(drop)
    }),
    ("snapshots::delete", |c| snapshots::delete(c, "snapshot")),
    ("snapshots::erase", |c| snapshots::erase(c, &user_id(1), &state_key())),
    ("users::insert_all", |c| users::insert_all(c, &[user(7, "Gus", None)])),
    ("users::existing", |c| users::existing(c, &[user_id(1), user_id(7)]).map(drop)),
    ("users::all", |c| users::all(c).map(drop)),
    ("plugin_config::noted_latest", |c| plugin_config::noted_latest(c, &slug()).map(drop)),
    ("plugin_config::slugs", |c| plugin_config::slugs(c).map(drop)),
    ("releases::digests", |c| releases::digests(c).map(drop)),
    ("releases::manifests", |c| releases::manifests(c).map(drop)),
    ("releases::set_counts", |c| releases::set_counts(c, &slug(), &version(), 2, 2)),
    ("plugins::insert_all", |c| {
        let mut plugin = plugin();
        (plugin.id, plugin.user, plugin.access_key) = ("another".to_owned(), user_id(7), AccessKey::from_bytes([8; 16]));
        plugins::insert_all(c, &[NewPlugin { plugin, modules: vec![module()], history: Vec::new() }])
    }),
    ("plugins::had", |c| plugins::had(c, &user_id(1), &slug(), &version()).map(drop)),
    ("plugins::identities", |c| plugins::identities(c).map(drop)),
    ("plugins::of_users", |c| plugins::of_users(c, &[user_id(1), user_id(7)]).map(drop)),
    ("plugins::imported_of_users", |c| plugins::imported_of_users(c, &[user_id(1), user_id(7)]).map(drop)),
    ("plugins::versions_of_users", |c| plugins::versions_of_users(c, &[user_id(1), user_id(7)]).map(drop)),
    ("plugins::set_manifest", |c| plugins::set_manifest(c, "plugin", &manifest(), NOW)),
    ("pending_records::of_users", |c| pending_records::of_users(c, &[user_id(1), user_id(7)]).map(drop)),
    ("modules::of_users", |c| modules::of_users(c, &[user_id(1), user_id(7)]).map(drop)),
    ("modules::orphans", |c| modules::orphans(c).map(drop)),
    ("state_lists::ownerless", |c| state_lists::ownerless(c).map(drop)),
    ("state_usage::all", |c| state_usage::all(c, &user_id(1)).map(drop)),
    ("state_usage::set", |c| state_usage::set(c, &user_id(1), &slug(), state_usage::Usage { entries: 1, size: 1, stored_size: 1 })),
    ("state_heads::set", |c| state_heads::set(c, &user_id(1), state_heads::Head { seq: 1, entries: 1, horizon: 0 })),
    ("modules::delete", |c| modules::delete(c, "plugin", "m1")),
    ("plugins::delete", |c| plugins::delete(c, "plugin")),
    ("users::delete", |c| users::delete(c, &user_id(1)).map(drop)),
];

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
