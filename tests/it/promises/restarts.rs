//! What users and administrators decided outlives the process.

use serde_json::json;

use crate::support::{TestApp, package};

both!(disabled_stays_disabled, default_plugins = "Demo,Removed");
async fn disabled_stays_disabled(app: TestApp) {
    let admin = app.admin().await;
    for slug in ["Demo", "Removed", "Own"] {
        admin.publish(package(slug, "1.0.0").module("m").zip(), "").await.expect(201);
    }
    // A newcomer gets the default plugins.
    let ann = app.user("ann").await;
    ann.post("/api/v1/plugins/Own/install").json(json!({})).await.expect(200);
    for slug in ["Demo", "Own"] {
        ann.patch(&format!("/api/v1/plugins/{slug}")).json(json!({"enabled": false})).await.expect(200);
    }
    ann.delete("/api/v1/plugins/Removed/uninstall").await.expect(200);
    admin.put("/api/v1/releases/Own/availability").json(json!({"status": "disabled"})).await.expect(200);
    let decided = ann.get("/api/v1/plugins").await.expect(200);
    let items = decided.json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| json!([item["slug"], item["enabled"], item["available"]]))
        .collect::<Vec<_>>();
    assert_eq!(items, [json!(["Demo", false, true]), json!(["Own", false, false])]);

    for crash in [false, true, true] {
        if crash {
            app.server.kill9();
        } else {
            assert!(app.server.stop_gracefully().success());
        }
        app.server.restart();
        // What a newcomer would set in motion does not bring anything back to others.
        if crash {
            app.local().run(&["defaults", "apply"]);
        }
        let after = ann.get("/api/v1/plugins").await.expect(200);
        assert_eq!((after.json(), after.header("etag")), (decided.json(), decided.header("etag")));
        assert_eq!(ann.get("/api/v1/plugins/manifest").await.expect(200).json(), json!({}));
        for slug in ["Demo", "Own", "Removed"] {
            ann.get(&format!("/api/v1/plugins/{slug}/dist/index.js")).await.assert_problem(404, "not_found");
        }
    }
}
