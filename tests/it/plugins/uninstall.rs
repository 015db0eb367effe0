//! DELETE `/plugins/{slug}/uninstall`

use serde_json::json;

use super::full;
use crate::support::TestApp;

both!(a_plugin_goes_from_one_user_alone);
async fn a_plugin_goes_from_one_user_alone(app: TestApp) {
    let (admin, ann, bob) = (app.admin().await, app.user("ann").await, app.user("bob").await);
    admin.publish(full("1.0.0").zip(), "").await.expect(201);
    for user in [&ann, &bob] {
        user.post("/api/v1/plugins/DemoPlugin/install").json(json!({})).await.expect(200);
    }
    let stored = app.stored();
    let answer = ann.delete("/api/v1/plugins/DemoPlugin/uninstall").await;
    insta::assert_snapshot!(answer.snapshot(), @r#"
    200
    {
      "status": "success",
      "message": "Plugin DemoPlugin uninstalled successfully",
      "data": {
        "plugin_slug": "DemoPlugin",
        "plugin_id": "[id 1]_DemoPlugin",
        "deleted_modules": 1
      }
    }
    "#);
    ann.delete("/api/v1/plugins/DemoPlugin/uninstall").await.assert_problem(404, "not_found");
    assert_eq!(ann.get("/api/v1/plugins").await.expect(200).json()["items"], json!([]));
    ann.get("/api/v1/plugins/DemoPlugin/dist/remoteEntry.js").await.assert_problem(404, "not_found");
    let file = app.home.plugins_dir().join(format!("users/user_{}/installed_plugins.json", ann.user_id));
    assert_eq!(std::fs::read_to_string(file).unwrap().trim(), "{}");

    bob.get("/api/v1/plugins/DemoPlugin/dist/remoteEntry.js").await.expect(200);
    assert_eq!(app.stored(), stored, "the release stays");
    // Back again, from the beginning: another key, no values of before.
    ann.post("/api/v1/plugins/DemoPlugin/install").json(json!({})).await.expect(200);
    bob.delete(&format!("/api/v1/plugins/{}_DemoPlugin/uninstall", bob.user_id)).await.expect(200);
}

both!(an_absent_plugin_cannot_be_uninstalled);
async fn an_absent_plugin_cannot_be_uninstalled(app: TestApp) {
    let ann = app.user("ann").await;
    for slug in ["Absent", "a%00b", "%ff", "CON", "a..b"] {
        ann.delete(&format!("/api/v1/plugins/{slug}/uninstall")).await.assert_problem(404, "not_found");
    }
    ann.delete("/api/v1/plugins/Absent/uninstall?cascade=maybe").await.assert_problem(422, "validation");
}
