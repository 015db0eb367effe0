//! Access keys are capabilities: whoever reads logs or metrics must not learn one.

use serde_json::json;

use crate::support::{TestApp, package};

both!(access_keys_are_in_no_log_and_no_metric, log_level = "trace", slow_query_ms = "0");
async fn access_keys_are_in_no_log_and_no_metric(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.publish(package("Demo", "1.0.0").file("index.html", "").zip(), "").await.expect(201);
    ann.post("/api/v1/plugins/Demo/install").json(json!({})).await.expect(200);
    let manifest = ann.get("/api/v1/plugins/manifest").await.expect(200).json();
    let id = manifest["Demo"]["database_id"].as_str().unwrap();
    let (key, _) = id.split_once('.').unwrap();
    let anonymous = app.anonymous();
    for (path, status) in [
        (format!("{id}/dist/index.js"), 200),
        (format!("{key}/dist/index.js"), 200),
        (format!("{key}/dist/index.js?x=1"), 200),
        (format!("{key}/index.html"), 403),
        (format!("{key}/absent.js"), 404),
        (format!("{key}/dist//index.js"), 404),
        (format!("{key}/dist/index.js/"), 404),
        (format!("{key}.v9.9.9/dist/index.js"), 404),
        (key.to_owned(), 404),
    ] {
        anonymous.raw_get(&format!("/api/v1/public/plugins/{path}"), &[]).await.expect(status);
    }
    anonymous.post(&format!("/api/v1/public/plugins/{id}/dist/index.js")).await.expect(405);
    anonymous.get(&format!("/api/v1/public/plugins/{id}/dist/index.js")).header("range", "bytes=99999-").await.expect(416);
    // A missing file that is in no memory yet, so that an error is logged, too.
    std::fs::remove_file(app.home.plugins_dir().join("shared/Demo/v1.0.0/plugin.json")).unwrap();
    anonymous.get(&format!("/api/v1/public/plugins/{id}/plugin.json")).await.expect(503);

    let (log, metrics) = (app.server.log(), anonymous.get("/metrics").await.expect(200).text());
    assert!(!log.contains(key), "the log holds the key: {}", log.lines().find(|line| line.contains(key)).unwrap());
    assert!(!metrics.contains(key), "the metrics hold the key");
    // They do speak of these requests, by their route's pattern.
    for text in [&log, &metrics] {
        assert!(text.contains("/api/v1/public/plugins/{key}"), "{text}");
    }
    // Statements are told without their values.
    assert!(log.lines().any(|line| line.contains("a slow statement") && line.contains("UPDATE ")), "{log}");
    assert!(!log.contains("-- binds"), "{log}");
    let token = ann.token.as_ref().unwrap();
    assert!(!log.contains(token.as_str()) && !metrics.contains(token.as_str()));
}
