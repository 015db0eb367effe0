//! Moving between versions.

use serde_json::{Value, json};

use super::{each, install, publish, publish_versions, rollback, shown, switch, update};
use crate::support::{TestApp, package};

both!(an_update_goes_to_whatever_is_named);
async fn an_update_goes_to_whatever_is_named(app: TestApp) {
    publish_versions(&app, "Demo", &["1.0.0", "1.1.0", "1.2.0", "2.0.0-rc.1"]).await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.put("/api/v1/releases/Demo/channels/beta").json(json!({"version": ">=2.0.0-rc.0"})).await.expect(200);
    update(&ann, "Demo", "latest").await.assert_problem(404, "not_found");
    install(&ann, "Demo", "1.0.0").await.expect(200);
    let mut before = "1.0.0";
    for (wanted, after) in [("1.1.0", "1.1.0"), ("^1", "1.2.0"), ("beta", "2.0.0-rc.1"), ("~1.1", "1.1.0"), ("latest", "1.2.0")] {
        let data = update(&ann, "Demo", wanted).await.expect(200).json()["data"].clone();
        assert_eq!(json!([data["previous_version"], data["new_version"]]), json!([before, after]), "{wanted}");
        assert!(data["snapshot_id"].is_string(), "{data}");
        assert_eq!(shown(&ann, "Demo").await["version"], after, "{wanted}");
        let served = ann.get("/api/v1/plugins/Demo/dist/index.js").await.expect(200).text();
        assert_eq!(served, format!("export default \"Demo {after}\";\n"));
        before = after;
    }
    update(&ann, "Demo", "^7").await.assert_problem(404, "not_found");
    update(&ann, "Demo", "7.0.0").await.assert_problem(404, "not_found");
    let refused = update(&ann, "Demo", "no such thing").await.assert_problem(422, "validation");
    assert_eq!(refused["errors"][0]["pointer"], "/version");
    install(&ann, "Demo", "1.0.0").await.assert_problem(409, "already_exists");
    update(&ann, "Demo", "1.0.0").await.expect(200);
    let data = ann.post("/api/v1/plugins/Demo/update").await.expect(200).json();
    assert_eq!(data["data"]["new_version"], "1.2.0", "latest when nothing is said");
}

both!(config_and_enablement_survive);
async fn config_and_enablement_survive(app: TestApp) {
    publish_versions(&app, "Demo", &["1.0.0", "2.0.0"]).await;
    let ann = app.user("ann").await;
    install(&ann, "Demo", "1.0.0").await.expect(200);
    ann.put("/api/v1/plugins/Demo/config").json(json!({"colour": "blue"})).await.expect(200);
    switch(&ann, "Demo", false).await.expect(200);
    let decided = shown(&ann, "Demo").await["disabled_at"].clone();
    update(&ann, "Demo", "2.0.0").await.expect(200);
    for version in ["2.0.0", "1.0.0"] {
        let found = shown(&ann, "Demo").await;
        assert_eq!(json!([found["version"], found["enabled"], found["disabled_at"]]), json!([version, false, decided]));
        assert_eq!(ann.get("/api/v1/plugins/Demo/config").await.expect(200).json()["own"], json!({"colour": "blue"}));
        if version == "2.0.0" {
            rollback(&ann, "Demo").await.expect(200);
        }
    }
}

both!(modules_follow_the_manifest_and_their_values_come_back);
async fn modules_follow_the_manifest_and_their_values_come_back(app: TestApp) {
    publish(&app, package("Demo", "1.0.0").module("m1").module("m2")).await;
    publish(&app, package("Demo", "2.0.0").module("m2").module("m3")).await;
    let ann = app.user("ann").await;
    install(&ann, "Demo", "1.0.0").await.expect(200);
    let m1 = "/api/v1/plugins/Demo/modules/m1";
    ann.put(&format!("{m1}/config")).json(json!({"deep": {"x": 1}})).await.expect(200);
    ann.patch(m1).json(json!({"enabled": false})).await.expect(200);
    let modules = async || each(&ann.get("/api/v1/plugins/Demo/modules").await.expect(200).json()["modules"], "id");

    update(&ann, "Demo", "2.0.0").await.expect(200);
    assert_eq!(modules().await, ["m2", "m3"]);
    for path in [m1.to_owned(), format!("{m1}/config")] {
        ann.get(&path).await.assert_problem(404, "not_found");
    }
    ann.patch(m1).json(json!({"enabled": true})).await.assert_problem(404, "not_found");
    ann.put(&format!("{m1}/config")).json(json!({})).await.assert_problem(404, "not_found");

    rollback(&ann, "Demo").await.expect(200);
    assert_eq!(modules().await, ["m1", "m2"]);
    assert_eq!(ann.get(&format!("{m1}/config")).await.expect(200).json()["own"], json!({"deep": {"x": 1}}));
    assert_eq!(ann.get(m1).await.expect(200).json()["module"]["enabled"], false);
}

