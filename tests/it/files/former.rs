//! The version that was installed before.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Installed, demo};
use crate::support::{TestApp, package};

/// 1.0.0 is installed and then replaced; answers the addresses' bases.
async fn replaced(app: &TestApp) -> Installed {
    let installed = Installed::new(app, &demo()).await;
    app.admin().await.publish(package("Demo", "1.1.0").file("dist/app.js", "newer").zip(), "").await.expect(201);
    installed.ann.post("/api/v1/plugins/Demo/update").json(json!({})).await.expect(200);
    installed
}

both!(open_pages_go_on_with_the_version_they_began_with);
async fn open_pages_go_on_with_the_version_they_began_with(app: TestApp) {
    let installed = replaced(&app).await;
    let at = async |base: &str| app.anonymous().get(&format!("{base}dist/app.js")).await.expect(200).text();
    assert_eq!(at(&installed.version).await, "0123456789abcdefghij");
    assert_eq!(at(&installed.current).await, "newer");
    assert_eq!(at(&installed.version.replace("1.0.0", "1.1.0")).await, "newer");
    assert_eq!(installed.ann.get("/api/v1/plugins/Demo/dist/app.js").await.expect(200).text(), "newer");
    app.anonymous().get(&format!("{}dist/app.js", installed.version.replace("1.0.0", "1.2.0"))).await.assert_problem(404, "not_found");
    // Disabled is disabled, whatever the version.
    installed.ann.patch("/api/v1/plugins/Demo").json(json!({"enabled": false})).await.expect(200);
    app.anonymous().get(&format!("{}dist/app.js", installed.version)).await.assert_problem(404, "not_found");
}

both!(after_the_grace_period_a_former_version_is_gone, grace_period = "1s");
async fn after_the_grace_period_a_former_version_is_gone(app: TestApp) {
    let installed = replaced(&app).await;
    let path = format!("{}dist/app.js", installed.version);
    let give_up = Instant::now() + Duration::from_secs(30);
    let gone = loop {
        let answer = app.anonymous().get(&path).await;
        if answer.status != 200 || Instant::now() > give_up {
            break answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    gone.assert_problem(410, "gone");
    assert_eq!(gone.header("cache-control"), "no-store");
    app.anonymous().get(&format!("{}dist/app.js", installed.current)).await.expect(200);
    // Installed again it is served again, and the other one has its turn.
    installed.ann.post("/api/v1/plugins/Demo/rollback").await.expect(200);
    assert_eq!(app.anonymous().get(&path).await.expect(200).text(), "0123456789abcdefghij");
}
