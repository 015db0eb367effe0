//! Whatever the input: every user, plugin, module, value, file, state and revision is accounted for.

use std::collections::BTreeMap;

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

use super::{
    source::{Source, dashed, gzipped, plugin_json, user_id},
    states::assert_sums_are_right,
    target::{Imported, clear, everything, import},
};
use crate::support::{Db, TestApp};

const SLUGS: [&str; 3] = ["Alpha", "beta.two", "Gamma_3"];
const VERSIONS: [&str; 4] = ["1.0.0", "1.0", "v2.1", "latest"];

/// One plugin of one user, in a database and perhaps in a folder.
#[derive(Debug, Clone)]
struct Owned {
    user: u32,
    slug: usize,
    version: usize,
    enabled: bool,
    speed: Option<u32>,
    refresh: Option<u32>,
    priority: u8,
    module_enabled: bool,
    /// In `shared/` or in the user's folder, with this content; none has no files.
    files: Option<(bool, u8)>,
    dashes: bool,
    states: Vec<State>,
}

/// A row of `plugin_states`, with what its history holds.
#[derive(Debug, Clone)]
struct State {
    key: u8,
    content: u8,
    minute: u8,
    is_packed: bool,
    is_active: bool,
    is_damaged: bool,
    history: Vec<u8>,
}

fn state() -> impl Strategy<Value = State> {
    let facts = (0..2_u8, 0..3_u8, 0..4_u8, any::<bool>(), any::<bool>(), prop::bool::weighted(0.2));
    (facts, prop::collection::vec(0..3_u8, 0..4)).prop_map(|((key, content, minute, is_packed, is_active, is_damaged), history)| State {
        key,
        content,
        minute,
        is_packed,
        is_active,
        is_damaged,
        history,
    })
}

fn owned() -> impl Strategy<Value = Owned> {
    let values = (any::<bool>(), prop::option::of(2..9_u32), prop::option::of(11..19_u32), 1..4_u8, any::<bool>());
    let states = prop::collection::vec(state(), 0..4);
    (0..4_u32, 0..SLUGS.len(), 0..VERSIONS.len(), values, prop::option::of((any::<bool>(), 0..3_u8)), any::<bool>(), states).prop_map(
        |(user, slug, version, (enabled, speed, refresh, priority, module_enabled), files, dashes, states)| Owned {
            user,
            slug,
            version,
            enabled,
            speed,
            refresh,
            priority,
            module_enabled,
            files,
            dashes,
            states,
        },
    )
}

impl State {
    /// Unique, and in the order of the rows.
    fn id(&self, owned: &Owned, at: usize) -> String {
        format!("{}-{}-{at}", user_id(owned.user), SLUGS[owned.slug])
    }

    fn document(&self) -> String {
        document(self.content)
    }
}

fn document(content: u8) -> String {
    format!("{{\"n\":{content}.50}}")
}

fn write_states(source: &Source, owned: &Owned, owner: &str) {
    let user = user_id(owned.user);
    // Both ways to name a plugin.
    let plugins = [format!("{user}_{}", SLUGS[owned.slug]), SLUGS[owned.slug].to_owned()];
    for (at, state) in owned.states.iter().enumerate() {
        let (id, key, updated_at) = (state.id(owned, at), format!("k{}", state.key), format!("2025-03-05 05:{:02}:{at:02}", state.minute));
        let document = if state.is_damaged { "{oops".to_owned() } else { state.document() };
        let document = if state.is_packed { gzipped(&document) } else { document };
        let other = [
            ("state_key", Some(key.as_str())),
            ("updated_at", Some(&updated_at)),
            ("compression_type", state.is_packed.then_some("gzip")),
            ("is_active", Some(if state.is_active { "1" } else { "0" })),
        ];
        source.state(&id, owner, &plugins[at % 2], &document, &other);
        for (step, content) in state.history.iter().enumerate() {
            let at = format!("2025-03-04 06:00:{step:02}");
            source.history(&format!("{id}-{step}"), &id, &step.to_string(), &document_of_history(*content), &[("created_at", Some(&at))]);
        }
    }
}

