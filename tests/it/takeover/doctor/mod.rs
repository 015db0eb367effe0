//! `doctor`: every difference is found, repaired, and gone afterwards.

mod crashes;
mod states;

use std::fs;

use serde_json::{Value, json};

use super::assert_fits;
use crate::support::{
    Client, Db, TestApp,
    cli::Output,
    old_tree::{OldTree, long, user_id},
    package,
    tree::tree,
};

fn doctor(app: &TestApp, args: &[&str]) -> (i32, Value) {
    let output: Output = app.local().run(&[&["doctor", "--output", "json"], args].concat());
    let checkup = output.json();
    assert_fits("docs/doctor.schema.json", &checkup);
    (output.status, checkup)
}

/// `kind object` of each difference, in order.
fn found(checkup: &Value) -> Vec<String> {
    let line = |one: &Value| format!("{} {}", one["kind"].as_str().unwrap(), one["object"].as_str().unwrap());
    checkup["differences"].as_array().unwrap().iter().map(line).collect()
}

/// Finds exactly this while the server runs, repairs it while it does not, and finds nothing afterwards. The answer is
/// where the backup is, if there is one.
#[track_caller]
fn finds_and_repairs(app: &TestApp, expected: &[&str]) -> Option<String> {
    let before = tree(&app.home.plugins_dir());
    let (status, checkup) = doctor(app, &[]);
    assert_eq!((status, found(&checkup)), (1, expected.iter().map(|&line| line.to_owned()).collect()), "{checkup:#}");
    assert!(checkup["differences"].as_array().unwrap().iter().all(|one| one["state"] == "found"), "{checkup:#}");
    assert_eq!(tree(&app.home.plugins_dir()), before, "looking changes nothing");
    app.server.stop_gracefully();
    let (status, checkup) = doctor(app, &["--repair"]);
    assert_eq!(status, 0, "{checkup:#}");
    for line in expected {
        assert!(found(&checkup).iter().any(|repaired| repaired == line), "{line} in {checkup:#}");
    }
    assert!(checkup["differences"].as_array().unwrap().iter().all(|one| one["state"] == "repaired"), "{checkup:#}");
    is_clean(app);
    let after = tree(&app.home.plugins_dir());
    assert_eq!(doctor(app, &["--repair"]).0, 0);
    assert_eq!(tree(&app.home.plugins_dir()), after, "nothing is repaired twice");
    app.server.restart();
    checkup["backup"].as_str().map(str::to_owned)
}

#[track_caller]
fn is_clean(app: &TestApp) {
    let (status, checkup) = doctor(app, &[]);
    assert_eq!((status, &checkup["differences"]), (0, &json!([])), "{checkup:#}");
}

async fn installation(app: &TestApp) -> Client {
    for version in ["1.0.0", "2.0.0"] {
        app.admin().await.publish(package("Demo", version).module("m1").module("m2").zip(), "").await.expect(201);
    }
    let ann = app.user("ann").await;
    ann.post("/api/v1/plugins/Demo/install").json(json!({"version": "1.0.0"})).await.expect(200);
    is_clean(app);
    ann
}

both!(a_sound_installation_is_clean_and_counted);
async fn a_sound_installation_is_clean_and_counted(app: TestApp) {
    installation(&app).await;
    // How many copies there are by then, nobody knows.
    app.server.stop_gracefully();
    fs::remove_dir_all(app.home.plugins_dir().join("cache/encoded")).unwrap();
    let (status, checkup) = doctor(&app, &[]);
    assert_eq!(
        (status, checkup),
        (
            0,
            json!({"repair": false, "backup": null, "differences": [],
                "checked": {"releases": 2, "files": 4, "users": 2, "plugins": 1, "modules": 2, "states": 0, "copies": 0}})
        )
    );
    let text = app.local().run(&["doctor"]).done().stdout;
    let checked = "checked 2 releases with 4 files, 0 compressed copies, 2 users with 1 plugins, 2 modules and 0 state entries";
    assert_eq!(text, format!("{checked}\nnothing differs\n"));
}

