//! Plugins that need others, and the host application.

use serde_json::{Value, json};

use super::{each, install, publish, publish_versions, shown, switch, update};
use crate::support::{Client, TestApp, package, packages::Package};

fn needing(slug: &str, needs: Value) -> Package {
    package(slug, "1.0.0").with("dependencies", needs)
}

/// `Top` needs `Mid`, and both need `Base`, of which only the older version fits `Mid`.
async fn publish_tower(app: &TestApp) {
    publish_versions(app, "Base", &["1.0.0", "2.0.0"]).await;
    publish(app, needing("Mid", json!({"Base": "^1"}))).await;
    publish(app, needing("Top", json!({"Base": ">=1", "Mid": "^1"}))).await;
}

async fn install_tower(client: &Client) {
    for slug in ["Base", "Mid", "Top"] {
        install(client, slug, "1.0.0").await.expect(200);
    }
}

async fn enabled(client: &Client) -> Value {
    let mut all = Vec::new();
    for slug in ["Base", "Mid", "Top"] {
        all.push(shown(client, slug).await["enabled"].clone());
    }
    json!(all)
}

both!(what_is_proposed_works_when_it_is_followed);
async fn what_is_proposed_works_when_it_is_followed(app: TestApp) {
    publish_tower(&app).await;
    let ann = app.user("ann").await;
    let refused = install(&ann, "Top", "latest").await.assert_problem(409, "dependency_missing");
    assert_eq!(each(&refused["missing"], "slug"), ["Base", "Mid"]);
    assert_eq!(refused["propose"], json!([{"slug": "Base", "version": "1.0.0"}, {"slug": "Mid", "version": "1.0.0"}]));
    assert_eq!(shown(&ann, "Top").await, Value::Null);
    for step in refused["propose"].as_array().unwrap() {
        install(&ann, step["slug"].as_str().unwrap(), step["version"].as_str().unwrap()).await.expect(200);
    }
    install(&ann, "Top", "latest").await.expect(200);
}

both!(a_wrong_version_of_what_is_needed_is_told);
async fn a_wrong_version_of_what_is_needed_is_told(app: TestApp) {
    publish_tower(&app).await;
    let ann = app.user("ann").await;
    install(&ann, "Base", "2.0.0").await.expect(200);
    let refused = install(&ann, "Mid", "latest").await.assert_problem(409, "dependency_missing");
    assert_eq!(refused["missing"], json!([{"slug": "Base", "range": "^1", "installed": "2.0.0", "disabled": false}]));
    assert_eq!(refused["propose"], json!([{"slug": "Base", "version": "1.0.0"}]));
    update(&ann, "Base", "1.0.0").await.expect(200);
    install(&ann, "Mid", "latest").await.expect(200);

    publish(&app, needing("Lonely", json!({"Nowhere": "*"}))).await;
    let refused = install(&ann, "Lonely", "latest").await.assert_problem(409, "dependency_missing");
    assert_eq!((each(&refused["missing"], "slug"), refused["propose"].clone()), (vec!["Nowhere".to_owned()], json!([])));
}

both!(plugins_that_need_each_other_are_refused_with_the_circle);
async fn plugins_that_need_each_other_are_refused_with_the_circle(app: TestApp) {
    publish(&app, needing("A", json!({"B": "*"}))).await;
    publish(&app, needing("B", json!({"C": "^1"}))).await;
    publish(&app, needing("C", json!({"B": "^1"}))).await;
    let ann = app.user("ann").await;
    for (slug, cycle) in [("A", ["B", "C", "B"]), ("B", ["B", "C", "B"]), ("C", ["C", "B", "C"])] {
        let refused = install(&ann, slug, "1.0.0").await.assert_problem(409, "dependency_cycle");
        assert_eq!(refused["cycle"], json!(cycle));
    }
    app.admin().await.publish(needing("D", json!({"D": "*"})).zip(), "").await.assert_problem(422, "validation");
}

both!(what_others_need_goes_only_with_them);
async fn what_others_need_goes_only_with_them(app: TestApp) {
    publish_tower(&app).await;
    let ann = app.user("ann").await;
    install_tower(&ann).await;
    for refused in [switch(&ann, "Base", false).await, ann.delete("/api/v1/plugins/Base/uninstall").await] {
        assert_eq!(refused.assert_problem(409, "dependency_required")["chain"], json!(["Mid", "Top"]));
    }
    assert_eq!(enabled(&ann).await, json!([true, true, true]));
    ann.patch("/api/v1/plugins/Base?cascade=true").json(json!({"enabled": false})).await.expect(200);
    assert_eq!(enabled(&ann).await, json!([false, false, false]));
    let refused = switch(&ann, "Mid", true).await.assert_problem(409, "dependency_missing");
    assert_eq!(refused["missing"][0]["disabled"], true);
    for slug in ["Base", "Mid", "Top"] {
        switch(&ann, slug, true).await.expect(200);
        switch(&ann, slug, true).await.expect(200);
    }
    ann.delete("/api/v1/plugins/Mid/uninstall?cascade=true").await.expect(200);
    assert_eq!(enabled(&ann).await, json!([true, null, null]));
    ann.delete("/api/v1/plugins/Base/uninstall?cascade=maybe").await.assert_problem(422, "validation");
    ann.delete("/api/v1/plugins/Base/uninstall").await.expect(200);
}

both!(an_update_that_breaks_another_plugin_is_refused);
async fn an_update_that_breaks_another_plugin_is_refused(app: TestApp) {
    publish_tower(&app).await;
    let ann = app.user("ann").await;
    install_tower(&ann).await;
    assert_eq!(update(&ann, "Base", "2.0.0").await.assert_problem(409, "dependency_required")["chain"], json!(["Mid"]));
    assert_eq!(shown(&ann, "Base").await["version"], "1.0.0");
    publish(&app, package("Top", "1.1.0").with("dependencies", json!({"Extra": "^3"}))).await;
    assert_eq!(each(&update(&ann, "Top", "latest").await.assert_problem(409, "dependency_missing")["missing"], "slug"), ["Extra"]);
    assert_eq!(shown(&ann, "Top").await["version"], "1.0.0");
    // Switched off, it cannot be broken.
    ann.patch("/api/v1/plugins/Mid?cascade=true").json(json!({"enabled": false})).await.expect(200);
    update(&ann, "Base", "2.0.0").await.expect(200);
    switch(&ann, "Mid", true).await.assert_problem(409, "dependency_missing");
}

both!(the_host_must_be_one_that_the_plugin_fits, host_version = "1.5.0");
async fn the_host_must_be_one_that_the_plugin_fits(app: TestApp) {
    publish(&app, package("Demo", "1.0.0").with("host", "^1.2")).await;
    publish(&app, package("Demo", "2.0.0").with("host", "^2")).await;
    let ann = app.user("ann").await;
    let refused = install(&ann, "Demo", "2.0.0").await.assert_problem(409, "incompatible_version");
    assert!(refused["detail"].as_str().unwrap().contains("1.5.0"), "{refused}");
    install(&ann, "Demo", "1.0.0").await.expect(200);
    update(&ann, "Demo", "2.0.0").await.assert_problem(409, "incompatible_version");
    assert_eq!(shown(&ann, "Demo").await["version"], "1.0.0");
}

both!(without_the_setting_no_host_is_refused);
async fn without_the_setting_no_host_is_refused(app: TestApp) {
    publish(&app, package("Demo", "2.0.0").with("host", "^2")).await;
    install(&app.user("ann").await, "Demo", "2.0.0").await.expect(200);
}