/// Other white space, same content.
fn document_of_history(content: u8) -> String {
    document(content).replace(':', ": ")
}

/// Every row against the report, and every entry of this plugin against the rows.
fn check_states(app: &TestApp, owned: &Owned, applied: &Imported) {
    let text = match app.db {
        Db::Sqlite => "CAST(data AS TEXT)",
        Db::Postgres => "convert_from(data, 'UTF8')",
    };
    let rows: Vec<(String, &State)> = owned.states.iter().enumerate().map(|(at, state)| (state.id(owned, at), state)).collect();
    for key in 0..2 {
        let mut good: Vec<_> = rows.iter().filter(|(_, state)| state.key == key && !state.is_damaged).collect();
        good.sort_by_key(|(id, state)| (state.minute, id.clone()));
        let mut history: Vec<_> =
            good.iter().flat_map(|(id, state)| state.history.iter().enumerate().map(move |(step, content)| (step, id, *content))).collect();
        history.sort();
        let mut documents: Vec<String> = history.into_iter().map(|(_, _, content)| document(content)).collect();
        documents.extend(good.iter().map(|(_, state)| state.document()));
        documents.dedup();
        let of_key = format!("user_id = '{}' AND plugin_slug = '{}' AND state_key = 'k{key}'", user_id(owned.user), SLUGS[owned.slug]);
        let found =
            app.database.values(&format!("SELECT id || ' ' || version || ' ' || {text} AS value FROM state_entries WHERE {of_key}"));
        let Some((newest, state)) = good.last() else {
            assert!(found.is_empty(), "nothing is invented: {found:?}");
            continue;
        };
        assert_eq!(found, [format!("{newest} {} {}", documents.len(), state.document())]);
        let active = app.database.values(&format!("SELECT id AS value FROM state_entries WHERE {of_key} AND active"));
        assert_eq!(active.len(), usize::from(state.is_active));
        let revisions =
            app.database.values(&format!("SELECT {text} AS value FROM state_revisions WHERE entry_id = '{newest}' ORDER BY version"));
        assert_eq!(revisions, documents);
        for (id, _) in &good {
            let target = applied.item("state", &format!("plugin_states/{id}"))["target"].as_str().unwrap().to_owned();
            assert!(target.contains(&format!("state {newest}")), "{target}");
        }
    }
    for (id, state) in rows {
        let outcome = applied.outcome("state", &format!("plugin_states/{id}"));
        assert_eq!(outcome, if state.is_damaged { "failed" } else { "done" });
        for step in 0..state.history.len() {
            let outcome = applied.outcome("state", &format!("plugin_state_history/{id}-{step}"));
            assert_eq!(outcome, if state.is_damaged { "skipped" } else { "done" });
        }
    }
}

