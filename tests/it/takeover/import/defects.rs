//! What real databases hold.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
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
    assert!(applied.said("plugin", "plugin/broken-json").contains("/config_fields cannot be read"), "{:#}", applied.report);

    let orphans = ["braindrive", "--database", &source.database.url, "--plugins", &source.folder(), "--keep-orphans", "--apply"];
    let kept = app.import(&orphans);
    assert_eq!((kept.outcome("plugin", "plugin/orphan"), kept.outcome("module", "module/lonely")), ("done", "done"));
    assert_eq!(kept.outcome("plugin", "plugin/newer"), "already_done");

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
    assert_eq!(record("Broken")["unreadable"], json!({"/config_fields": "{oops", "/official": "perhaps", "/modules/0/props": "[1"}));
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

both!(states_are_read_and_checked);
async fn states_are_read_and_checked(app: TestApp) {
    app.server.kill9();
    let source = Source::new(&app);
    let ann = user_id(1);
    source.user(&ann, "ann", "ann's old password");
    source.plugin_row("ann-demo", &ann, "Demo", "1.0.0", &[]);
    let packed = |text: &str| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        base64_of(&encoder.finish().unwrap())
    };
    let (good, bomb) = (packed(r#"{"b":2}"#), packed(&" ".repeat(11 * 1024 * 1024)));
    let state = |id: &'static str, key: &'static str, data: &str, other: &[(&str, Option<&str>)]| {
        let mut row = vec![
            ("id", Some(id)),
            ("user_id", Some(ann.as_str())),
            ("plugin_id", Some("ann-demo")),
            ("state_key", Some(key)),
            ("state_data", Some(data)),
            ("is_active", Some("1")),
            ("updated_at", Some("2025-03-04 05:06:07")),
        ];
        for (name, value) in other {
            row.retain(|(known, _)| known != name);
            row.push((name, *value));
        }
        source.row("plugin_states", &row);
    };
    state("one", "k", r#"{"a":1}"#, &[]);
    state("two", "k", &good, &[("compression_type", Some("gzip")), ("updated_at", Some("2025-03-04 05:06:08"))]);
    state("bad", "bad", "{oops", &[]);
    state("bomb", "bomb", &bomb, &[("compression_type", Some("gzip"))]);
    state("session", "s", "{}", &[("state_strategy", Some("session")), ("is_active", Some("0"))]);
    state("orphan", "o", "{}", &[("user_id", Some(&user_id(9)))]);
    source.row("plugin_state_history", &[("id", Some("h")), ("state_id", Some("one")), ("state_data", Some("[]"))]);
    source.row("plugin_state_configs", &[("id", Some("c")), ("plugin_id", Some("ann-demo")), ("config_data", Some("{oops"))]);

    let applied = app.import_database(&source);
    assert!(applied.said("state", "plugin_states/two").contains("newest of 2 rows"), "{:#}", applied.report);
    assert!(applied.said("state", "plugin_states/bad").contains("not JSON"));
    assert!(applied.said("state", "plugin_states/bomb").contains("larger than the limit of 10485760 bytes"));
    let said = applied.said("state", "plugin_states/session");
    assert!(said.contains("belongs to the browser") && said.contains("inactive"), "{said}");
    assert!(applied.said("state", "plugin_states/orphan").contains("--keep-orphans"));
    assert_ne!(applied.outcome("state", "plugin_state_history/h"), "failed");
    assert_eq!(applied.outcome("config", "plugin_state_configs/c"), "failed");
}

fn base64_of(bytes: &[u8]) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    BASE64_STANDARD.encode(bytes)
}
