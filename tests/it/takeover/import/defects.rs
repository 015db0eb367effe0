//! What real databases hold.

use serde_json::{Value, json};

use super::source::{Source, dashed, plugin_json, user_id};
use crate::support::TestApp;

both!(every_known_defect_is_taken_over_or_told);
async fn every_known_defect_is_taken_over_or_told(app: TestApp) {
    app.server.kill9();
    let source = Source::new(&app);
    let [ann, gone] = [user_id(1), user_id(9)];
    source.user(&ann, "admin", "ann's old password");
    source.user(&dashed(&ann), "twice", "another password");
    source.user("no-uuid", "nobody", "password of nobody");
    source.row("users", &[("id", Some(&user_id(2))), ("username", Some("bad\u{1}name")), ("hashed_password", Some("plain text"))]);
    source.bundle("shared/random-color-v2/vv2.0.0", "// colours\n");
    let long = format!("{ann}_{}", "x".repeat(90));
    source.plugin_row(&format!("{ann}_randomcolorv2"), &dashed(&ann), "random-color-v2", "v2.0.0", &[]);
    source.plugin_row(&long, &ann, &"x".repeat(90), "1.0.0", &[("enabled", Some("True"))]);
    source.plugin_row("bare", &ann, "", "1.0.0", &[("plugin_slug", None)]);
    source.plugin_row("broken-json", &ann, "Broken", "1.0.0", &[("config_fields", Some("{oops")), ("official", Some("perhaps"))]);
    source.plugin_row("older", &ann, "Twice", "1.0.0", &[("updated_at", Some("2024-01-01 00:00:00")), ("favourite", Some("old"))]);
    source.plugin_row("newer", &ann, "Twice", "1.1.0", &[]);
    source.plugin_row("unversioned", &ann, "Unversioned", "latest", &[]);
    source.plugin_row("server", &ann, "Server", "1.0.0", &[("endpoints_file", Some("endpoints.py"))]);
    source.plugin_row("orphan", &gone, "Orphan", "1.0.0", &[]);
    source.module_row("m", "broken-json", &ann, &[("props", Some("[1")), ("enabled", Some("false"))]);
    let overlong = "m".repeat(101);
    source.module_row(&overlong, "broken-json", &ann, &[]);
    source.module_row("lonely", &format!("{ann}_Vanished"), &ann, &[]);
    source.module_row("of-server", "server", &ann, &[]);

    let applied = app.import_database(&source);
    assert_eq!(applied.output.status, 1, "some failed");
    assert_eq!(applied.outcome("user", "users/no-uuid"), "failed");
    let twins = [applied.outcome("user", &format!("users/{ann}")), applied.outcome("user", &format!("users/{}", dashed(&ann)))];
    assert!(twins.contains(&"done") && twins.contains(&"skipped"), "{twins:?}");
    let said = applied.said("user", &format!("users/{}", user_id(2)));
    assert!(said.contains("called by its id") && said.contains("has to be set anew"), "{said}");
    for (id, why) in
        [("unversioned", "latest"), ("server", "not carried over"), ("orphan", "--keep-orphans"), ("older", "kept in its record")]
    {
        let said = applied.said("plugin", &format!("plugin/{id}"));
        assert!(said.contains(why), "{said}");
    }
    assert!(applied.said("module", "module/lonely").contains("--keep-orphans"));
    assert_eq!(applied.outcome("module", "module/of-server"), "skipped");
    assert_eq!(applied.outcome("module", &format!("module/{overlong}")), "failed");
    assert!(applied.said("module", &format!("module/{overlong}")).contains("more than 100 characters; it is kept in the record"));
    assert!(applied.said("plugin", "plugin/broken-json").contains("/config_fields cannot be read"), "{:#}", applied.report);

    let orphans = ["braindrive", "--database", &source.database.url, "--plugins", &source.folder(), "--keep-orphans", "--apply"];
    let kept = app.import(&orphans);
    assert_eq!((kept.outcome("plugin", "plugin/orphan"), kept.outcome("module", "module/lonely")), ("done", "done"));
    assert_eq!(kept.outcome("plugin", "plugin/newer"), "already_done");
    assert_eq!(kept.outcome("module", &format!("module/{overlong}")), "failed", "as it was");

    app.server.restart();
    let admin = app.admin().await;
    let of = |user: &str, rest: &str| format!("/api/v1/users/{user}/plugins{rest}");
    let listed = admin.get(&of(&ann, "")).await.expect(200).json();
    let slugs: Vec<&str> = listed["items"].as_array().unwrap().iter().map(|item| item["slug"].as_str().unwrap()).collect();
    assert_eq!(slugs, ["Broken", "Twice", "Vanished", "bare", "random-color-v2", &"x".repeat(90)]);
    let vanished = listed["items"].as_array().unwrap().iter().find(|item| item["slug"] == "Vanished").unwrap();
    assert_eq!(vanished["enabled"], false);
    let ids = app.database.values("SELECT id AS value FROM plugins ORDER BY id");
    for id in [&long, "bare", "broken-json", "newer", "orphan", &format!("{ann}_randomcolorv2"), &format!("{ann}_Vanished")] {
        assert!(ids.iter().any(|known| known == id), "{id} in {ids:?}");
    }
    let record = |slug: &str| -> Value {
        let file = app.home.plugins_dir().join(format!("users/user_{ann}/installed_plugins.json"));
        let entries: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        entries[slug]["installation_metadata"].clone()
    };
    let mut unreadable = record("Broken")["unreadable"].clone();
    let module = unreadable.as_object_mut().unwrap().remove("/modules/1").unwrap();
    assert_eq!((&module["id"], &module["props"]), (&json!(overlong), &json!(r#"{"colour":"red"}"#)));
    assert_eq!(unreadable, json!({"/config_fields": "{oops", "/official": "perhaps", "/modules/0/props": "[1"}));
    assert_eq!(record("Twice")["other_rows"][0]["favourite"], "old");
    assert_eq!(record("random-color-v2")["original_version"], "v2.0.0");
    let modules = app.database.values("SELECT id || ' ' || CAST(enabled AS TEXT) AS value FROM modules WHERE plugin_id = 'broken-json'");
    assert!(modules[0].starts_with("m ") && (modules[0].ends_with('0') || modules[0].ends_with("false")), "{modules:?}");
}

both!(names_that_are_taken_do_not_keep_accounts_away);
async fn names_that_are_taken_do_not_keep_accounts_away(app: TestApp) {
    app.server.kill9();
    let source = Source::new(&app);
    source.user(&user_id(1), "ADMIN", "one old password");
    let applied = app.import_database(&source).clean();
    assert!(
        applied.said("user", &format!("users/{}", user_id(1))).contains("called admin")
            || applied.said("user", &format!("users/{}", user_id(1))).contains("called ADMIN")
    );
    app.import_database(&source).clean().assert_nothing_done();
    app.server.restart();
    let user = app.anonymous().log_in("ADMIN@old.example", "one old password").await;
    assert_eq!(user.get("/api/v1/auth/me").await.expect(200).json()["username"], user_id(1));
}

both!(an_account_of_nothing_but_an_id_is_completed);
async fn an_account_of_nothing_but_an_id_is_completed(app: TestApp) {
    app.server.kill9();
    let source = Source::new(&app);
    source.plugin(&format!("{}/Demo", user_id(1)), &plugin_json("Demo", "1.0.0"), "// mine\n");
    app.import_folder(&source).clean();
    source.user(&user_id(1), "ann", "ann's old password");
    assert_eq!(app.import_database(&source).clean().outcome("user", &format!("users/{}", user_id(1))), "done");
    app.import_database(&source).clean().assert_nothing_done();
    app.server.restart();
    let ann = app.anonymous().log_in("ann", "ann's old password").await;
    assert_eq!(ann.get("/api/v1/plugins/Demo/dist/remoteEntry.js").await.expect(200).text(), "// mine\n");
}

both!(ids_of_modules_that_name_their_owner_stay);
async fn ids_of_modules_that_name_their_owner_stay(app: TestApp) {
    app.server.kill9();
    let source = Source::new(&app);
    source.bundle("shared/Demo/v1.0.0", "// demo\n");
    for n in [1, 2] {
        let (user, name) = (user_id(n), format!("user{n}"));
        source.user(&user, &name, "an old password");
        source.plugin_row(&format!("{user}_Demo"), &user, "Demo", "1.0.0", &[]);
        source.module_row(&format!("{user}_Demo_Main"), &format!("{user}_Demo"), &user, &[]);
    }
    app.import_database(&source).clean();
    app.server.restart();
    let release = app.admin().await.get("/api/v1/releases/Demo/1.0.0").await.expect(200).json();
    assert_eq!(release["manifest"]["modules"][0]["id"], "Main", "the release's modules are nobody's");
    for n in [1, 2] {
        let user = app.anonymous().log_in(&format!("user{n}"), "an old password").await;
        let manifest = user.get("/api/v1/plugins/manifest/designer").await.expect(200).json();
        let modules = manifest["Demo"]["modules"].as_array().unwrap().clone();
        assert_eq!(modules.len(), 1, "{modules:?}");
        assert_eq!(modules[0]["id"], format!("{}_Demo_Main", user_id(n)));
    }
}