both!(a_lost_record_comes_back_as_rebuilt);
async fn a_lost_record_comes_back_as_rebuilt(app: TestApp) {
    let ann = installation(&app).await;
    let file = app.home.plugins_dir().join(format!("users/user_{}/installed_plugins.json", ann.user_id));
    fs::remove_file(&file).unwrap();
    ann.get("/api/v1/plugins/Demo/dist/index.js").await.expect(404);
    let told = app.local().run(&["doctor"]);
    assert_eq!(told.status, 1, "{told:?}");
    let label = format!("users/user_{}/installed_plugins.json", ann.user_id);
    let line = format!("row without record: plugin {}_Demo: {label} has no record of it", ann.user_id);
    assert!(told.stdout.starts_with(&format!("{line}\n  repair would: write a record of the type rebuilt\n")), "{}", told.stdout);
    assert!(told.stdout.contains("\n1 differences; `plugyard doctor --repair` repairs what it can\n"), "{}", told.stdout);
    finds_and_repairs(&app, &[&format!("row_without_record plugin {}_Demo", ann.user_id)]);
    let record: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let metadata = &record["Demo"]["installation_metadata"];
    assert_eq!((&metadata["installation_type"], &metadata["installed_by"]), (&json!("rebuilt"), &json!("plugyard doctor")));
    ann.get("/api/v1/plugins/Demo/dist/index.js").await.expect(200);
}

both!(records_that_contradict_the_database_are_put_right);
async fn records_that_contradict_the_database_are_put_right(app: TestApp) {
    let ann = installation(&app).await;
    let label = format!("users/user_{}/installed_plugins.json", ann.user_id);
    let file = app.home.plugins_dir().join(&label);
    let good: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let metadata = &good["Demo"];
    let record = |slug: &str| format!("record {slug} of {}", ann.user_id);
    for (content, expected) in [
        (json!({"Demo": metadata, "Gone": metadata}), vec![format!("record_without_row {}", record("Gone"))]),
        (json!({"Demo": {"installation_metadata": {}}}), vec![format!("unreadable_record {}", record("Demo"))]),
        (
            json!({"Demo": 7, "a/b": metadata}),
            vec![format!("unreadable_record {}", record("Demo")), format!("unreadable_record {}", record("a/b"))],
        ),
    ] {
        fs::write(&file, content.to_string()).unwrap();
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        let backup = finds_and_repairs(&app, &expected).unwrap();
        let kept = fs::read_to_string(app.home.plugins_dir().join(backup).join(&label)).unwrap();
        assert_eq!(kept, content.to_string());
    }
    for content in ["", "[]", "{\"Demo\"", "\u{0}"] {
        fs::write(&file, content).unwrap();
        let backup = finds_and_repairs(&app, &[&format!("unreadable_records {label}")]).unwrap();
        assert_eq!(fs::read_to_string(app.home.plugins_dir().join(backup).join(&label)).unwrap(), content);
    }
    ann.get("/api/v1/plugins/Demo/dist/index.js").await.expect(200);
}

both!(long_records_are_left_to_migrate_records);
async fn long_records_are_left_to_migrate_records(app: TestApp) {
    let ann = installation(&app).await;
    app.server.stop_gracefully();
    let old = OldTree::new(&app.home.plugins_dir());
    old.records(&format!("user_{}", ann.user_id), &json!({"Demo": long("Demo", "1.0.0")}));
    let (status, checkup) = doctor(&app, &["--repair"]);
    assert_eq!((status, &checkup["differences"][0]["state"]), (1, &json!("left")), "{checkup:#}");
    assert!(checkup["differences"][0]["remedy"].as_str().unwrap().contains("plugyard migrate-records"), "{checkup:#}");
    super::migrate(&app, &["--apply"]).done();
    is_clean(&app);
}

