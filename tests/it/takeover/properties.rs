//! Every input object is accounted for: nothing is lost, and nothing is invented.

use std::{collections::BTreeMap, fs};

use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};

use super::{assert_fits, import::target::everything, item};
use crate::support::{
    Db,
    database::TestDatabase,
    old_tree::{OldTree, any_entry, user_id},
    package,
    program::Home,
    tree::tree,
};

const SLUGS: usize = 6;

#[derive(Debug, Clone)]
enum File {
    /// For each slug the kind of its entry, if there is one.
    Entries(Vec<Option<usize>>),
    Damaged(&'static str),
}

fn file() -> impl Strategy<Value = File> {
    let entries = vec(proptest::option::of(0..14_usize), SLUGS).prop_map(File::Entries);
    prop_oneof![6 => entries, 1 => prop::sample::select(&["", "{", "[]", "null", "{\"P0\":{},\"P0\":{}}"][..]).prop_map(File::Damaged)]
}

fn account(db: Db) {
    if !db.is_available() {
        return;
    }
    let home = Home::bare();
    let database = TestDatabase::create(db, home.path());
    let home = home.with_data(&database.url);
    let root = home.plugins_dir();
    let old = OldTree::new(&root);
    for number in 0..SLUGS {
        // Half of the plugins know the values themselves, for the others it is a module.
        let fields = json!({"refresh": {"type": "number"}});
        let slug = format!("P{number}");
        let release = match number % 2 {
            0 => package(&slug, "1.0.0").with("configFields", fields).module("main"),
            _ => package(&slug, "1.0.0").module_with(json!({"id": "main", "configFields": fields})),
        };
        old.release(&slug, "v1.0.0", &release);
    }
    let folder = root.display().to_string();
    let run = |args: &[&str]| {
        let output = home.run(&[&["migrate-records", &folder, "--output", "json"], args].concat());
        let report = output.json();
        assert_fits("docs/report.schema.json", &report);
        (output.status, report)
    };
    let next = std::cell::Cell::new(0);
    let check = |files: Vec<File>| {
        fs::remove_dir_all(root.join("users")).unwrap();
        fs::create_dir(root.join("users")).unwrap();
        let mut inputs = BTreeMap::new();
        for file in files {
            next.set(next.get() + 1);
            let user = user_id(next.get());
            match &file {
                File::Damaged(text) => drop(old.raw_records(&format!("user_{user}"), *text)),
                File::Entries(kinds) => {
                    let entry = |(at, kind): (usize, &Option<usize>)| Some((format!("P{at}"), any_entry((*kind)?, &format!("P{at}")).0));
                    let entries: BTreeMap<String, Value> = kinds.iter().enumerate().filter_map(entry).collect();
                    old.records(&format!("user_{user}"), &json!(entries));
                }
            }
            inputs.insert(user, file);
        }
        let before = tree(&root.join("users"));
        let (dry_status, dry) = run(&[]);
        assert_eq!(tree(&root.join("users")), before);
        let (status, report) = run(&["--apply"]);
        assert_eq!((dry_status, &dry["items"]), (status, &report["items"]));
        compare(&inputs, &report, &database, &root);

        let after = (tree(&root), everything(&database, db, &home));
        let (again_status, again) = run(&["--apply"]);
        assert_eq!((again_status, &again["backup"]), (status, &json!(null)));
        assert_eq!((tree(&root), everything(&database, db, &home)), after, "the second run changes nothing");
        for counts in again["counts"].as_object().unwrap().values() {
            assert_eq!(counts["done"], 0, "{again:#}");
        }
        if let Some(backup) = report["backup"].as_str() {
            assert_eq!(run(&["--undo", backup]).0, 0);
        }
        assert_eq!(tree(&root.join("users")), before);
        Ok(())
    };
    let config = proptest::test_runner::Config { cases: 12, failure_persistence: None, ..Default::default() };
    TestRunner::new(config).run(&vec(file(), 1..6), check).unwrap();
}

fn compare(inputs: &BTreeMap<String, File>, report: &Value, database: &TestDatabase, root: &std::path::Path) {
    let (mut records, mut readable, mut failed) = (0, 0, 0);
    for (user, file) in inputs {
        let label = format!("users/user_{user}/installed_plugins.json");
        let content = fs::read(root.join(&label)).unwrap();
        let account = database.values(&format!("SELECT username AS value FROM users WHERE id = '{user}' AND NOT active"));
        let rows = database.values(&format!(
            "SELECT plugin_slug || ' ' || CASE WHEN p.config <> '{{}}' THEN p.config ELSE m.config END || ' ' || p.created_at || ' ' \
             || p.updated_at || ' ' || p.version || ' ' || CASE WHEN p.enabled THEN 'on' ELSE 'off' END AS value FROM plugins p JOIN modules m ON m.plugin_id = p.id WHERE user_id = '{user}' ORDER BY 1"
        ));
        let File::Entries(kinds) = file else {
            let File::Damaged(text) = file else { unreachable!() };
            assert_eq!((item(report, &label)["outcome"].as_str(), content.as_slice()), (Some("failed"), text.as_bytes()));
            assert!(account.is_empty() && rows.is_empty());
            failed += 1;
            continue;
        };
        readable += 1;
        assert_eq!(account.join(" "), *user);
        let content: Value = serde_json::from_slice(&content).unwrap();
        let mut expected_rows = Vec::new();
        for (at, kind) in kinds.iter().enumerate().filter_map(|(at, kind)| Some((at, (*kind)?))) {
            records += 1;
            let slug = format!("P{at}");
            let (entry, outcome) = any_entry(kind, &slug);
            let item = item(report, &format!("{label}#/{slug}"));
            assert_eq!(item["outcome"], outcome, "{entry}: {item:#}");
            let now = &content[&slug];
            if outcome == "failed" {
                failed += 1;
                assert_eq!(*now, entry, "a bad entry stays as it is");
                continue;
            }
            if outcome == "already_done" {
                let note = "the database has no such plugin, and a short record names no version";
                assert_eq!(item["notes"], json!([note]), "{item:#}");
            }
            let metadata = now["installation_metadata"].as_object().unwrap();
            assert_eq!(now.as_object().unwrap().len(), 1, "{now}");
            assert_eq!(metadata["installed_at"], "2025-06-10T07:30:00Z");
            for (name, value) in entry["installation_metadata"].as_object().into_iter().flatten() {
                assert_eq!(metadata[name], *value, "{name} of {now}");
            }
            assert_eq!(metadata.get("unknown"), entry.get("unknown"));
            if outcome == "done" {
                assert_eq!(item["target"], format!("plugin {user}_{slug}"));
                let config = entry.get("user_config").cloned().unwrap_or_else(|| json!({}));
                let changed_at = if entry["updated_at"].is_null() { "1749540600000" } else { "1751364000000" };
                let enabled = if entry["enabled"] == false { "off" } else { "on" };
                expected_rows.push(format!("{slug} {config} 1749540600000 {changed_at} 1.0.0 {enabled}"));
                let version = entry["version"].as_str().unwrap();
                if version != "1.0.0" {
                    assert_eq!(metadata["original"]["version"], version);
                }
            }
        }
        assert_eq!(rows, expected_rows, "{user}");
        assert_eq!(content.as_object().unwrap().len(), kinds.iter().flatten().count());
    }
    let sum = |kind: &str| report["counts"][kind].as_object().map_or(0, |counts| counts.values().map(|n| n.as_u64().unwrap()).sum());
    assert_eq!((sum("record"), sum("record_file"), sum("user"), sum("release")), (records, inputs.len() as u64, readable, SLUGS as u64));
    let items = report["items"].as_array().unwrap();
    let lines = items.iter().filter(|item| item["outcome"] == "failed" && item["kind"] != "record_file").count();
    let damaged = inputs.values().filter(|file| matches!(file, File::Damaged(_))).count();
    assert_eq!(lines + damaged, failed, "each failure is one line");
}

mod every_entry_is_accounted_for {
    use crate::support::Db;

    #[test]
    fn sqlite() {
        super::account(Db::Sqlite);
    }

    #[test]
    fn postgres() {
        super::account(Db::Postgres);
    }
}
