//! POST `/plugins/{slug}/install`

use std::fs;

use serde_json::{Value, json};

use super::full;
use crate::support::{Client, TestApp, package};

/// What the user's `installed_plugins.json` holds.
fn records(app: &TestApp, user: &Client) -> Value {
    let file = app.home.plugins_dir().join(format!("users/user_{}/installed_plugins.json", user.user_id));
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

fn version_of(answer: &Value) -> &str {
    answer["data"]["version"].as_str().unwrap()
}

both!(the_answer_says_what_was_installed);
async fn the_answer_says_what_was_installed(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.publish(full("1.0.0").zip(), "").await.expect(201);
    let answer = ann.post("/api/v1/plugins/DemoPlugin/install").json(json!({})).await;
    insta::assert_snapshot!(answer.snapshot(), @r#"
    200
    {
      "status": "success",
      "message": "Plugin DemoPlugin installed successfully",
      "data": {
        "plugin_slug": "DemoPlugin",
        "plugin_id": "[id 1]_DemoPlugin",
        "version": "1.0.0",
        "modules_created": [
          "demo-mod"
        ],
        "plugin_directory": "shared/DemoPlugin/v1.0.0"
      }
    }
    "#);
    insta::assert_snapshot!(crate::support::redact::redact(&records(&app, &ann)), @r#"
    {
      "DemoPlugin": {
        "installation_metadata": {
          "installation_type": "production",
          "source_url": null,
          "installed_by": "ann",
          "installed_at": "[time]"
        }
      }
    }
    "#);
    ann.post("/api/v1/plugins/DemoPlugin/install").json(json!({})).await.assert_problem(409, "already_exists");
    // Without a body, too.
    app.user("bob").await.post("/api/v1/plugins/DemoPlugin/install").await.expect(200);
}

both!(a_version_can_be_asked_for_in_every_way);
async fn a_version_can_be_asked_for_in_every_way(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    for version in ["1.0.0", "1.2.0", "1.10.0", "2.0.0-rc.1"] {
        admin.publish(package("Demo", version).zip(), "").await.expect(201);
    }
    admin.put("/api/v1/releases/Demo/channels/beta").json(json!({"version": "2.0.0-rc.1"})).await.expect(200);
    admin.post("/api/v1/releases/Demo/1.2.0/yank").json(json!({"reason": "broken"})).await.expect(200);
    for (wanted, chosen) in [
        (json!({}), "1.10.0"),
        (json!({"version": null}), "1.10.0"),
        (json!({"version": "latest"}), "1.10.0"),
        (json!({"version": "1.0.0"}), "1.0.0"),
        (json!({"version": "^1"}), "1.10.0"),
        (json!({"version": ">=1.0.0, <1.10.0"}), "1.0.0"),
        (json!({"version": "beta"}), "2.0.0-rc.1"),
        (json!({"version": ">=2.0.0-rc.0"}), "2.0.0-rc.1"),
    ] {
        let answer = ann.post("/api/v1/plugins/Demo/install").json(&wanted).await.expect(200).json();
        assert_eq!(version_of(&answer), chosen, "{wanted}");
        assert_eq!(answer["data"]["plugin_directory"], format!("shared/Demo/v{chosen}"));
        ann.delete("/api/v1/plugins/Demo/uninstall").await.expect(200);
    }
    let install = |version: &'static str| ann.post("/api/v1/plugins/Demo/install").json(json!({"version": version}));
    for absent in ["9.9.9", "^9", "nightly", "~1.2"] {
        install(absent).await.assert_problem(404, "not_found");
    }
    install("1.2.0").await.assert_problem(409, "yanked");
    for bad in ["not a version", "a\u{0}b", ""] {
        let problem = install(bad).await.assert_problem(422, "validation");
        assert_eq!(problem["errors"][0]["pointer"], "/version", "{problem}");
    }
    assert_eq!(ann.get("/api/v1/plugins").await.expect(200).json()["items"], json!([]));
}

both!(an_unknown_slug_is_not_found);
async fn an_unknown_slug_is_not_found(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.publish(package("Demo", "1.0.0").zip(), "").await.expect(201);
    for slug in ["Absent", "demo", "CON", "a..b", "a%00b", "%ff", "..", "a%2fb"] {
        let answer = ann.post(&format!("/api/v1/plugins/{slug}/install")).json(json!({})).await;
        assert_eq!(answer.status, 404, "{slug}: {}", answer.text());
        answer.assert_problem(404, "not_found");
    }
    assert!(!app.home.plugins_dir().join(format!("users/user_{}", ann.user_id)).exists());
}

both!(an_installation_may_begin_disabled_and_with_values);
async fn an_installation_may_begin_disabled_and_with_values(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.publish(full("1.0.0").zip(), "").await.expect(201);
    let body = json!({"enabled": false, "config": {"refresh": 5}, "unknown": "is ignored"});
    ann.post("/api/v1/plugins/DemoPlugin/install").json(body).await.expect(200);
    let listed = ann.get("/api/v1/plugins").await.expect(200).json();
    let plugin = &listed["items"][0];
    assert_eq!((&plugin["enabled"], &plugin["enabled_at"]), (&json!(false), &json!(null)));
    assert!(plugin["disabled_at"].is_string());
    assert_eq!(ann.get("/api/v1/plugins/manifest").await.expect(200).json(), json!({}));
    ann.get("/api/v1/plugins/DemoPlugin/dist/remoteEntry.js").await.assert_problem(404, "not_found");
    ann.patch("/api/v1/plugins/DemoPlugin").json(json!({"enabled": true})).await.expect(200);
    let manifest = ann.get("/api/v1/plugins/manifest").await.expect(200).json();
    assert_eq!(manifest["DemoPlugin"]["config"], json!({"refresh": 5}));
    assert_eq!(manifest["DemoPlugin"]["configFields"]["refresh"], json!({"type": "number", "default": 5}));
    assert_eq!(ann.get("/api/v1/plugins/DemoPlugin/config").await.expect(200).json()["own"], json!({"refresh": 5}));
}

both!(metadata_stay_in_the_record_alone);
async fn metadata_stay_in_the_record_alone(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.publish(package("Demo", "1.0.0").zip(), "").await.expect(201);
    let install = |metadata: Value| ann.post("/api/v1/plugins/Demo/install").json(json!({"installation_metadata": metadata}));
    for refused in ["version", "enabled", "shared_path", "user_config", "updated_at", "previous_version"] {
        let problem = install(json!({refused: "x", "fine": 1})).await.assert_problem(422, "validation");
        assert_eq!(problem["errors"][0]["pointer"], format!("/installation_metadata/{refused}"), "{problem}");
    }
    let both = install(json!({"version": "x", "enabled": true})).await.assert_problem(422, "validation");
    assert_eq!(both["errors"].as_array().unwrap().len(), 2, "{both}");
    for (wrong, at) in [
        (json!({"installation_type": "unheard of"}), "/installation_metadata/installation_type"),
        (json!({"source_url": 5}), "/installation_metadata/source_url"),
    ] {
        let problem = install(wrong).await.assert_problem(422, "validation");
        assert_eq!(problem["errors"][0]["pointer"], at, "{problem}");
    }
    ann.get("/api/v1/plugins/Demo/status").await.expect(200);
    assert_eq!(ann.get("/api/v1/plugins").await.expect(200).json()["items"], json!([]));

    let kept = json!({
        "installation_type": "remote", "source_url": "https://me:secret@example.org/r", "installed_by": "somebody else",
        "installed_at": "1999-01-01T00:00:00Z", "build": 1.50, "nested": {"z": 1, "a": [null]},
    });
    install(kept).await.expect(200);
    insta::assert_snapshot!(crate::support::redact::redact(&records(&app, &ann)), @"");
    let text = fs::read_to_string(app.home.plugins_dir().join(format!("users/user_{}/installed_plugins.json", ann.user_id))).unwrap();
    assert!(text.contains("1.50") && !text.contains("1999"), "{text}");
    let status = ann.get("/api/v1/plugins/Demo/status").await.expect(200).json();
    assert_eq!(status["data"]["installation_metadata"], records(&app, &ann)["Demo"]["installation_metadata"]);
    assert_eq!(status["data"]["plugin_info"]["sourceUrl"], "https://example.org/r");
    assert_eq!(status["data"]["plugin_info"]["installationType"], "remote");
}

both!(an_unavailable_plugin_is_not_for_users);
async fn an_unavailable_plugin_is_not_for_users(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.publish(package("Demo", "1.0.0").zip(), "").await.expect(201);
    let availability = |status: &'static str| admin.put("/api/v1/releases/Demo/availability").json(json!({"status": status}));
    availability("disabled").await.expect(200);
    ann.post("/api/v1/plugins/Demo/install").json(json!({})).await.assert_problem(409, "unavailable");
    assert_eq!(ann.get("/api/v1/plugins").await.expect(200).json()["items"], json!([]));
    availability("enabled").await.expect(200);
    ann.post("/api/v1/plugins/Demo/install").json(json!({})).await.expect(200);
}

both!(of_parallel_installations_one_wins);
async fn of_parallel_installations_one_wins(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.publish(package("Demo", "1.0.0").zip(), "").await.expect(201);
    let install = || async { ann.post("/api/v1/plugins/Demo/install").json(json!({})).await.status };
    let mut statuses = futures_util::future::join_all((0..20).map(|_| install())).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [&[200][..], &[409; 19]].concat());
    assert_eq!(records(&app, &ann).as_object().unwrap().len(), 1);
}