both!(what_waits_in_the_outbox_is_written);
async fn what_waits_in_the_outbox_is_written(app: TestApp) {
    let ann = installation(&app).await;
    app.server.stop_gracefully();
    let metadata = json!({"installation_type": "local", "source_url": null, "installed_by": "x", "installed_at": "2026-01-01T00:00:00Z"});
    app.database.execute(&format!("INSERT INTO pending_records VALUES ('{}', 'Demo', '{metadata}')", ann.user_id));
    let (status, checkup) = doctor(&app, &[]);
    assert_eq!((status, found(&checkup)), (1, vec![format!("pending_record record Demo of {}", ann.user_id)]));
    assert_eq!(doctor(&app, &["--repair"]).0, 0);
    is_clean(&app);
    let file = app.home.plugins_dir().join(format!("users/user_{}/installed_plugins.json", ann.user_id));
    assert!(fs::read_to_string(file).unwrap().contains("\"local\""));
}

both!(releases_that_are_not_what_was_published_are_taken_out);
async fn releases_that_are_not_what_was_published_are_taken_out(app: TestApp) {
    let ann = installation(&app).await;
    let root = app.home.plugins_dir();
    let entry = root.join("shared/Demo/v1.0.0/dist/index.js");
    let good = fs::read(&entry).unwrap();
    let plugin = format!("plugin_without_release plugin {}_Demo", ann.user_id);
    let same_size: Vec<u8> = good.iter().map(|byte| byte ^ 1).collect();
    for (damage, difference) in [
        (Some(b"short".to_vec()), "damaged_file shared/Demo/v1.0.0/dist/index.js"),
        (Some(same_size), "damaged_file shared/Demo/v1.0.0/dist/index.js"),
        (None, "missing_file shared/Demo/v1.0.0/dist/index.js"),
    ] {
        match &damage {
            Some(bytes) => fs::write(&entry, bytes).unwrap(),
            None => fs::remove_file(&entry).unwrap(),
        }
        let backup = finds_and_repairs(&app, &[difference]).unwrap();
        assert!(root.join(&backup).join("shared/Demo/v1.0.0/plugin.json").exists());
        assert!(!root.join("shared/Demo/v1.0.0").exists());
        // The plugin stays, without files; the same content brings them back.
        ann.get("/api/v1/plugins/Demo/modules").await.expect(200);
        assert!(ann.get("/api/v1/plugins/Demo/dist/index.js").await.status >= 400);
        app.admin().await.publish(package("Demo", "1.0.0").module("m1").module("m2").zip(), "").await.expect(200);
        ann.get("/api/v1/plugins/Demo/dist/index.js").await.expect(200);
        is_clean(&app);
        app.database.execute("UPDATE plugins SET manifest = NULL");
    }
    fs::remove_dir_all(root.join("shared/Demo/v1.0.0")).unwrap();
    finds_and_repairs(&app, &["release_without_folder release Demo 1.0.0"]);
    // Had somebody only removed the row's files, the plugin itself is what differs.
    app.database.execute("UPDATE plugins SET manifest = NULL");
    finds_and_repairs(&app, &[&plugin]);
    ann.get("/api/v1/plugins/Demo/modules").await.expect(200);
}