fn write(source: &Source, all: &[Owned]) {
    for user in 0..4 {
        source.row("users", &[("id", Some(&user_id(user))), ("username", Some(&format!("user{user}")))]);
    }
    for one in all {
        let (user, slug, version) = (user_id(one.user), SLUGS[one.slug], VERSIONS[one.version]);
        let owner = if one.dashes { dashed(&user) } else { user.clone() };
        let id = format!("{user}_{slug}");
        let speed = format!(r#"{{"speed":{{"type":"number","default":{}}}}}"#, one.speed.unwrap_or(1));
        let refresh = format!(r#"{{"refresh":{{"type":"number","default":{}}}}}"#, one.refresh.unwrap_or(10));
        let flag = |on: bool| if on { "1" } else { "false" };
        source.plugin_row(&id, &owner, slug, version, &[("enabled", Some(flag(one.enabled))), ("config_fields", Some(&speed))]);
        write_states(source, one, &owner);
        let priority = one.priority.to_string();
        let other = [("config_fields", Some(refresh.as_str())), ("priority", Some(&priority)), ("enabled", Some(flag(one.module_enabled)))];
        source.module_row("main", &id, &owner, &other);
        match one.files {
            Some((true, _)) => source.bundle(&format!("shared/{slug}/v{version}"), &shared(slug, version)),
            Some((false, content)) => source.plugin(&format!("{owner}/{slug}"), &plugin_json(slug, version), &format!("// {content}\n")),
            None => {}
        }
    }
}

fn shared(slug: &str, version: &str) -> String {
    format!("// {slug} {version}\n")
}

fn is_good(version: usize) -> bool {
    VERSIONS[version] != "latest"
}

/// The value in force for the user: the user's own, else the default of the manifest in force.
fn in_force(own: &Value, fields: &Value, name: &str) -> Value {
    if own[name].is_null() { fields[name]["default"].clone() } else { own[name].clone() }
}

fn check(app: &TestApp, all: &[Owned], limits: &BTreeMap<usize, u32>) {
    let source = Source::in_folder(app.new_folder(), Db::Sqlite);
    write(&source, all);
    for (slug, limit) in limits {
        let config = format!(r#"{{"maxStateSize":{limit},"preserveKeys":["a"]}}"#);
        source
            .row("plugin_state_configs", &[("id", Some(SLUGS[*slug])), ("plugin_id", Some(SLUGS[*slug])), ("config_data", Some(&config))]);
    }
    let before = source.snapshot();
    let (home, database) = (&app.home, &app.database);
    clear(database, home);
    let args = ["braindrive", "--database", &source.database.url, "--plugins", &source.folder(), "--apply"];
    let applied = import(home, &args);
    assert_eq!(source.snapshot(), before);

    for user in 0..4 {
        assert_eq!(applied.outcome("user", &format!("users/{}", user_id(user))), "done");
    }
    let one = |sql: &str| -> Option<String> { database.values(sql).into_iter().next() };
    for owned in all {
        let (user, slug) = (user_id(owned.user), SLUGS[owned.slug]);
        let id = format!("{user}_{slug}");
        let outcome = applied.outcome("plugin", &format!("plugin/{id}"));
        let module = applied.items().iter().find(|item| item["kind"] == "module" && item["target"] == format!("module {id} main"));
        if !is_good(owned.version) {
            assert_eq!(outcome, "failed");
            assert_eq!(one(&format!("SELECT id AS value FROM plugins WHERE id = '{id}'")), None, "nothing is invented");
            continue;
        }
        assert_eq!((outcome, module.map(|item| item["outcome"].clone())), ("done", Some(json!("done"))), "{:#}", applied.report);
        let column =
            |name: &str| one(&format!("SELECT COALESCE(CAST({name} AS TEXT), 'null') AS value FROM plugins WHERE id = '{id}'")).unwrap();
        let module = |name: &str| {
            one(&format!("SELECT CAST({name} AS TEXT) AS value FROM modules WHERE plugin_id = '{id}' AND id = 'main'")).unwrap()
        };
        let on = |text: String| matches!(text.as_str(), "1" | "true");
        assert_eq!((on(column("enabled")), on(module("enabled"))), (owned.enabled, owned.module_enabled));
        let version = column("version");
        let released = one(&format!("SELECT manifest AS value FROM releases WHERE slug = '{slug}' AND version = '{version}'"));
        let own: Value = serde_json::from_str(&column("manifest")).unwrap();
        let released: Value = released.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap());
        let manifest = if own.is_null() { &released } else { &own };
        let declared = manifest["modules"].as_array().unwrap().iter().find(|module| module["id"] == "main").unwrap();
        let (config, module_config): (Value, Value) =
            (serde_json::from_str(&column("config")).unwrap(), serde_json::from_str(&module("config")).unwrap());
        assert_eq!(in_force(&config, &manifest["configFields"], "speed"), json!(owned.speed.unwrap_or(1)), "{manifest}");
        assert_eq!(in_force(&module_config, &declared["configFields"], "refresh"), json!(owned.refresh.unwrap_or(10)));
        assert_eq!(declared["priority"], owned.priority);
        assert_eq!(manifest["downloads"], 3);
        let bundle = home.plugins_dir().join(format!("shared/{slug}/v{version}/dist/remoteEntry.js"));
        match files(all, owned) {
            Bundle::Is(expected) => assert_eq!(std::fs::read_to_string(bundle).unwrap(), expected, "{id} {version}"),
            Bundle::Others => assert!(bundle.exists(), "{id} {version}"),
            Bundle::None => assert!(released.is_null(), "{id} has no files, but {released}"),
        }
        let record = std::fs::read_to_string(home.plugins_dir().join(format!("users/user_{user}/installed_plugins.json"))).unwrap();
        assert!(serde_json::from_str::<Value>(&record).unwrap()[slug]["installation_metadata"].is_object());
    }
    for owned in all {
        check_states(app, owned, &applied);
    }
    assert_sums_are_right(app);
    let count = |kind: &str| applied.items().iter().filter(|item| item["kind"] == kind).count();
    let rows: usize = all.iter().flat_map(|owned| &owned.states).map(|state| 1 + state.history.len()).sum();
    assert_eq!(count("state"), rows, "every row has one line");
    for (slug, limit) in limits {
        let source = format!("plugin_state_configs/{}", SLUGS[*slug]);
        assert_eq!(applied.outcome("config", &source), "done");
        assert!(applied.said("config", &source).contains("preserveKeys"));
        let policy = one(&format!("SELECT policy AS value FROM state_policies WHERE plugin_slug = '{}'", SLUGS[*slug])).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&policy).unwrap()["max_document"], json!(limit));
    }
    assert_eq!(database.values("SELECT plugin_slug AS value FROM state_policies").len(), limits.len());
    let good = all.iter().filter(|owned| is_good(owned.version)).count();
    assert_eq!(database.values("SELECT id AS value FROM plugins").len(), good, "nothing is invented");
    let stored = everything(database, app.db, home);
    import(home, &args).assert_nothing_done();
    assert_eq!(everything(database, app.db, home), stored);
}

