//! `migrate-records`, rule by rule.

use std::fs;

use serde_json::{Value, json};

use super::{item, migrate, report};
use crate::support::{
    TestApp,
    old_tree::{OldTree, long, short, user_id},
    package,
    tree::tree,
};

fn records_of(app: &TestApp, folder: &str) -> Value {
    let path = app.home.plugins_dir().join(format!("users/{folder}/installed_plugins.json"));
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

both!(long_entries_become_rows_and_short_entries);
async fn long_entries_become_rows_and_short_entries(app: TestApp) {
    app.admin().await;
    app.server.stop_gracefully();
    let ann = user_id(1);
    let file = format!("users/user_{ann}/installed_plugins.json");
    let old = OldTree::new(&app.home.plugins_dir());
    old.releases("NetworkReview", &["1.0.0", "0.9.0"]);
    let mut entry = long("NetworkReview", "1.0.0");
    entry["previous_version"] = json!("0.9.0");
    old.records(&format!("user_{ann}"), &json!({ "NetworkReview": entry }));
    let before = tree(&app.home.plugins_dir().join("users"));

    let dry = migrate(&app, &[]).done();
    assert_eq!(tree(&app.home.plugins_dir().join("users")), before, "a dry run writes nothing");
    assert!(!app.home.plugins_dir().join("backups").exists());
    assert!(app.database.values("SELECT slug AS value FROM releases").is_empty());
    let applied = migrate(&app, &["--apply"]).done();
    let (mut dry, mut applied) = (report(&dry), report(&applied));
    assert_eq!((&dry["mode"], &applied["mode"], &dry["backup"]), (&json!("dry_run"), &json!("apply"), &json!(null)));
    let backup = applied["backup"].as_str().unwrap().to_owned();
    for report in [&mut dry, &mut applied] {
        report["mode"] = json!(null);
        report["backup"] = json!(null);
    }
    assert_eq!(dry, applied, "a dry run says what is done then");
    assert_eq!(item(&applied, &format!("{file}#/NetworkReview"))["target"], format!("plugin {ann}_NetworkReview"));

    assert_eq!(records_of(&app, &format!("user_{ann}")), json!({"NetworkReview": short()}));
    assert_eq!(fs::read(app.home.plugins_dir().join(&backup).join(&file)).unwrap(), before[&file[6..]]);
    let rows = app.database.values(
        "SELECT id || ' ' || version || ' ' || config || ' ' || created_at || ' ' || updated_at || ' ' || enabled_at AS value FROM plugins",
    );
    assert_eq!(rows, [format!("{ann}_NetworkReview 1.0.0 {{\"refresh\":30}} 1749540600000 1751364000000 1751364000000")]);
    let history = app.database.values(
        "SELECT version || ' ' || change || ' ' || installed_at || ' ' || COALESCE(replaced_at, 0) AS value FROM plugin_versions ORDER BY sequence",
    );
    assert_eq!(history, ["0.9.0 import 1749540600000 1751364000000", "1.0.0 import 1751364000000 0"]);
    let user = app.database.values(
        "SELECT username || ' ' || role || ' ' || CASE WHEN active THEN 1 ELSE 0 END AS value FROM users WHERE password_hash IS NULL",
    );
    assert_eq!(user, [format!("{ann} user 0")]);

    app.server.restart();
    let admin = app.admin().await;
    let listed = admin.get(&format!("/api/v1/users/{ann}/plugins")).await.expect(200).json();
    assert_eq!((&listed["items"][0]["slug"], &listed["items"][0]["enabled"]), (&json!("NetworkReview"), &json!(true)));
    let status = app.local().run(&["plugins", "status", "NetworkReview", "--user", &ann, "--output", "json"]).done().json();
    assert_eq!((&status["status"], &status["drift"]), (&json!("healthy"), &json!(null)));
    // And it goes on as if it had been installed here.
    app.local().run(&["plugins", "rollback", "NetworkReview", "--user", &ann]).done();
}

both!(each_bad_entry_is_one_line_and_the_others_move);
async fn each_bad_entry_is_one_line_and_the_others_move(app: TestApp) {
    app.server.stop_gracefully();
    let root = app.home.plugins_dir();
    let old = OldTree::new(&root);
    old.releases("Good", &["1.0.0"]);
    let (ann, bob, eve) = (user_id(1), user_id(2), user_id(3));
    let bad = json!({"version": "latest", "digits": 1.50});
    old.records(
        &format!("user_{ann}"),
        &json!({"Good": long("Good", "1.0"), "bad..slug": long("bad..slug", "1.0.0"), "Text": "text", "Latest": bad, "Gone": long("Gone", "1.0.0")}),
    );
    old.raw_records(&format!("user_{bob}"), "{\"Good\": {");
    old.raw_records(&format!("user_{eve}"), "{\"Good\": {}, \"Good\": {}}");
    old.records("user_nobody", &json!({})).file("users/readme.txt", "x").file(&format!("users/user_{ann}/notes.txt"), "x");
    // A folder where a file of records would be.
    old.file("users/junk/installed_plugins.json/x", "x");
    old.file("shared/Good/notes/x", "x").file("shared/bad..slug/v1.0.0/x", "x").file("shared/Empty/v1.0.0/dist/x", "x");

    let output = migrate(&app, &["--apply"]);
    assert_eq!(output.status, 1, "{output:?}");
    let report = report(&output);
    let of = |source: &str| {
        let item = item(&report, source);
        format!("{}: {}", item["outcome"].as_str().unwrap(), item["reason"].as_str().unwrap_or("-"))
    };
    let file = format!("users/user_{ann}/installed_plugins.json");
    assert_eq!(item(&report, &format!("{file}#/Good"))["notes"][0], "version \"1.0\" is read as 1.0.0");
    insta::assert_snapshot!([of(&format!("{file}#/bad..slug")),
        of(&format!("{file}#/Text")),
        of(&format!("{file}#/Latest")),
        of(&format!("{file}#/Gone")),
        of(&file),
        of(&format!("users/user_{bob}/installed_plugins.json")),
        of(&format!("users/user_{eve}/installed_plugins.json")),
        of("users/user_nobody"),
        of("users/junk"),
        of("users/readme.txt"),
        of(&format!("users/user_{ann}/notes.txt")),
        of("shared/Good/notes"),
        of("shared/bad..slug"),
        of("shared/Empty/v1.0.0"),
    ].join("\n"), @r#"
    failed: "bad..slug" must not end in a dot or hold two in a row
    failed: is not an object
    failed: "latest" is not a semantic version: unexpected character 'l' while parsing major version number
    failed: Gone 1.0.0 is neither published nor in shared/
    done: -
    failed: is not JSON: EOF while parsing an object at line 1 column 10
    failed: is not JSON: the member "Good" appears twice at line 1 column 19
    failed: is not named user_ and a user's id
    failed: is not named user_ and a user's id
    skipped: is no folder
    skipped: is no file of records
    skipped: "notes" is not a semantic version: unexpected character 'n' while parsing major version number
    skipped: "bad..slug" must not end in a dot or hold two in a row
    failed: there is no plugin.json, lifecycle_manager.py or package.json at the root of the package
    "#);
    assert_eq!(
        records_of(&app, &format!("user_{ann}")),
        json!({"Good": {"installation_metadata": {"installation_type": "production", "source_url": "https://example.org/r",
                "installed_by": "lifecycle_service", "installed_at": "2025-06-10T07:30:00Z", "original": {"version": "1.0"}}},
            "bad..slug": long("bad..slug", "1.0.0"), "Text": "text", "Latest": bad, "Gone": long("Gone", "1.0.0")})
    );
    assert_eq!(fs::read_to_string(root.join(format!("users/user_{bob}/installed_plugins.json"))).unwrap(), "{\"Good\": {");

    let after = tree(&root);
    let again = migrate(&app, &["--apply"]);
    assert_eq!((again.status, &super::report(&again)["backup"]), (1, &json!(null)));
    assert_eq!(tree(&root), after, "nothing changes the second time");
}

both!(where_row_and_file_disagree_the_database_wins);
async fn where_row_and_file_disagree_the_database_wins(app: TestApp) {
    let ann = app.user("ann").await;
    for version in ["1.0.0", "2.0.0"] {
        app.admin().await.publish(package("Demo", version).module("m").zip(), "").await.expect(201);
    }
    ann.post("/api/v1/plugins/Demo/install").json(json!({"version": "2.0.0", "enabled": false, "config": {"a": 1}})).await.expect(200);
    app.server.stop_gracefully();
    let row = "SELECT version || config || created_at || updated_at || revision AS value FROM plugins";
    let before = app.database.values(row);
    let mut entry = long("Demo", "1.0.0");
    entry["previous_version"] = json!("0.1.0");
    OldTree::new(&app.home.plugins_dir()).records(&format!("user_{}", ann.user_id), &json!({ "Demo": entry }));
    let output = migrate(&app, &["--apply"]).done();
    assert_eq!(app.database.values(row), before);
    let report = report(&output);
    let notes = &item(&report, &format!("users/user_{}/installed_plugins.json#/Demo", ann.user_id))["notes"];
    let notes: Vec<&str> = notes.as_array().unwrap().iter().map(|note| note.as_str().unwrap()).collect();
    for (said, count) in [
        ("version is 2.0.0 in the database; the file said 1.0.0", 1),
        ("enabled is false in the database; the file said true", 1),
        ("config is {\"a\":1} in the database; the file said {\"refresh\":30}", 1),
        ("the time of installation is", 1),
        ("the time of the last change is", 1),
        ("the version before is unknown in the database; the file said 0.1.0", 1),
    ] {
        assert_eq!(notes.iter().filter(|note| note.starts_with(said)).count(), count, "{said} in {notes:#?}");
    }
    assert_eq!(records_of(&app, &format!("user_{}", ann.user_id)), json!({"Demo": short()}));
    app.server.restart();
    ann.get("/api/v1/plugins/Demo/status").await.expect(200);
}

both!(a_short_record_of_a_plugin_that_the_database_lacks_is_told);
async fn a_short_record_of_a_plugin_that_the_database_lacks_is_told(app: TestApp) {
    let ann = app.user("ann").await;
    app.admin().await.publish(package("Known", "1.0.0").zip(), "").await.expect(201);
    ann.post("/api/v1/plugins/Known/install").json(json!({})).await.expect(200);
    app.server.stop_gracefully();
    let folder = format!("user_{}", ann.user_id);
    let known = records_of(&app, &folder)["Known"].clone();
    OldTree::new(&app.home.plugins_dir()).records(&folder, &json!({"Known": known, "Lost": short()}));
    let report = report(&migrate(&app, &["--apply"]).done());
    let entry = |slug: &str| item(&report, &format!("users/{folder}/installed_plugins.json#/{slug}"));
    for slug in ["Known", "Lost"] {
        assert_eq!(entry(slug)["outcome"], "already_done");
    }
    assert_eq!(entry("Known")["notes"], json!([]));
    assert_eq!(entry("Lost")["notes"], json!(["the database has no such plugin, and a short record names no version"]));
}

both!(what_else_lies_in_the_folder_is_told_and_stays);
async fn what_else_lies_in_the_folder_is_told_and_stays(app: TestApp) {
    app.server.stop_gracefully();
    let root = app.home.plugins_dir();
    let old = OldTree::new(&root);
    old.releases("A", &["1.0.0"]).records(&format!("user_{}", user_id(1)), &json!({"A": long("A", "1.0.0")}));
    let lists = ["manifest.json", "cache/version_registry.json"];
    let others = ["notes.txt", "for-all/plugin.json", "d66ca7d9000000000000000000000001/Own/plugin.json"];
    for path in lists.iter().chain(&others) {
        old.file(path, "{}");
    }
    fs::create_dir_all(root.join("backups/of-somebody")).unwrap();
    let applied = report(&migrate(&app, &["--apply"]).done());
    let files: Vec<(&str, &str)> = applied["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["kind"] == "file")
        .map(|item| (item["source"].as_str().unwrap(), item["outcome"].as_str().unwrap()))
        .collect();
    let expected = ["d66ca7d9000000000000000000000001", "for-all", "manifest.json", "notes.txt", "cache/version_registry.json"];
    assert_eq!(files, expected.map(|source| (source, "skipped")));
    for list in lists {
        assert!(item(&applied, list)["reason"].as_str().unwrap().contains("a list of an older system"));
    }
    assert!(item(&applied, "for-all")["reason"].as_str().unwrap().contains("`import plugins`"));
    for path in lists.iter().chain(&others) {
        assert_eq!(fs::read_to_string(root.join(path)).unwrap(), "{}", "{path}");
    }
}

both!(values_go_to_the_module_that_declares_them);
async fn values_go_to_the_module_that_declares_them(app: TestApp) {
    app.server.stop_gracefully();
    let fields = json!({"refresh": {"type": "number", "default": 10}});
    let release = package("Demo", "1.0.0").module("other").module_with(json!({"id": "main", "name": "Main", "configFields": fields}));
    let old = OldTree::new(&app.home.plugins_dir());
    old.release("Demo", "v1.0.0", &release).records(&format!("user_{}", user_id(1)), &json!({"Demo": long("Demo", "1.0.0")}));
    migrate(&app, &["--apply"]).done();
    let values = app.database.values(
        "SELECT p.config || ' ' || m.id || ' ' || m.config AS value FROM plugins p JOIN modules m ON m.plugin_id = p.id ORDER BY m.id",
    );
    assert_eq!(values, ["{} main {\"refresh\":30}", "{} other {}"]);
}

both!(folders_in_shared_are_taken_over_in_place);
async fn folders_in_shared_are_taken_over_in_place(app: TestApp) {
    let admin = app.admin().await;
    admin.publish(package("Known", "1.0.0").zip(), "").await.expect(201);
    app.server.stop_gracefully();
    let root = app.home.plugins_dir();
    let old = OldTree::new(&root);
    // What the manifest calls itself does not count: the folder has a name already.
    old.release("Demo", "v1.0.0", &package("another-id", "1.0").module("m"));
    old.release("Demo", "v1.1", &package("Demo", "1.1").module("m"));
    old.release("Demo", "vv1.2.0", &package("Demo", "v1.2.0").module("m"));
    old.release("demo", "v3.0.0", &package("demo", "3.0.0"));
    let before = tree(&root.join("shared"));
    let output = migrate(&app, &["--apply"]);
    assert_eq!(output.status, 1);
    let report = report(&output);
    for (source, outcome) in [
        ("shared/Demo/v1.0.0", "done"),
        ("shared/Demo/v1.1", "done"),
        ("shared/Demo/vv1.2.0", "done"),
        ("shared/Known/v1.0.0", "already_done"),
        ("shared/demo/v3.0.0", "failed"),
    ] {
        assert_eq!(item(&report, source)["outcome"], outcome, "{source}");
    }
    let after = tree(&root.join("shared"));
    for (path, content) in &before {
        assert_eq!(&after[path], content, "{path} was touched");
    }
    let rows = app.database.values("SELECT slug || ' ' || version AS value FROM releases ORDER BY slug, version");
    assert_eq!(rows, ["Demo 1.0.0", "Demo 1.1.0", "Demo 1.2.0", "Known 1.0.0"]);
    app.assert_no_leftovers();
    let again = super::report(&migrate(&app, &["--apply"]));
    for source in ["shared/Demo/v1.0.0", "shared/Demo/v1.1", "shared/Demo/vv1.2.0"] {
        assert_eq!(item(&again, source)["outcome"], "already_done", "{source}");
    }
    app.server.restart();
    admin.post("/api/v1/plugins/Demo/install").json(json!({"version": "1.2.0"})).await.expect(200);
    admin.get("/api/v1/plugins/Demo/dist/index.js").await.expect(200);
}

both!(a_user_whose_id_is_written_with_dashes_gets_one_file);
async fn a_user_whose_id_is_written_with_dashes_gets_one_file(app: TestApp) {
    app.server.stop_gracefully();
    let id = user_id(7);
    let dashed = uuid::Uuid::parse_str(&id).unwrap().hyphenated().to_string();
    let root = app.home.plugins_dir();
    let old = OldTree::new(&root);
    old.releases("A", &["1.0.0", "2.0.0"]).releases("B", &["1.0.0"]);
    old.records(&format!("user_{id}"), &json!({"A": long("A", "2.0.0")}));
    old.records(&format!("user_{dashed}"), &json!({"A": long("A", "1.0.0"), "B": long("B", "1.0.0"), "C": long("C", "latest")}));
    let before = tree(&root.join("users"));
    let output = migrate(&app, &["--apply"]);
    assert_eq!(output.status, 1);
    let first = report(&output);
    let note = item(&first, &format!("users/user_{dashed}/installed_plugins.json#/A"))["notes"][0].as_str().unwrap().to_owned();
    assert!(note.contains("\"version\":\"1.0.0\""), "{note}");
    assert_eq!(records_of(&app, &format!("user_{id}")), json!({"A": short(), "B": short()}));
    assert_eq!(records_of(&app, &format!("user_{dashed}")), json!({"C": long("C", "latest")}));
    assert_eq!(app.database.values("SELECT plugin_slug || version AS value FROM plugins ORDER BY 1"), ["A2.0.0", "B1.0.0"]);
    let after = tree(&root);
    assert_eq!(migrate(&app, &["--apply"]).status, 1);
    assert_eq!(tree(&root), after);

    let undone = migrate(&app, &["--undo", first["backup"].as_str().unwrap()]).done();
    report(&undone);
    assert_eq!(tree(&root.join("users")), before);
}

both!(undoing_puts_every_byte_back_and_can_be_undone);
async fn undoing_puts_every_byte_back_and_can_be_undone(app: TestApp) {
    app.server.stop_gracefully();
    let root = app.home.plugins_dir();
    let old = OldTree::new(&root);
    old.releases("A", &["1.0.0"]);
    for number in 0..5 {
        old.raw_records(&format!("user_{}", user_id(number)), format!(" {{\"A\" :{} }} ", long("A", "1.0.0")));
    }
    // This one has a file under another name alone, so its own file is made.
    let dashed = uuid::Uuid::parse_str(&user_id(9)).unwrap().hyphenated().to_string();
    old.records(&format!("user_{dashed}"), &json!({"A": long("A", "1.0.0")}));
    let before = tree(&root.join("users"));
    let backup = report(&migrate(&app, &["--apply"]).done())["backup"].as_str().unwrap().to_owned();
    let short = tree(&root.join("users"));
    assert_ne!(short, before);

    let undone = report(&migrate(&app, &["--undo", &backup]).done());
    assert_eq!(tree(&root.join("users")), before);
    assert_eq!(undone["mode"], "undo");
    let again = report(&migrate(&app, &["--undo", &backup]).done());
    assert_eq!((&again["backup"], &again["counts"]["record_file"]["already_done"]), (&json!(null), &json!(7)));
    migrate(&app, &["--undo", undone["backup"].as_str().unwrap()]).done();
    assert_eq!(tree(&root.join("users")), short);

    // After undoing, applying does the same again, and rows are met as what they are.
    migrate(&app, &["--undo", &backup]).done();
    let applied = report(&migrate(&app, &["--apply"]).done());
    assert_eq!(applied["items"].as_array().unwrap().iter().filter(|item| item["notes"] != json!([])).count(), 0, "{applied:#}");
    assert_eq!(tree(&root.join("users")), short);
    for wrong in ["records-none", "../users", "/"] {
        assert_eq!(migrate(&app, &["--undo", wrong]).status, 1, "{wrong}");
    }
}

both!(the_report_for_people_is_short);
async fn the_report_for_people_is_short(app: TestApp) {
    let old = OldTree::new(&app.home.plugins_dir());
    old.releases("A", &["1.0.0"]).records(&format!("user_{}", user_id(1)), &json!({"A": long("A", "1.0.0"), "B": 1}));
    let folder = app.home.plugins_dir().display().to_string();
    let output = app.local().run(&["migrate-records", &folder]);
    assert_eq!((output.status, output.stderr.as_str()), (1, ""));
    insta::assert_snapshot!(output.stdout, @"
    migrate-records: dry run, nothing was written; --apply does what is said to be done
    OBJECT       DONE  ALREADY DONE  SKIPPED  FAILED
    user         1     0             0        0
    record file  1     0             0        0
    record       1     0             0        1
    release      1     0             0        0
    needs attention:
      failed: record users/user_000000000000d66ca7d9000000000001/installed_plugins.json#/B: is not an object
    ");
}
