//! A BrainDrive database with its plugins folder.

use serde_json::{Value, json};

use super::{
    source::{Source, dashed, plugin_json, user_id},
    target::everything,
};
use crate::support::{TestApp, tree::tree};

const SHARED: &str = "shared/Review/v1.2.0";

/// Two users of one shared release, one of them an administrator, and what they made of it.
fn installation(source: &Source) -> [String; 2] {
    let [ann, ben] = [user_id(1), user_id(2)];
    source.user(&ann, "ann", "ann's old password");
    source.user(&dashed(&ben), "ben", "ben's old password");
    source.row("user_roles", &[("id", Some("1")), ("user_id", Some(&dashed(&ann))), ("role", Some("admin"))]);
    source.row("tenant_users", &[("id", Some("1")), ("user_id", Some(&ben)), ("role", Some("member"))]);
    source.bundle(SHARED, "// shared\n");
    let config = r#"{"speed":{"type":"number","default":5}}"#;
    source.plugin_row(&format!("{ann}_Review"), &ann, "Review", "1.2.0", &[]);
    source.plugin_row("ben-review-id-of-old", &ben, "Review", "1.2.0", &[("enabled", Some("false")), ("config_fields", Some(config))]);
    source.plugin_row(&format!("{ann}_Lost"), &ann, "Lost", "2.0", &[("latest_version", Some("2.1"))]);
    source.module_row("main", &format!("{ann}_Review"), &ann, &[]);
    // A third one, so that what most of them have is what the release has.
    let eve = user_id(3);
    source.user(&eve, "eve", "eve's old password");
    source.plugin_row(&format!("{eve}_Review"), &eve, "Review", "1.2.0", &[]);
    source.module_row("main", &format!("{eve}_Review"), &eve, &[]);
    // A fourth without the module that the others have.
    let dan = user_id(4);
    source.user(&dan, "dan", "dan's old password");
    source.plugin_row(&format!("{dan}_Review"), &dan, "Review", "1.2.0", &[]);
    let layout = r#"{"minWidth":9}"#;
    let refresh = r#"{"refresh":{"type":"number","default":77}}"#;
    source.module_row(
        "main",
        "ben-review-id-of-old",
        &ben,
        &[("layout", Some(layout)), ("config_fields", Some(refresh)), ("enabled", Some("0"))],
    );
    let record = json!({"Review": {
        "version": "1.1.9", "shared_path": "/srv/plugins/shared/Review/v1.2.0", "installed_at": "2025-06-10T07:30:00", "enabled": true,
        "user_config": {"refresh": 30}, "previous_version": "1.1.0", "updated_at": "2025-07-01T10:00:00",
        "installation_metadata": {
            "installation_type": "production", "installed_by": "lifecycle_service", "source_url": "https://example.org/file",
        },
    }});
    // One that knows neither a time nor a type says nothing about them.
    source.file(&format!("users/user_{eve}/installed_plugins.json"), json!({"Review": {"enabled": false}}).to_string());
    source.file(&format!("users/user_{ann}/installed_plugins.json"), record.to_string());
    source.row(
        "plugin_states",
        &[
            ("id", Some("d66ca7d9-d829-4281-b565-b9aa8b02a9f1")),
            ("user_id", Some(&ann)),
            ("plugin_id", Some(&format!("{ann}_Review"))),
            ("state_data", Some(r#"{"a":1}"#)),
            ("is_active", Some("1")),
            ("updated_at", Some("2025-03-04 05:06:07")),
        ],
    );
    [ann, ben]
}

both!(accounts_plugins_modules_and_records_come_over);
async fn accounts_plugins_modules_and_records_come_over(app: TestApp) {
    app.server.kill9();
    let source = Source::new(&app);
    let [ann_id, ben_id] = installation(&source);
    let before = source.snapshot();
    let dry = app.import(&["braindrive", "--database", &source.database.url, "--plugins", &source.folder()]).clean();
    let applied = app.import_database(&source).clean();
    assert_eq!(dry.report["items"], applied.report["items"], "a dry run says what will happen");
    assert_eq!(source.snapshot(), before, "sources stay as they are");
    assert_eq!(applied.item("user", &format!("users/{}", dashed(&ben_id)))["target"], format!("user {ben_id}"));
    let said = applied.said("record", &format!("users/user_{ann_id}/installed_plugins.json#/Review"));
    for told in [
        "version is 1.2.0 in the database; the file said 1.1.9",
        "the time of the last change is 2025-03-05T05:06:07Z in the database; the file said 2025-07-01T10:00:00Z",
        "the time of installation is 2025-03-04T05:06:07.123Z in the database; the file said 2025-06-10T07:30:00Z",
        "installation_type is remote in the database; the file said production",
        "source_url is https://example.org/old in the database; the file said https://example.org/file",
    ] {
        assert!(said.contains(told), "{told} in {said}");
    }
    let of_eve = applied.item("record", &format!("users/user_{}/installed_plugins.json#/Review", user_id(3)));
    assert_eq!(of_eve["notes"], json!(["enabled is true in the database; the file said false"]));
    let said = applied.said("plugin", &format!("plugin/{ann_id}_Lost"));
    assert!(said.contains("no files") && said.contains("\\\"2.0\\\""), "{said}");
    assert_eq!(applied.outcome("state", "plugin_states/d66ca7d9-d829-4281-b565-b9aa8b02a9f1"), "done");

    let stored = everything(&app.database, app.db, &app.home);
    app.import_database(&source).clean().assert_nothing_done();
    assert_eq!(everything(&app.database, app.db, &app.home), stored, "the second run changes nothing");
    app.local().run(&["doctor"]).done();

    // Old passwords work and are stored anew.
    app.server.restart();
    let hash = format!("SELECT password_hash AS value FROM users WHERE id = '{ann_id}'");
    assert!(app.database.values(&hash)[0].starts_with("$2b$"));
    let ann = app.anonymous().log_in("ann@old.example", "ann's old password").await;
    let ben = app.anonymous().log_in("ben", "ben's old password").await;
    assert!(app.database.values(&hash)[0].starts_with("$argon2id$"));
    assert_eq!((ann.user_id.as_str(), ben.user_id.as_str()), (ann_id.as_str(), ben_id.as_str()));
    let me = ann.get("/api/v1/auth/me").await.expect(200).json();
    assert_eq!((&me["role"], &me["is_verified"]), (&json!("admin"), &json!(false)));
    assert_eq!(ben.get("/api/v1/auth/me").await.expect(200).json()["role"], "user");

    // A frontend loads the bundle, and finds ids and values where page content refers to them.
    let manifest = ann.get("/api/v1/plugins/manifest/designer").await.expect(200).json();
    let entry = manifest["Review"]["entry_url"].as_str().unwrap();
    assert_eq!(app.anonymous().get(entry).await.expect(200).text(), "// shared\n");
    assert_eq!(manifest["Review"]["modules"][0]["id"], "main");
    assert_eq!(manifest["Review"]["sourceUrl"], "https://example.org/old", "without the password");
    assert_eq!(manifest["Lost"]["bundlelocation"], "dist/remoteEntry.js", "kept for whoever brings the files");
    assert_eq!(manifest["Lost"]["version"], "2.0.0");
    let config = ann.get("/api/v1/plugins/Review/modules/main/config").await.expect(200).json();
    assert_eq!(config["own"], json!({"refresh": 30}), "the record's values belong to the module that knows them");
    let history = ann.get("/api/v1/plugins/Review/versions").await.expect(200).json();
    let versions: Vec<_> = history["items"].as_array().unwrap().iter().map(|entry| entry["version"].clone()).collect();
    assert!(versions.contains(&json!("1.1.0")) && versions.contains(&json!("1.2.0")), "{versions:?}");
    let record = ann.get("/api/v1/plugins/Review/status").await.expect(200).json()["data"]["installation_metadata"].clone();
    assert_eq!((&record["installed_by"], &record["installed_at"]), (&json!("lifecycle_service"), &json!("2025-06-10T07:30:00Z")));
    assert_eq!((&record["installation_type"], &record["source_url"]), (&json!("remote"), &json!("https://example.org/old")));
    let eves: Value = serde_json::from_slice(
        &std::fs::read(app.home.plugins_dir().join(format!("users/user_{}/installed_plugins.json", user_id(3)))).unwrap(),
    )
    .unwrap();
    assert_eq!(eves["Review"]["installation_metadata"]["installed_at"], "2025-03-04T05:06:07.123Z", "that of the row");
    let record = ann.get("/api/v1/plugins/Lost/status").await.expect(200).json()["data"]["installation_metadata"].clone();
    assert_eq!((&record["imported"]["latest_version"], &record["original_version"]), (&json!("2.1"), &json!("2.0")));

    // What differs for one user differs for that user alone.
    assert_eq!(ben.get("/api/v1/plugins/manifest").await.expect(200).json(), json!({}), "disabled");
    ben.patch("/api/v1/plugins/ben-review-id-of-old").json(json!({"enabled": true})).await.expect(200);
    let module = ben.get("/api/v1/plugins/ben-review-id-of-old/modules").await.expect(200).json()["modules"][0].clone();
    assert_eq!((&module["layout"], &module["enabled"]), (&json!({"minWidth": 9}), &json!(false)));
    let config = ben.get("/api/v1/plugins/Review/modules/main/config").await.expect(200).json();
    assert_eq!(config["own"], json!({"refresh": 77}));
    assert_eq!(ben.get("/api/v1/plugins/Review/config").await.expect(200).json()["own"], json!({"speed": 5}));
    assert_eq!(manifest["Review"]["modules"][0]["layout"], json!({"minWidth": 2}));
}

both!(accounts_come_over_as_they_were);
async fn accounts_come_over_as_they_were(app: TestApp) {
    app.server.kill9();
    let source = Source::new(&app);
    let [ann, ben] = [user_id(1), user_id(2)];
    source.user(&ann, "ann", "ann's old password");
    source.user(&ben, "ben", "ben's old password");
    source.database.execute(&format!(
        "UPDATE users SET is_active = '0', is_verified = '1', full_name = 'Ann of Old', profile_picture = 'https://old.example/ann.png' \
         WHERE id = '{ann}'"
    ));
    source.row("tenant_users", &[("id", Some("1")), ("tenant_id", Some("t")), ("user_id", Some(&ben)), ("role", Some("admin"))]);
    app.import_database(&source).clean();
    app.server.restart();
    let login = json!({"email": "ann", "password": "ann's old password"});
    app.anonymous().post("/api/v1/auth/login").json(&login).await.expect(401);
    let ben = app.anonymous().log_in("ben", "ben's old password").await;
    let account = format!("/api/v1/users/{ann}");
    let of_ann = ben.get(&account).await.expect(200).json();
    for (name, value) in [
        ("username", json!("ann")),
        ("email", json!("ann@old.example")),
        ("full_name", json!("Ann of Old")),
        ("profile_picture", json!("https://old.example/ann.png")),
        ("role", json!("user")),
        ("is_active", json!(false)),
        ("is_verified", json!(true)),
    ] {
        assert_eq!(of_ann[name], value, "{name} of {of_ann}");
    }
    let me = ben.get("/api/v1/auth/me").await.expect(200).json();
    assert_eq!((&me["role"], &me["is_active"], &me["full_name"]), (&json!("admin"), &json!(true), &Value::Null));
    ben.patch(&account).json(json!({"is_active": true})).await.expect(200);
    app.anonymous().log_in("ann", "ann's old password").await.get("/api/v1/auth/me").await.expect(200);
}

both!(what_installers_wrote_beside_the_files_is_kept_or_told);
async fn what_installers_wrote_beside_the_files_is_kept_or_told(app: TestApp) {
    app.server.kill9();
    let source = Source::new(&app);
    let ann = user_id(1);
    source.user(&ann, "ann", "ann's old password");
    source.plugin_row(&format!("{ann}_Own"), &ann, "Own", "1.0.0", &[("config_fields", Some("{oops"))]);
    source.plugin_row(&format!("{ann}_Common"), &ann, "Common", "1.0.0", &[]);
    source.bundle("shared/Common/v1.0.0", "// shared\n");
    source.file("shared/Common/v1.0.0/plugin_metadata.json", "{oops");
    let own = format!("{ann}/Own");
    let unused = format!("{ann}/Unused");
    for (folder, slug) in [(&own, "Own"), (&unused, "Unused")] {
        source.plugin(folder, &plugin_json(slug, "1.0.0"), "// own\n");
        let noted = json!({
            "plugin_data": {"author": "a file", "enabled": 0, "official": "perhaps"}, "module_data": [], "installed_for_user": ann,
            "installed_at": "2025-05-05T05:05:05",
        });
        source.file(&format!("{folder}/plugin_metadata.json"), noted.to_string());
    }
    let applied = app.import_database(&source);
    let of = |folder: &str| applied.item("record", &format!("{folder}/plugin_metadata.json"));
    assert_eq!((&of(&own)["outcome"], &of(&own)["target"]), (&json!("done"), &json!(format!("record {ann} Own"))));
    let told = of(&own)["notes"].to_string();
    for said in ["the file says author \\\"a file\\\", the database null", "the file says enabled false, the database true"] {
        assert!(told.contains(said), "{said} in {told}");
    }
    assert_eq!((&of(&unused)["outcome"], &of(&unused)["reason"]), (&json!("skipped"), &json!("the folder is installed for nobody")));
    assert_eq!(of("shared/Common/v1.0.0")["outcome"], "failed", "{:#}", applied.report);
    assert_eq!(applied.outcome("plugin", &format!("plugin/{ann}_Common")), "done");
    let again = app.import_database(&source);
    again.assert_nothing_done();
    assert_eq!(again.outcome("record", "shared/Common/v1.0.0/plugin_metadata.json"), "failed", "as it was");

    app.server.restart();
    let ann = app.anonymous().log_in("ann", "ann's old password").await;
    let record = ann.get("/api/v1/plugins/Own/status").await.expect(200).json()["data"]["installation_metadata"].clone();
    assert_eq!(record["installer_metadata"], json!({"installed_for_user": ann.user_id, "installed_at": "2025-05-05T05:05:05"}));
    assert_eq!(
        (&record["unreadable"], &record["installer_unreadable"]),
        (&json!({"/config_fields": "{oops"}), &json!({"/official": "perhaps"}))
    );
}

both!(of_two_files_of_records_of_one_user_the_one_without_dashes_counts);
async fn of_two_files_of_records_of_one_user_the_one_without_dashes_counts(app: TestApp) {
    app.server.kill9();
    let source = Source::new(&app);
    let ann = user_id(1);
    source.user(&ann, "ann", "ann's old password");
    source.plugin_row(&format!("{ann}_Demo"), &ann, "Demo", "1.0.0", &[]);
    let file = |folder: &str| format!("users/user_{folder}/installed_plugins.json");
    for (folder, version, by) in [(&ann, "1.0.0", "the first"), (&dashed(&ann), "0.9.0", "the second")] {
        let entry = json!({
            "version": version, "installed_at": "2025-06-10T07:30:00", "user_config": {"key": "sk-secret"},
            "installation_metadata": {"installed_by": by, "source_url": "https://bob:hunter2@example.com/x"},
        });
        source.file(&file(folder), json!({"Demo": entry}).to_string());
    }
    let applied = app.import_database(&source).clean();
    let entry = |folder: &str| applied.item("record", &format!("{}#/Demo", file(folder)));
    assert_eq!(entry(&ann)["outcome"], "done");
    assert_eq!(entry(&dashed(&ann))["outcome"], "skipped");
    let why = entry(&dashed(&ann))["reason"].as_str().unwrap();
    assert!(why.starts_with(&file(&ann)) && why.contains("0.9.0") && why.contains("the second"), "{why}");
    assert!(why.contains("//example.com/x") && !why.contains("hunter2") && !why.contains("sk-secret"), "{why}");
    app.server.restart();
    let ann = app.anonymous().log_in("ann", "ann's old password").await;
    let status = ann.get("/api/v1/plugins/Demo/status").await.expect(200).json();
    assert_eq!(status["data"]["installation_metadata"]["installed_by"], "the first");
}

both!(a_plugin_that_only_a_record_names_comes_over_when_its_files_are_there);
async fn a_plugin_that_only_a_record_names_comes_over_when_its_files_are_there(app: TestApp) {
    app.server.kill9();
    let source = Source::new(&app);
    let [ann, nobody] = [user_id(1), user_id(7)];
    source.user(&ann, "ann", "ann's old password");
    source.plugin_row("unversioned", &ann, "Unversioned", "latest", &[]);
    for (folder, slug) in [("shared/Extra/v1.0.0", "Extra"), ("shared/Unversioned/v1.0.0", "Unversioned")] {
        source.plugin(folder, &plugin_json(slug, "1.0.0"), "// extra\n");
    }
    let entry = |version: &str| {
        json!({
            "version": version, "installed_at": "2025-06-10T07:30:00", "enabled": false, "user_config": {"refresh": 30},
            "updated_at": "2025-07-01T10:00:00", "installation_metadata": {"installed_by": "lifecycle_service"},
        })
    };
    let file = |user: &str| format!("users/user_{user}/installed_plugins.json");
    // Without files it becomes no plugin, and keeps nobody from the name.
    source.file(&file(&user_id(0)), json!({"extra": entry("9.0.0")}).to_string());
    let short = json!({"installation_metadata": {
        "installation_type": "production", "source_url": null, "installed_by": "x", "installed_at": "2025-06-10T07:30:00Z",
    }});
    let of_ann = json!({"Extra": entry("v1.0"), "Gone": entry("1.0.0"), "Unversioned": entry("1.0.0"), "Short": short});
    source.file(&file(&ann), of_ann.to_string());
    source.file(&file(&nobody), json!({"Extra": entry("1.0.0")}).to_string());

    let dry = app.import(&["braindrive", "--database", &source.database.url, "--plugins", &source.folder()]);
    let applied = app.import_database(&source);
    assert_eq!(dry.report["items"], applied.report["items"], "a dry run says what will happen");
    for user in [&ann, &nobody] {
        let of_extra = format!("{}#/Extra", file(user));
        let plugin = applied.item("plugin", &of_extra);
        assert_eq!((&plugin["outcome"], &plugin["target"]), (&json!("done"), &json!(format!("plugin {user}_Extra"))));
        assert_eq!(applied.outcome("record", &of_extra), "done");
    }
    assert!(applied.said("user", &format!("{}#/Extra", file(&nobody))).contains("inactive"));
    for (slug, why) in
        [("Gone", "no files of Gone 1.0.0"), ("Unversioned", "its plugin was not taken over"), ("Short", "a short record names no version")]
    {
        let said = applied.item("record", &format!("{}#/{slug}", file(&ann)));
        assert!(said["outcome"] == "skipped" && said["reason"].as_str().unwrap().contains(why), "{said:#}");
    }
    let rows = app.database.values(
        "SELECT user_id || ' ' || plugin_slug || ' ' || version || ' ' || created_at || ' ' || updated_at AS value FROM plugins ORDER BY 1",
    );
    assert_eq!(rows, [&ann, &nobody].map(|user| format!("{user} Extra 1.0.0 1749540600000 1751364000000")));
    let stored = everything(&app.database, app.db, &app.home);
    app.import_database(&source).assert_nothing_done();
    assert_eq!(everything(&app.database, app.db, &app.home), stored, "the second run changes nothing");

    app.server.restart();
    let ann = app.anonymous().log_in("ann", "ann's old password").await;
    let listed = ann.get("/api/v1/plugins").await.expect(200).json();
    assert_eq!((&listed["items"][0]["slug"], &listed["items"][0]["enabled"]), (&json!("Extra"), &json!(false)));
    ann.patch("/api/v1/plugins/Extra").json(json!({"enabled": true})).await.expect(200);
    assert_eq!(ann.get("/api/v1/plugins/Extra/dist/remoteEntry.js").await.expect(200).text(), "// extra\n");
    let config = ann.get("/api/v1/plugins/Extra/modules/main/config").await.expect(200).json();
    assert_eq!(config["own"], json!({"refresh": 30}));
    let record = ann.get("/api/v1/plugins/Extra/status").await.expect(200).json()["data"]["installation_metadata"].clone();
    assert_eq!((&record["installed_by"], &record["original"]["version"]), (&json!("lifecycle_service"), &json!("v1.0")));
}

both!(a_database_in_use_is_read_without_a_trace);
async fn a_database_in_use_is_read_without_a_trace(app: TestApp) {
    app.server.kill9();
    let source = Source::new(&app);
    let id = user_id(1);
    // What a killed BrainDrive leaves: rows that are only in the write-ahead log yet.
    let open = source.database.hold_open("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
    source.user(&id, "ann", "ann's old password");
    let before = tree(std::path::Path::new(&source.folder()).parent().unwrap());
    let dry = app.import(&["braindrive", "--database", &source.database.url, "--plugins", &source.folder()]).clean();
    assert_eq!(dry.outcome("user", &format!("users/{id}")), "done");
    let after = tree(std::path::Path::new(&source.folder()).parent().unwrap());
    let content = |tree: &std::collections::BTreeMap<String, Vec<u8>>| -> Vec<(String, Vec<u8>)> {
        tree.iter().filter(|(name, _)| !name.ends_with("-shm")).map(|(name, content)| (name.clone(), content.clone())).collect()
    };
    assert_eq!(content(&after), content(&before));
    drop(open);
}

both!(what_is_no_such_database_is_refused_before_anything_is_done);
async fn what_is_no_such_database_is_refused_before_anything_is_done(app: TestApp) {
    app.server.kill9();
    let source = Source::new(&app);
    source.file("text.db", "this is no database");
    let run = |database: &str| app.local().run(&["import", "braindrive", "--database", database, "--plugins", &source.folder(), "--apply"]);
    let mut refused =
        vec![run(&format!("{}/text.db", source.folder())), run("/nowhere/at/all.db"), run("postgres://nobody@127.0.0.1:1/nothing")];
    source.database.execute("DROP TABLE plugin");
    refused.push(run(&source.database.url));
    for output in refused {
        assert_eq!(output.status, 2, "{output:?}");
        assert!(output.stderr.contains("the database to import from"), "{output:?}");
        assert_eq!(output.stdout, "");
    }
}
