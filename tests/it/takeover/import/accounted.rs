//! Whatever the input: every user, plugin, module, value and file is accounted for.

use std::collections::BTreeMap;

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

use super::{
    source::{Source, dashed, plugin_json, user_id},
    target::{everything, import},
};
use crate::support::{TestApp, database::TestDatabase, program::Home};

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
}

fn owned() -> impl Strategy<Value = Owned> {
    let values = (any::<bool>(), prop::option::of(2..9_u32), prop::option::of(11..19_u32), 1..4_u8, any::<bool>());
    (0..4_u32, 0..SLUGS.len(), 0..VERSIONS.len(), values, prop::option::of((any::<bool>(), 0..3_u8)), any::<bool>()).prop_map(
        |(user, slug, version, (enabled, speed, refresh, priority, module_enabled), files, dashes)| Owned {
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
        },
    )
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

fn check(app: &TestApp, all: &[Owned]) {
    let source = Source::new(app);
    write(&source, all);
    let before = source.snapshot();
    let home = Home::bare();
    let database = TestDatabase::create(app.db, home.path());
    let home = home.with_data(&database.url);
    let args = ["braindrive", "--database", &source.database.url, "--plugins", &source.folder(), "--apply"];
    let applied = import(&home, &args);
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
    let good = all.iter().filter(|owned| is_good(owned.version)).count();
    assert_eq!(database.values("SELECT id AS value FROM plugins").len(), good, "nothing is invented");
    let stored = everything(&database, app.db, &home);
    import(&home, &args).assert_nothing_done();
    assert_eq!(everything(&database, app.db, &home), stored);
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
    let mut runner = TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
    let all = prop::collection::vec(owned(), 0..8).prop_map(|all| {
        // A user has a slug once.
        all.into_iter().map(|one| ((one.user, one.slug), one)).collect::<BTreeMap<_, _>>().into_values().collect::<Vec<_>>()
    });
    runner
        .run(&all, |all| {
            check(&app, &all);
            Ok(())
        })
        .unwrap();
}