both!(each_rollback_goes_one_further_until_there_is_none);
async fn each_rollback_goes_one_further_until_there_is_none(app: TestApp) {
    publish_versions(&app, "Demo", &["1.0.0", "1.1.0", "2.0.0"]).await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    install(&ann, "Demo", "1.0.0").await.expect(200);
    rollback(&ann, "Demo").await.assert_problem(409, "conflict");
    update(&ann, "Demo", "1.1.0").await.expect(200);
    let theirs = format!("/api/v1/users/{}/plugins/Demo", ann.user_id);
    admin.post(&format!("{theirs}/update")).json(json!({"version": "2.0.0"})).await.expect(200);
    for (from, to) in [("2.0.0", "1.1.0"), ("1.1.0", "1.0.0")] {
        let answer = rollback(&ann, "Demo").await.expect(200).json();
        assert_eq!(json!([answer["previous_version"], answer["new_version"]]), json!([from, to]));
        assert!(answer["snapshot_id"].is_string(), "the update that is undone made one: {answer}");
    }
    rollback(&ann, "Demo").await.assert_problem(409, "conflict");

    let history = ann.get("/api/v1/plugins/Demo/versions").await.expect(200).json()["items"].clone();
    let told = |item: &Value| json!([item["version"], item["change"], item["installed_by"], item["replaced_at"].is_null()]);
    let told = history.as_array().unwrap().iter().map(told).collect::<Vec<_>>();
    assert_eq!(
        json!(told),
        json!([
            ["1.0.0", "rollback", "ann", true],
            ["1.1.0", "rollback", "ann", false],
            ["2.0.0", "update", "admin", false],
            ["1.1.0", "update", "ann", false],
            ["1.0.0", "install", "ann", false],
        ])
    );
    app.user("bob").await.get("/api/v1/plugins/Demo/versions").await.assert_problem(404, "not_found");
}

both!(a_yanked_version_is_kept_by_those_who_have_it_and_given_to_nobody_else);
async fn a_yanked_version_is_kept_by_those_who_have_it_and_given_to_nobody_else(app: TestApp) {
    publish_versions(&app, "Demo", &["1.0.0", "1.1.0"]).await;
    let (admin, ann, bob) = (app.admin().await, app.user("ann").await, app.user("bob").await);
    install(&ann, "Demo", "1.1.0").await.expect(200);
    admin.post("/api/v1/releases/Demo/1.1.0/yank").json(json!({"reason": "broken"})).await.expect(200);

    let refused = install(&bob, "Demo", "1.1.0").await.assert_problem(409, "yanked");
    assert!(refused["detail"].as_str().unwrap().contains("broken"), "{refused}");
    assert_eq!(install(&bob, "Demo", "^1.1").await.status, 404);
    install(&bob, "Demo", "latest").await.expect(200);
    assert_eq!(shown(&bob, "Demo").await["version"], "1.0.0");
    update(&bob, "Demo", "1.1.0").await.assert_problem(409, "yanked");

    ann.get("/api/v1/plugins/Demo/dist/index.js").await.expect(200);
    update(&ann, "Demo", "1.1.0").await.expect(200);
    assert_eq!(shown(&ann, "Demo").await["version"], "1.1.0");
    update(&ann, "Demo", "1.0.0").await.expect(200);
    rollback(&ann, "Demo").await.expect(200);
    assert_eq!(shown(&ann, "Demo").await["version"], "1.1.0", "she had it");

    admin.delete("/api/v1/releases/Demo/1.1.0/yank").await.expect(200);
    update(&bob, "Demo", "latest").await.expect(200);
    assert_eq!(shown(&bob, "Demo").await["version"], "1.1.0");
    for reason in [json!(""), json!("  "), json!("a\u{0}b"), json!("x".repeat(1001)), json!(5)] {
        admin.post("/api/v1/releases/Demo/1.1.0/yank").json(json!({ "reason": reason })).await.assert_problem(422, "validation");
    }
}

