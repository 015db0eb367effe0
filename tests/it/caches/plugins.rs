//! What users have installed.

use serde_json::json;

use super::{Ann, OWN, SHARED};
use crate::support::TestApp;

both!(switching_a_plugin_counts_at_once);
async fn switching_a_plugin_counts_at_once(app: TestApp) {
    let ann = Ann::new(&app).await;
    ann.warm_all(&app).await;
    for (enabled, status) in [(false, 404), (true, 200), (false, 404)] {
        ann.ann.patch("/api/v1/plugins/Demo").json(json!({"enabled": enabled})).await.expect(200);
        for (client, path) in ann.addresses(&app) {
            client.get(&path).await.expect(if path == SHARED { 200 } else { status });
        }
    }
}

both!(another_version_counts_at_once);
async fn another_version_counts_at_once(app: TestApp) {
    let ann = Ann::new(&app).await;
    ann.warm_all(&app).await;
    for (action, version) in [("update", "2.0.0"), ("rollback", "1.0.0"), ("update", "2.0.0")] {
        ann.ann.post(&format!("/api/v1/plugins/Demo/{action}")).json(json!({})).await.expect(200);
        for (client, path) in [(&ann.ann, OWN), (app.anonymous(), ann.current.as_str())] {
            assert!(client.get(path).await.expect(200).text().contains(version), "{action} {path}");
        }
        // The address with a version stays with it.
        assert!(app.anonymous().get(&ann.public).await.expect(200).text().contains("1.0.0"), "{action}");
    }
}

both!(a_removed_plugin_is_gone_at_once_and_can_come_back);
async fn a_removed_plugin_is_gone_at_once_and_can_come_back(app: TestApp) {
    let ann = Ann::new(&app).await;
    ann.warm_all(&app).await;
    ann.ann.delete("/api/v1/plugins/Demo/uninstall").await.expect(200);
    for (client, path) in ann.addresses(&app) {
        client.get(&path).await.expect(if path == SHARED { 200 } else { 404 });
    }
    ann.ann.post("/api/v1/plugins/Demo/install").json(json!({"version": "2.0.0"})).await.expect(200);
    assert!(ann.ann.get(OWN).await.expect(200).text().contains("2.0.0"));
    // The key was another.
    app.anonymous().get(&ann.current).await.assert_problem(404, "not_found");
}

both!(changes_during_reads_are_never_forgotten);
async fn changes_during_reads_are_never_forgotten(app: TestApp) {
    let ann = Ann::new(&app).await;
    ann.warm_all(&app).await;
    let readers = (0..4).map(|_| ann.ann.clone()).collect::<Vec<_>>();
    for round in 0..60 {
        let enabled = round % 2 == 1;
        let read = async |client: &crate::support::Client| {
            for _ in 0..5 {
                client.get(OWN).await;
            }
        };
        let switch = async {
            ann.ann.patch("/api/v1/plugins/Demo").json(json!({"enabled": enabled})).await.expect(200);
            // Answered, so everybody sees it from now on.
            for _ in 0..3 {
                ann.ann.get(OWN).await.expect(if enabled { 200 } else { 404 });
            }
        };
        tokio::join!(switch, futures_util::future::join_all(readers.iter().map(read)));
        ann.ann.get(OWN).await.expect(if enabled { 200 } else { 404 });
    }
}

both!(a_renewed_key_and_a_removed_account_count_at_once);
async fn a_renewed_key_and_a_removed_account_count_at_once(app: TestApp) {
    let mut ann = Ann::new(&app).await;
    ann.warm_all(&app).await;
    let made = ann.ann.post("/api/v1/plugins/Demo/access-key").await.expect(200).json();
    for old in [&ann.public, &ann.current] {
        app.anonymous().get(old).await.assert_problem(404, "not_found");
    }
    ann.public = format!("/api/v1/public/plugins/{}/dist/index.js", made["database_id"].as_str().unwrap());
    app.warm(app.anonymous(), &ann.public, &["files", "installations"]).await;
    app.admin().await.delete(&format!("/api/v1/users/{}", ann.ann.user_id)).await.expect(204);
    app.anonymous().get(&ann.public).await.assert_problem(404, "not_found");
}

both!(what_is_in_memory_needs_no_disk);
async fn what_is_in_memory_needs_no_disk(app: TestApp) {
    let ann = Ann::new(&app).await;
    ann.warm_all(&app).await;
    for folder in ["shared", "users"] {
        let folder = app.home.plugins_dir().join(folder);
        std::fs::rename(&folder, folder.with_extension("away")).unwrap();
    }
    for (client, path) in ann.addresses(&app) {
        client.get(&path).await.expect(200);
    }
}
