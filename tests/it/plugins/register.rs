//! What frontends register: published plugins, and descriptions without files.

use serde_json::{Value, json};

use super::full;
use crate::support::TestApp;

both!(a_frontend_registers_what_is_published);
async fn a_frontend_registers_what_is_published(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    for version in ["1.0.0", "1.1.0"] {
        admin.publish(full(version).zip(), "").await.expect(201);
    }
    let body = json!({"id": "whatever", "name": "Demo", "version": "1.0.0", "userId": "somebody", "bundlelocation": "x.js"});
    let answer = ann.post("/api/v1/plugins/DemoPlugin/register").json(&body).await;
    insta::assert_snapshot!(answer.snapshot(), @r#"
        200
        {
          "status": "success",
          "message": "Plugin DemoPlugin registered successfully"
        }
        "#);
    let listed = ann.get("/api/v1/plugins").await.expect(200).json();
    assert_eq!((&listed["items"][0]["version"], &listed["items"][0]["update_available"]), (&json!("1.0.0"), &json!(true)));
    ann.get("/api/v1/plugins/DemoPlugin/dist/remoteEntry.js").await.expect(200);
    ann.post("/api/v1/plugins/DemoPlugin/register").json(&body).await.assert_problem(409, "already_exists");
}

both!(a_frontend_registers_a_plugin_without_files);
async fn a_frontend_registers_a_plugin_without_files(app: TestApp) {
    let ann = app.user("ann").await;
    let described = json!({
        "id": "somebody_Own", "plugin_slug": "Wrong", "name": "Own", "description": "d", "version": "0.1.0", "bundle_method": "webpack",
        "bundleLocation": "/dist/own.js", "islocal": true, "userId": "somebody", "scope": "Own", "dependencies": [],
        "configFields": {"a": {"type": "number", "default": 1}},
        "modules": [{"id": "m", "name": "M", "display_name": "The M", "enabled": false, "tags": ["t"]}],
    });
    ann.post("/api/v1/plugins/Own/register").json(&described).await.expect(200);
    insta::assert_snapshot!(ann.get("/api/v1/plugins/Own/info").await.snapshot(), @r#"
        200
        {
          "id": "[id 1]_Own",
          "plugin_slug": "Own",
          "name": "Own",
          "description": "d",
          "version": "0.1.0",
          "type": "frontend",
          "pluginType": "frontend",
          "enabled": true,
          "icon": null,
          "category": null,
          "status": "activated",
          "official": false,
          "author": null,
          "lastUpdated": null,
          "compatibility": null,
          "downloads": 0,
          "scope": "Own",
          "bundlemethod": "webpack",
          "bundlelocation": "dist/own.js",
          "islocal": true,
          "longDescription": null,
          "userId": "[id 1]",
          "sourceType": null,
          "sourceUrl": null,
          "updateCheckUrl": null,
          "lastUpdateCheck": null,
          "updateAvailable": false,
          "latestVersion": null,
          "installationType": "local",
          "endpointsFile": null,
          "routePrefix": null,
          "configFields": {
            "a": {
              "type": "number",
              "default": 1
            }
          },
          "messages": {
            "sends": [],
            "receives": []
          },
          "dependencies": [],
          "permissions": [],
          "requiredServicesRuntime": [],
          "backendDependencies": [],
          "config": {
            "a": 1
          },
          "entry_url": null,
          "integrity": null,
          "files_base_url": null,
          "modules": [
            {
              "id": "m",
              "pluginId": "[id 1]_Own",
              "name": "M",
              "displayName": "The M",
              "description": null,
              "icon": null,
              "category": null,
              "enabled": false,
              "priority": 0,
              "userId": "[id 1]",
              "props": {},
              "configFields": {},
              "requiredServices": {},
              "layout": {},
              "dependencies": [],
              "tags": [
                "t"
              ],
              "messages": {
                "sends": [],
                "receives": []
              },
              "config": {}
            }
          ]
        }
        "#);
    let status = ann.get("/api/v1/plugins/Own/status").await.expect(200).json();
    assert_eq!((&status["data"]["exists"], &status["data"]["drift"]), (&json!(true), &Value::Null));
    assert_eq!(ann.get("/api/v1/plugins/manifest").await.expect(200).json()["Own"]["id"], "Own");
    ann.get("/api/v1/plugins/Own/dist/own.js").await.assert_problem(404, "not_found");
    ann.patch("/api/v1/plugins/Own/modules/m").json(json!({"enabled": true})).await.expect(200);
    // What it needs counts as for any other.
    let needy = json!({"version": "1.0.0", "dependencies": ["Own", "Absent"]});
    let problem = ann.post("/api/v1/plugins/Needy/register").json(&needy).await.assert_problem(409, "dependency_missing");
    assert_eq!(problem["missing"][0]["slug"], "Absent");
    ann.delete("/api/v1/plugins/Own").await.expect(200);
}

both!(a_description_is_refused_with_every_fault);
async fn a_description_is_refused_with_every_fault(app: TestApp) {
    let ann = app.user("ann").await;
    let body = json!({"version": "one", "tags": [1], "modules": [{"name": "x"}], "endpointsFile": "e.py", "bundlelocation": "../x"});
    let problem = ann.post("/api/v1/plugins/Own/register").json(&body).await.assert_problem(422, "validation");
    let pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/endpointsFile", "/version", "/bundlelocation", "/tags/0", "/modules/0/id"]);
    ann.post("/api/v1/plugins/Own/register").json(json!({})).await.assert_problem(422, "validation");
    ann.post("/api/v1/plugins/Own/register").json(json!([])).await.assert_problem(422, "validation");
    ann.post("/api/v1/plugins/install/register").json(json!({"version": "1.0.0"})).await.assert_problem(404, "not_found");
    assert_eq!(ann.get("/api/v1/plugins").await.expect(200).json()["items"], json!([]));
}
