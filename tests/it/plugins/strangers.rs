//! Another user's plugin is exactly as absent as one that nobody has.

use reqwest::Method;
use serde_json::json;

use super::full;
use crate::support::{Db, TestApp, redact::redact};

/// Method, path below `/api/v1/plugins`, and a body that would be accepted from the owner.
fn routes(plugin: &str) -> Vec<(Method, String, serde_json::Value)> {
    let routes = [
        (Method::GET, "{}/status", json!(null)),
        (Method::GET, "{}/versions", json!(null)),
        (Method::GET, "{}/config", json!(null)),
        (Method::PUT, "{}/config", json!({"refresh": 1})),
        (Method::PATCH, "{}/config", json!({"refresh": 1})),
        (Method::GET, "{}/modules", json!(null)),
        (Method::GET, "{}/modules/demo-mod", json!(null)),
        (Method::GET, "direct/{}/modules/demo-mod", json!(null)),
        (Method::GET, "simple/{}/modules/demo-mod", json!(null)),
        (Method::GET, "{}/modules/demo-mod/config", json!(null)),
        (Method::PUT, "{}/modules/demo-mod/config", json!({"size": 1})),
        (Method::PATCH, "{}/modules/demo-mod/config", json!({"size": 1})),
        (Method::PATCH, "{}/modules/demo-mod", json!({"enabled": false})),
        (Method::PATCH, "{}", json!({"enabled": false})),
        (Method::GET, "{}/update/available", json!(null)),
        (Method::POST, "{}/update", json!({})),
        (Method::POST, "{}/rollback", json!({})),
        (Method::GET, "{}/dist/remoteEntry.js", json!(null)),
        (Method::GET, "{}/plugin.json", json!(null)),
        (Method::DELETE, "{}/uninstall", json!(null)),
        (Method::DELETE, "{}/uninstall?cascade=true", json!(null)),
    ];
    routes.map(|(method, path, body)| (method, format!("/api/v1/plugins/{}", path.replace("{}", plugin)), body)).to_vec()
}

both!(somebody_elses_plugin_is_absent);
async fn somebody_elses_plugin_is_absent(app: TestApp) {
    let (admin, ann, bob) = (app.admin().await, app.user("ann").await, app.user("bob").await);
    for version in ["1.0.0", "1.1.0"] {
        admin.publish(full(version).zip(), "").await.expect(201);
    }
    ann.post("/api/v1/plugins/DemoPlugin/install").json(json!({"version": "1.0.0"})).await.expect(200);
    // An id as an import may have left it.
    let unchecked = if app.db == Db::Sqlite { "PRAGMA foreign_keys = OFF" } else { "SET session_replication_role = replica" };
    let tables = ["plugins SET id", "plugin_versions SET plugin_id", "modules SET plugin_id"];
    let renamed = tables.map(|table| format!("; UPDATE {table} = 'imported-id'")).concat();
    app.database.execute(&format!("{unchecked}{renamed}"));
    let before = ann.get("/api/v1/plugins").await.expect(200).json();
    assert_eq!(before["items"][0]["id"], "imported-id");

    let own_id = format!("{}_DemoPlugin", ann.user_id);
    let absent = routes("Absent");
    for name in ["DemoPlugin", own_id.as_str(), "imported-id"] {
        for (route, nowhere) in routes(name).into_iter().zip(&absent) {
            // An administrator acts as himself here: as a stranger.
            for stranger in [&bob, admin] {
                let send = async |(method, path, body): &(Method, String, serde_json::Value)| {
                    let request = stranger.request(method.clone(), path);
                    if body.is_null() { request.await } else { request.json(body).await }
                };
                let (found, expected) = (send(&route).await, send(nowhere).await);
                let status = if route.1.ends_with("/status") { 200 } else { 404 };
                assert_eq!(found.status, status, "{route:?}: {}", found.text());
                let neutral = |text: String, name: &str| text.replace(name, "Absent");
                let (found, expected) = (redact(&found.json()), redact(&expected.json()));
                // The redaction has replaced the owner's id.
                let shown = name.replace(&ann.user_id, "[id 1]");
                assert_eq!(neutral(found, &shown), expected, "{route:?}");
            }
        }
    }
    assert_eq!(ann.get("/api/v1/plugins").await.expect(200).json(), before);
    for name in ["DemoPlugin", own_id.as_str(), "imported-id"] {
        assert_eq!(ann.get(&format!("/api/v1/plugins/{name}/dist/remoteEntry.js")).await.expect(200).text(), "var DemoPlugin;\n");
    }
}
