//! The routes that show modules.

use serde_json::json;

use super::{bare, full};
use crate::support::TestApp;

both!(modules_have_the_frontends_shapes);
async fn modules_have_the_frontends_shapes(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.publish(full("1.0.0").zip(), "").await.expect(201);
    ann.post("/api/v1/plugins/DemoPlugin/install").json(json!({})).await.expect(200);
    insta::assert_snapshot!(ann.get("/api/v1/plugins/DemoPlugin/modules").await.snapshot(), @"");
    let detail = ann.get("/api/v1/plugins/DemoPlugin/modules/demo-mod").await;
    insta::assert_snapshot!(detail.snapshot(), @"");
    let direct = ann.get("/api/v1/plugins/direct/DemoPlugin/modules/demo-mod").await.expect(200);
    assert_eq!(direct.json(), detail.json());
    insta::assert_snapshot!(ann.get("/api/v1/plugins/simple/DemoPlugin/modules/demo-mod").await.snapshot(), @"");
    // By id as by slug.
    let by_id = format!("/api/v1/plugins/{}_DemoPlugin/modules/demo-mod", ann.user_id);
    assert_eq!(ann.get(&by_id).await.expect(200).json(), detail.json());
}

both!(what_a_module_leaves_out_is_null_or_empty);
async fn what_a_module_leaves_out_is_null_or_empty(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.publish(bare().zip(), "").await.expect(201);
    ann.post("/api/v1/plugins/Bare/install").json(json!({})).await.expect(200);
    insta::assert_snapshot!(ann.get("/api/v1/plugins/Bare/modules/m").await.snapshot(), @"");
}

both!(an_absent_module_is_not_found);
async fn an_absent_module_is_not_found(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.publish(full("1.0.0").zip(), "").await.expect(201);
    ann.post("/api/v1/plugins/DemoPlugin/install").json(json!({})).await.expect(200);
    for plugin in ["DemoPlugin", "Absent", "demoplugin", "a%00b"] {
        for module in ["absent", "DEMO-MOD", "a%00b", "%ff"] {
            for route in ["", "direct/", "simple/"] {
                ann.get(&format!("/api/v1/plugins/{route}{plugin}/modules/{module}")).await.assert_problem(404, "not_found");
            }
        }
    }
    ann.get("/api/v1/plugins/Absent/modules").await.assert_problem(404, "not_found");
}
