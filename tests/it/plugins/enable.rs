//! PATCH `/plugins/{plugin}` and `/plugins/{plugin}/modules/{module}`

use serde_json::{Value, json};

use super::full;
use crate::support::{Client, TestApp};

async fn with_demo(app: &TestApp) -> Client {
    app.admin().await.publish(full("1.0.0").zip(), "").await.expect(201);
    let ann = app.user("ann").await;
    ann.post("/api/v1/plugins/DemoPlugin/install").json(json!({"config": {"refresh": 5}})).await.expect(200);
    ann
}

async fn plugin(ann: &Client) -> Value {
    ann.get("/api/v1/plugins").await.expect(200).json()["items"][0].clone()
}

both!(a_plugin_is_switched_and_its_values_stay);
async fn a_plugin_is_switched_and_its_values_stay(app: TestApp) {
    let ann = with_demo(&app).await;
    let config = ann.get("/api/v1/plugins/DemoPlugin/config").await.expect(200);
    let answer = ann.patch("/api/v1/plugins/DemoPlugin").json(json!({"enabled": false})).await;
    insta::assert_snapshot!(answer.snapshot(), @r#"
    200
    {
      "status": "success",
      "message": "Plugin DemoPlugin disabled successfully"
    }
    "#);
    let off = plugin(&ann).await;
    assert_eq!(off["enabled"], false);
    assert!(off["disabled_at"].is_string(), "{off}");
    ann.get("/api/v1/plugins/DemoPlugin/dist/remoteEntry.js").await.assert_problem(404, "not_found");
    // Twice is fine and changes nothing.
    ann.patch("/api/v1/plugins/DemoPlugin").json(json!({"enabled": false})).await.expect(200);
    assert_eq!(plugin(&ann).await, off);

    // By id, and with members that this route does not know.
    let by_id = format!("/api/v1/plugins/{}_DemoPlugin", ann.user_id);
    let answer = ann.patch(&by_id).json(json!({"enabled": true, "name": "mine"})).await;
    insta::assert_snapshot!(answer.snapshot(), @r#"
    200
    {
      "status": "success",
      "message": "Plugin DemoPlugin enabled successfully"
    }
    "#);
    assert_eq!(plugin(&ann).await["enabled"], true);
    ann.get("/api/v1/plugins/DemoPlugin/dist/remoteEntry.js").await.expect(200);
    let after = ann.get("/api/v1/plugins/DemoPlugin/config").await.expect(200);
    assert_eq!((after.json(), after.header("etag")), (config.json(), config.header("etag")));
}

both!(only_a_boolean_switches);
async fn only_a_boolean_switches(app: TestApp) {
    let ann = with_demo(&app).await;
    let before = plugin(&ann).await;
    for path in ["/api/v1/plugins/DemoPlugin", "/api/v1/plugins/DemoPlugin/modules/demo-mod"] {
        for body in [json!({"enabled": "false"}), json!({"enabled": 0}), json!({"enabled": null})] {
            let problem = ann.patch(path).json(&body).await.assert_problem(422, "validation");
            assert_eq!(problem["errors"][0]["pointer"], "/enabled", "{body}: {problem}");
        }
        for body in [json!({}), json!({"Enabled": false}), json!([]), json!(false)] {
            ann.patch(path).json(&body).await.assert_problem(422, "validation");
        }
        ann.patch(path).await.assert_problem(415, "unsupported_media_type");
    }
    assert_eq!(plugin(&ann).await, before);
}

both!(a_module_is_switched_alone);
async fn a_module_is_switched_alone(app: TestApp) {
    let ann = with_demo(&app).await;
    let answer = ann.patch("/api/v1/plugins/DemoPlugin/modules/demo-mod").json(json!({"enabled": false})).await;
    insta::assert_snapshot!(answer.snapshot(), @r#"
    200
    {
      "status": "success",
      "message": "Module demo-mod disabled successfully"
    }
    "#);
    let designer = ann.get("/api/v1/plugins/manifest/designer").await.expect(200).json();
    assert_eq!(designer["DemoPlugin"]["enabled"], true);
    assert_eq!(designer["DemoPlugin"]["modules"][0]["enabled"], false);
    ann.patch("/api/v1/plugins/DemoPlugin/modules/demo-mod").json(json!({"enabled": true})).await.expect(200);
    for absent in ["DemoPlugin/modules/absent", "DemoPlugin/modules/a%00b", "Absent/modules/demo-mod", "DemoPlugin/modules/%ff"] {
        ann.patch(&format!("/api/v1/plugins/{absent}")).json(json!({"enabled": true})).await.assert_problem(404, "not_found");
    }
}