both!(an_update_to_a_damaged_release_leaves_the_old_one_served);
async fn an_update_to_a_damaged_release_leaves_the_old_one_served(app: TestApp) {
    publish_versions(&app, "Demo", &["1.0.0", "2.0.0", "3.0.0"]).await;
    let ann = app.user("ann").await;
    install(&ann, "Demo", "1.0.0").await.expect(200);
    let shared = app.home.plugins_dir().join("shared/Demo");
    std::fs::remove_file(shared.join("v2.0.0/dist/index.js")).unwrap();
    std::fs::write(shared.join("v3.0.0/dist/index.js"), "cut").unwrap();
    for damaged in ["2.0.0", "3.0.0"] {
        let refused = update(&ann, "Demo", damaged).await;
        refused.assert_problem(503, "storage");
        assert!(!refused.text().contains("shared"), "no path in an answer");
        assert_eq!(shown(&ann, "Demo").await["version"], "1.0.0");
        let served = ann.get("/api/v1/plugins/Demo/dist/index.js").await.expect(200).text();
        assert_eq!(served, "export default \"Demo 1.0.0\";\n");
    }
    assert_eq!(ann.get("/api/v1/plugins/Demo/versions").await.json()["items"].as_array().unwrap().len(), 1);
}

both!(open_pages_keep_the_old_version_for_the_grace_period);
async fn open_pages_keep_the_old_version_for_the_grace_period(app: TestApp) {
    publish_versions(&app, "Demo", &["1.0.0", "2.0.0"]).await;
    let ann = app.user("ann").await;
    install(&ann, "Demo", "1.0.0").await.expect(200);
    let address = async || shown(&ann, "Demo").await["entry_url"].as_str().unwrap().to_owned();
    let old = address().await;
    update(&ann, "Demo", "2.0.0").await.expect(200);
    let new = address().await;
    let nobody = app.anonymous();
    assert_ne!(old, new);
    assert!(nobody.get(&old).await.expect(200).text().contains("1.0.0"));
    assert!(nobody.get(&new).await.expect(200).text().contains("2.0.0"));
    nobody.get(&old.replace("v1.0.0", "v1.5.0")).await.assert_problem(404, "not_found");
    // As after the grace period.
    app.database.execute("UPDATE plugin_versions SET replaced_at = 1 WHERE version = '1.0.0'");
    nobody.comes_to(&old, 410).await.assert_problem(410, "gone");
    assert!(nobody.get(&new).await.expect(200).text().contains("2.0.0"));
    rollback(&ann, "Demo").await.expect(200);
    assert!(nobody.get(&old).await.expect(200).text().contains("1.0.0"), "installed again");
}

both!(updates_are_announced);
async fn updates_are_announced(app: TestApp) {
    publish_versions(&app, "Demo", &["1.0.0", "2.0.0-rc.1"]).await;
    let ann = app.user("ann").await;
    install(&ann, "Demo", "1.0.0").await.expect(200);
    let all = async || ann.get("/api/v1/plugins/updates/available").await.expect(200).json()["data"].clone();
    assert_eq!(all().await, json!({"available_updates": [], "total_count": 0}));
    publish_versions(&app, "Demo", &["1.0.1"]).await;
    let found = all().await;
    assert_eq!(found["total_count"], 1);
    let one = ann.get("/api/v1/plugins/Demo/update/available").await.expect(200).json()["data"].clone();
    assert_eq!(one, found["available_updates"][0]);
    assert_eq!(json!([one["current_version"], one["latest_version"], one["update_available"]]), json!(["1.0.0", "1.0.1", true]));
    app.admin().await.post("/api/v1/releases/Demo/1.0.1/yank").json(json!({"reason": "x"})).await.expect(200);
    assert_eq!(all().await["total_count"], 0);
}
