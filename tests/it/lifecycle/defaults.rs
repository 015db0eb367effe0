//! Plugins that every new user gets once.

use serde_json::Value;

use super::{publish_versions, shown, switch};
use crate::support::TestApp;

both!(what_a_user_decided_about_a_default_stays, default_plugins = "Demo@^1");
async fn what_a_user_decided_about_a_default_stays(app: TestApp) {
    let early = app.user("early").await;
    assert_eq!(shown(&early, "Demo").await, Value::Null, "what is not published does not keep anybody out");
    publish_versions(&app, "Demo", &["1.0.0", "1.1.0", "2.0.0"]).await;
    let (ann, bob, carl) = (app.user("ann").await, app.user("bob").await, app.user("carl").await);
    for client in [&ann, &bob, &carl] {
        let found = shown(client, "Demo").await;
        assert_eq!((found["version"].as_str(), found["enabled"].as_bool()), (Some("1.1.0"), Some(true)));
    }
    switch(&bob, "Demo", false).await.expect(200);
    // The only plugin that they had.
    carl.delete("/api/v1/plugins/Demo/uninstall").await.expect(200);
    for _ in 0..2 {
        app.server.kill9();
        app.server.restart();
        assert_eq!(shown(&ann, "Demo").await["enabled"], true);
        assert_eq!(shown(&bob, "Demo").await["enabled"], false);
        bob.get("/api/v1/plugins/Demo/dist/index.js").await.assert_problem(404, "not_found");
        assert_eq!(shown(&carl, "Demo").await, Value::Null);
        assert_eq!(shown(&early, "Demo").await, Value::Null);
        // Logging in is not being new.
        assert_eq!(shown(&carl.log_in("carl", "carl's password").await, "Demo").await, Value::Null);
    }
}
