//! Folders of every form, without a database.

use serde_json::json;

use super::{
    source::{Source, dashed, plugin_json, user_id},
    target::everything,
};
use crate::support::TestApp;

both!(every_form_becomes_releases_installations_and_records);
async fn every_form_becomes_releases_installations_and_records(app: TestApp) {
    let ann = app.user("ann").await;
    app.server.kill9();
    let source = Source::new(&app);
    source.file("manifest.json", r#"{"plugins":[]}"#);
    source.file("export.json", r#"[{"id": "x", "config_fields": "{}", "enabled": 1}]"#);
    source.file("cache/version_registry.json", "{}");
    source.plugin("SomeFolder", &plugin_json("for-all", "1.0"), "// for all\n");
    source.plugin(&format!("{}/any-name", dashed(&ann.user_id)), &plugin_json("Dashed", "v2.1"), "// dashed\n");
    source.plugin(&format!("{}/Hex", ann.user_id), &plugin_json("Hex", "1.0.0"), "// hex\n");
    source.plugin(&format!("{0}/{0}_Prefixed", user_id(1)), &plugin_json("Prefixed", "1.0.0"), "// prefixed\n");
    let note = json!({"source_url": "https://me:secret@example.org/hex", "installed_at": "2025-06-10T07:30:00", "etag": 7});
    source.file(&format!("{0}/.metadata/{0}_Hex_remote.json", ann.user_id), note.to_string());
    source.file(&format!("{}/.metadata/Hex_local.json", ann.user_id), json!({"note": "by hand"}).to_string());
    source.file(&format!("{}/.metadata/Dashed_local.json", ann.user_id), json!({"installed_by": "a developer"}).to_string());
    let metadata = json!({
        "plugin_data": {"id": "x", "plugin_slug": "Noted", "version": "3.0.0", "bundle_location": "dist/remoteEntry.js", "enabled": 0},
        "module_data": [{"id": "m", "name": "M", "enabled": false}], "installed_for_user": user_id(1), "installed_at": "2025-05-05T05:05:05",
    });
    source.bundle(&format!("{}/noted", user_id(1)), "// noted\n");
    source.file(&format!("{}/noted/plugin_metadata.json", user_id(1)), metadata.to_string());
    let before = source.snapshot();

    let dry = app.import(&["plugins", &source.folder()]).clean();
    assert_eq!(dry.report["mode"], "dry_run");
    let applied = app.import_folder(&source).clean();
    assert_eq!(dry.report["items"], applied.report["items"], "a dry run says what will happen");
    assert_eq!(source.snapshot(), before);
    for (source, target) in [("SomeFolder".to_owned(), "release for-all 1.0.0"), (format!("{}/noted", user_id(1)), "release Noted 3.0.0")] {
        assert_eq!(applied.item("release", &source)["target"], target);
    }
    for ignored in ["manifest.json", "export.json", "cache/version_registry.json"] {
        assert_eq!(applied.outcome("file", ignored), "skipped");
    }

    let stored = everything(&app.database, app.db, &app.home);
    let again = app.import_folder(&source).clean();
    again.assert_nothing_done();
    assert_eq!(everything(&app.database, app.db, &app.home), stored, "the second run changes nothing");

    app.server.restart();
    let manifest = ann.get("/api/v1/plugins/manifest").await.expect(200).json();
    assert_eq!(manifest.as_object().unwrap().keys().collect::<Vec<_>>(), ["Dashed", "Hex", "for-all"]);
    assert_eq!(manifest["Dashed"]["version"], "2.1.0");
    assert_eq!(
        (&manifest["Hex"]["sourceUrl"], &manifest["Hex"]["installationType"]),
        (&json!("https://example.org/hex"), &json!("remote"))
    );
    assert_eq!(applied.outcome("record", &format!("{}/.metadata/Dashed_local.json", ann.user_id)), "done");
    let record = ann.get("/api/v1/plugins/Dashed/status").await.expect(200).json()["data"]["installation_metadata"].clone();
    assert_eq!(
        (&record["installation_type"], &record["installed_by"], &record["original_version"]),
        (&json!("local"), &json!("a developer"), &json!("v2.1"))
    );
    let record = ann.get("/api/v1/plugins/Hex/status").await.expect(200).json()["data"]["installation_metadata"].clone();
    assert_eq!(record["installed_at"], "2025-06-10T07:30:00Z");
    // Of two notes none is lost, and the one on an address counts.
    let remote = json!({"source_url": "https://example.org/hex", "installed_at": "2025-06-10T07:30:00", "etag": 7});
    let local = json!({"note": "by hand"});
    assert_eq!((&record["installer"], &record["installer_other"]), (&remote, &local));
    let entry = manifest["for-all"]["entry_url"].as_str().unwrap();
    assert_eq!(app.anonymous().get(entry).await.expect(200).text(), "// for all\n");

    let admin = app.admin().await;
    let other = admin.get(&format!("/api/v1/users/{}", user_id(1))).await.expect(200).json();
    assert_eq!((&other["is_active"], &other["username"]), (&json!(false), &json!(user_id(1))));
    let listed = admin.get(&format!("/api/v1/users/{}/plugins", user_id(1))).await.expect(200).json();
    let listed: Vec<_> = listed["items"].as_array().unwrap().iter().map(|item| (item["slug"].clone(), item["enabled"].clone())).collect();
    assert_eq!(listed, [(json!("Noted"), json!(false)), (json!("Prefixed"), json!(true)), (json!("for-all"), json!(true))]);
    let files = admin.get("/api/v1/releases/Noted/3.0.0/files").await.expect(200).json();
    let paths: Vec<_> = files["items"].as_array().unwrap().iter().map(|file| file["path"].clone()).collect();
    assert_eq!(paths, [json!("dist/chunk.js"), json!("dist/remoteEntry.js")], "an installer's file is no part of the release");
}

both!(what_cannot_be_taken_is_told_and_the_rest_goes_on);
async fn what_cannot_be_taken_is_told_and_the_rest_goes_on(app: TestApp) {
    app.server.kill9();
    let source = Source::new(&app);
    source.plugin("good", &plugin_json("good", "1.0.0"), "// good\n");
    source.plugin("case", &plugin_json("GOOD", "1.0.0"), "// other\n");
    source.plugin("latest", &plugin_json("unversioned", "latest"), "//\n");
    source.plugin("slug", &plugin_json("bad slug", "1.0.0"), "//\n");
    let mut missing = plugin_json("missing", "1.0.0");
    missing["bundlelocation"] = json!("dist/gone.js");
    source.plugin("missing", &missing, "//\n");
    let mut server = plugin_json("server", "1.0.0");
    server["endpointsFile"] = json!("endpoints.py");
    source.plugin("server", &server, "//\n");
    source.file("broken/plugin.json", "{oops");
    for folder in ["npm", &format!("{}/npm", user_id(1))] {
        source
            .file(&format!("{folder}/package.json"), json!({"name": "npm", "version": "1.0.0", "main": "dist/remoteEntry.js"}).to_string());
        source.bundle(folder, "//\n");
    }
    source.file("empty/readme.txt", "nothing");
    source.plugin("linked", &plugin_json("linked", "1.0.0"), "//\n");
    std::os::unix::fs::symlink("/etc/hostname", format!("{}/linked/link.js", source.folder())).unwrap();

    let applied = app.import_folder(&source);
    assert_eq!(applied.output.status, 1);
    for (folder, why) in [
        ("good", "only in case"),
        ("latest", "latest"),
        ("slug", "may only hold"),
        ("missing", "not in the package"),
        ("server", "never does"),
        ("broken", "does not parse"),
        ("linked", "is a link"),
    ] {
        let said = applied.said("release", folder);
        assert!(said.contains(why), "{folder}: {said}");
        assert_eq!(applied.outcome("release", folder), "failed");
    }
    assert_eq!(applied.outcome("file", "empty"), "skipped");
    for folder in ["npm", &format!("{}/npm", user_id(1))] {
        assert!(applied.said("release", folder).contains("npm's names are no slugs"));
        assert_eq!(applied.outcome("release", folder), "skipped");
    }
    assert!(app.database.values("SELECT slug AS value FROM releases WHERE slug = 'npm'").is_empty());
    assert_eq!(applied.item("release", "case")["target"], "release GOOD 1.0.0", "the first spelling wins");
}

both!(an_import_needs_the_folder_for_itself_and_another_source);
async fn an_import_needs_the_folder_for_itself_and_another_source(app: TestApp) {
    let source = Source::new(&app);
    let refused = app.local().run(&["import", "plugins", &source.folder(), "--apply"]);
    assert_eq!(refused.status, 2, "{refused:?}");
    assert!(refused.stderr.contains("another plugyard process uses the plugins folder"), "{refused:?}");
    app.import(&["plugins", &source.folder()]).clean();
    for own in [app.home.plugins_dir(), app.home.path().to_owned(), app.home.plugins_dir().join("shared")] {
        let refused = app.local().run(&["import", "plugins", own.to_str().unwrap()]);
        assert_eq!(refused.status, 2, "{refused:?}");
        assert!(refused.stderr.contains("migrate-records"), "{refused:?}");
    }
    let absent = app.local().run(&["import", "plugins", "/nowhere/at/all"]);
    assert_eq!(absent.status, 2, "{absent:?}");
}