/// The bundle that the user must be served: the shared one where there is one under either way to write the version.
fn files(all: &[Owned], owned: &Owned) -> Bundle {
    let slug = SLUGS[owned.slug];
    let shares = |version: usize| {
        all.iter().any(|other| other.slug == owned.slug && other.version == version && matches!(other.files, Some((true, _))))
    };
    // Exact first, then as the row writes it, then whatever means the version.
    let means = |version: usize| VERSIONS[version].trim_start_matches('v').trim_end_matches(".0");
    let same: Vec<usize> = (0..VERSIONS.len()).filter(|version| means(*version) == means(owned.version)).collect();
    let exact = same.iter().copied().filter(|version| VERSIONS[*version] == "1.0.0");
    if let Some(version) = exact.chain([owned.version]).chain(same.clone()).find(|version| shares(*version)) {
        return Bundle::Is(shared(slug, VERSIONS[version]));
    }
    match owned.files {
        Some((false, content)) => Bundle::Is(format!("// {content}\n")),
        // Others have files of the version.
        _ if all.iter().any(|other| other.slug == owned.slug && same.contains(&other.version) && other.files.is_some()) => Bundle::Others,
        _ => Bundle::None,
    }
}

enum Bundle {
    Is(String),
    Others,
    None,
}

both!(every_generated_object_is_accounted_for);
async fn every_generated_object_is_accounted_for(app: TestApp) {
    app.server.kill9();
    let mut runner = TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
    let all = prop::collection::vec(owned(), 0..8).prop_map(|all| {
        // A user has a slug once.
        all.into_iter().map(|one| ((one.user, one.slug), one)).collect::<BTreeMap<_, _>>().into_values().collect::<Vec<_>>()
    });
    let limits = prop::collection::btree_map(0..SLUGS.len(), 1..1000_u32, 0..3);
    runner
        .run(&(all, limits), |(all, limits)| {
            check(&app, &all, &limits);
            Ok(())
        })
        .unwrap();
}