both!(what_does_not_belong_into_the_folder_is_moved_to_the_backup);
async fn what_does_not_belong_into_the_folder_is_moved_to_the_backup(app: TestApp) {
    let ann = installation(&app).await;
    let root = app.home.plugins_dir();
    let nobody = user_id(5);
    let dashed = uuid::Uuid::parse_str(&ann.user_id).unwrap().hyphenated().to_string();
    let old = OldTree::new(&root);
    old.file("shared/Demo/v1.0.0/dist/extra.js", "x").file("shared/Demo/notes", "x").file("shared/.hidden/x", "x").file("shared/x", "x");
    old.release("Demo", "v1.0", &package("Demo", "1.0")).file("shared/Broken/v1.0.0/readme", "x");
    old.records(&format!("user_{nobody}"), &json!({})).records(&format!("user_{dashed}"), &json!({}));
    old.file("users/x", "x").file("users/somebody/x", "x").file(&format!("users/user_{}/installed_plugins.tmp", ann.user_id), "{");
    let expected = [
        "stray shared/.hidden".to_owned(),
        "stray shared/Demo/notes".to_owned(),
        "stray shared/Demo/v1.0".to_owned(),
        "stray shared/x".to_owned(),
        "release_without_row shared/Broken/v1.0.0".to_owned(),
        "unknown_file shared/Demo/v1.0.0/dist/extra.js".to_owned(),
        "stray users/somebody".to_owned(),
        format!("stray users/user_{dashed}"),
        format!("leftover users/user_{}/installed_plugins.tmp", ann.user_id),
        "stray users/x".to_owned(),
        format!("records_without_user users/user_{nobody}"),
    ];
    let (_, checkup) = doctor(&app, &[]);
    let mut as_found = found(&checkup);
    let mut sorted = expected.to_vec();
    as_found.sort();
    sorted.sort();
    assert_eq!(as_found, sorted);
    let in_order = found(&checkup);
    let before = tree(&root);
    let backup = finds_and_repairs(&app, &in_order.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    let kept = tree(&root.join(backup));
    for (path, content) in before.iter().filter(|(path, _)| path.ends_with("/x") && !path.contains("user_")) {
        assert_eq!(&kept[path], content, "{path}");
    }
    ann.get("/api/v1/plugins/Demo/dist/index.js").await.expect(200);
}

both!(a_folder_without_a_row_is_published_in_place);
async fn a_folder_without_a_row_is_published_in_place(app: TestApp) {
    let ann = installation(&app).await;
    OldTree::new(&app.home.plugins_dir()).releases("New", &["1.0.0"]);
    finds_and_repairs(&app, &["release_without_row shared/New/v1.0.0"]);
    ann.post("/api/v1/plugins/New/install").json(json!({})).await.expect(200);
    ann.get("/api/v1/plugins/New/dist/index.js").await.expect(200);
}

both!(what_killed_processes_left_is_removed);
async fn what_killed_processes_left_is_removed(app: TestApp) {
    installation(&app).await;
    let root = app.home.plugins_dir();
    OldTree::new(&root).file("cache/staging-dead/files/a", "x").file("cache/staging-dead/lock", "").file("cache/probe-dead", "x");
    finds_and_repairs(&app, &["leftover cache/probe-dead", "leftover cache/staging-dead"]);
    // A release whose removal was interrupted.
    app.server.stop_gracefully();
    app.database.execute("UPDATE releases SET files_removed_at = 5 WHERE version = '2.0.0'");
    let (status, checkup) = doctor(&app, &[]);
    assert_eq!(
        (status, found(&checkup)),
        (1, vec!["removed_release shared/Demo/v2.0.0".to_owned(), "latest_version plugin Demo".to_owned()])
    );
    assert_eq!(doctor(&app, &["--repair"]).0, 0);
    assert!(!root.join("shared/Demo/v2.0.0").exists());
    is_clean(&app);
}

both!(rows_that_contradict_each_other_are_put_right);
async fn rows_that_contradict_each_other_are_put_right(app: TestApp) {
    let ann = installation(&app).await;
    let plugin = format!("plugin {}_Demo", ann.user_id);
    app.database.execute("UPDATE releases SET size = 1, file_count = 7 WHERE version = '1.0.0'");
    app.database.execute("UPDATE plugin_config SET latest_version = '1.0.0'");
    app.database.execute("DELETE FROM modules WHERE id = 'm1'");
    app.database.execute("UPDATE modules SET present = false, config = '{\"a\":1}' WHERE id = 'm2'");
    app.database.execute(
        "INSERT INTO modules (plugin_id, id, enabled, config, present, created_at, updated_at) SELECT id, 'm3', true, '{}', true, 1, 1 FROM plugins",
    );
    let orphan = "INSERT INTO modules (plugin_id, id, enabled, config, present, created_at, updated_at) VALUES ('none', 'm', true, '{}', true, 1, 1)";
    match app.db {
        Db::Sqlite => app.database.execute(&format!("PRAGMA foreign_keys = OFF; {orphan}")),
        Db::Postgres => app.database.execute(&format!("SET session_replication_role = replica; {orphan}")),
    }
    finds_and_repairs(
        &app,
        &[
            "release_counts release Demo 1.0.0",
            "latest_version plugin Demo",
            &format!("missing_module module m1 of {plugin}"),
            &format!("module_presence module m2 of {plugin}"),
            &format!("module_presence module m3 of {plugin}"),
            "orphan_module module m of plugin none",
        ],
    );
    let modules = app.database.values("SELECT id || ' ' || present || ' ' || config AS value FROM modules ORDER BY id");
    let modules: Vec<String> = modules.into_iter().map(|row| row.replace("true", "1").replace("false", "0")).collect();
    assert_eq!(modules, ["m1 1 {}", "m2 1 {\"a\":1}", "m3 0 {}"]);
    let audit = app.local().run(&["audit", "list"]).done().stdout;
    assert!(audit.contains("doctor.repair") && audit.contains("orphan module: module m of plugin none"), "{audit}");
}

both!(a_plugin_without_any_release_stays_as_one_without_files);
async fn a_plugin_without_any_release_stays_as_one_without_files(app: TestApp) {
    let ann = installation(&app).await;
    app.database.execute("UPDATE plugins SET version = '7.0.0'");
    finds_and_repairs(&app, &[&format!("plugin_without_release plugin {}_Demo", ann.user_id)]);
    let listed = ann.get("/api/v1/plugins").await.expect(200).json();
    assert_eq!(listed["items"][0]["version"], "7.0.0");
}

both!(repairing_wants_to_be_alone_and_looking_does_not);
async fn repairing_wants_to_be_alone_and_looking_does_not(app: TestApp) {
    installation(&app).await;
    let refused = app.local().run(&["doctor", "--repair"]);
    assert_eq!((refused.status, refused.stdout.as_str()), (2, ""), "{refused:?}");
    assert!(refused.stderr.contains("another plugyard process uses the plugins folder"), "{refused:?}");
    is_clean(&app);
    let nowhere = app.local().with("database_url", "sqlite:///no/such/folder/plugyard.db");
    assert_eq!(nowhere.run(&["doctor"]).status, 2);
}

both!(a_busy_server_has_no_differences);
async fn a_busy_server_has_no_differences(app: TestApp) {
    let ann = installation(&app).await;
    let change = async {
        for round in 0..30 {
            app.admin().await.publish(package(&format!("P{round}"), "1.0.0").module("m").zip(), "").await.expect(201);
            ann.post(&format!("/api/v1/plugins/P{round}/install")).json(json!({})).await.expect(200);
            if round % 2 == 0 {
                ann.delete(&format!("/api/v1/plugins/P{round}/uninstall")).await.expect(200);
            }
        }
    };
    let home = app.local();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let looking = std::thread::spawn(move || {
        let mut looks = 0;
        while stopped.try_recv().is_err() || looks == 0 {
            let output = home.run(&["doctor", "--output", "json"]);
            let differing = output.json()["differences"].as_array().unwrap().iter().filter(|one| one["kind"] != "pending_record").count();
            assert_eq!(differing, 0, "{}", output.stdout);
            looks += 1;
        }
    });
    change.await;
    stop.send(()).unwrap();
    looking.join().unwrap();
    is_clean(&app);
}

both!(bad_compressed_copies_are_removed);
async fn bad_compressed_copies_are_removed(app: TestApp) {
    installation(&app).await;
    app.server.stop_gracefully();
    let copies = app.home.plugins_dir().join("cache/encoded/ab");
    fs::create_dir_all(&copies).unwrap();
    let name = "ab".repeat(48);
    // Wrong content; no name of a content; and an empty one, which is right, of what no release has.
    fs::write(copies.join(format!("{name}.gz")), "no gzip").unwrap();
    fs::write(copies.join("readme.gz"), "").unwrap();
    let old = copies.join(format!("{name}.br"));
    fs::write(&old, "").unwrap();
    let (_, fresh) = doctor(&app, &[]);
    assert_eq!(found(&fresh).len(), 2, "what has just been made may be of a release that is just being published: {fresh:#}");
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(7200);
    fs::File::options().write(true).open(&old).unwrap().set_modified(long_ago).unwrap();
    app.server.restart();
    let names = [format!("{name}.br"), format!("{name}.gz"), "readme.gz".to_owned()];
    let lines = names.map(|name| format!("encoded_copy cache/encoded/ab/{name}"));
    finds_and_repairs(&app, &lines.iter().map(String::as_str).collect::<Vec<_>>());
}
