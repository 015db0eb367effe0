//! The routes that show modules.

use serde_json::json;

use super::{bare, full};
use crate::support::TestApp;

both!(modules_have_the_frontends_shapes);
async fn modules_have_the_frontends_shapes(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.publish(full("1.0.0").zip(), "").await.expect(201);
    ann.post("/api/v1/plugins/DemoPlugin/install").json(json!({})).await.expect(200);
    insta::assert_snapshot!(ann.get("/api/v1/plugins/DemoPlugin/modules").await.snapshot(), @r#"
    200
    {
      "modules": [
        {
          "id": "demo-mod",
          "pluginId": "[id 1]_DemoPlugin",
          "name": "DemoModule",
          "displayName": "Demo",
          "description": "d",
          "icon": "Star",
          "category": "utilities",
          "enabled": true,
          "priority": 1,
          "userId": "[id 1]",
          "props": {
            "a": 1.5
          },
          "configFields": {
            "size": {
              "type": "number",
              "default": 10
            }
          },
          "requiredServices": {
            "api": {
              "methods": [
                "get"
              ],
              "version": "1.0.0"
            }
          },
          "layout": {
            "minWidth": 2,
            "minHeight": 2,
            "defaultWidth": 4,
            "defaultHeight": 3
          },
          "dependencies": [],
          "tags": [
            "demo"
          ],
          "messages": {
            "sends": [
              "a"
            ],
            "receives": []
          },
          "config": {
            "size": 10
          }
        }
      ]
    }
    "#);
    let detail = ann.get("/api/v1/plugins/DemoPlugin/modules/demo-mod").await;
    insta::assert_snapshot!(detail.snapshot(), @r#"
    200
    {
      "module": {
        "id": "demo-mod",
        "pluginId": "[id 1]_DemoPlugin",
        "name": "DemoModule",
        "displayName": "Demo",
        "description": "d",
        "icon": "Star",
        "category": "utilities",
        "enabled": true,
        "priority": 1,
        "props": {
          "a": 1.5
        },
        "configFields": {
          "size": {
            "type": "number",
            "default": 10
          }
        },
        "requiredServices": {
          "api": {
            "methods": [
              "get"
            ],
            "version": "1.0.0"
          }
        },
        "layout": {
          "minWidth": 2,
          "minHeight": 2,
          "defaultWidth": 4,
          "defaultHeight": 3
        },
        "dependencies": [],
        "tags": [
          "demo"
        ],
        "messages": {
          "sends": [
            "a"
          ],
          "receives": []
        },
        "config": {
          "size": 10
        }
      },
      "plugin": {
        "id": "[id 1]_DemoPlugin",
        "name": "Demo Plugin",
        "description": "demo",
        "version": "1.0.0",
        "type": "frontend",
        "enabled": true,
        "icon": "Star",
        "category": "utilities",
        "status": "activated",
        "official": true,
        "author": "me",
        "lastUpdated": "2026-01-01",
        "compatibility": "1.0.0",
        "downloads": 7,
        "scope": "DemoPlugin",
        "bundleMethod": "webpack",
        "bundleLocation": "dist/remoteEntry.js",
        "isLocal": false,
        "sourceType": "github",
        "sourceUrl": null,
        "updateCheckUrl": "https://example.org/check",
        "lastUpdateCheck": null,
        "updateAvailable": false,
        "latestVersion": "1.0.0",
        "installationType": "production",
        "configFields": {
          "refresh": {
            "type": "number",
            "default": 30
          },
          "name": {
            "type": "string"
          }
        },
        "messages": {
          "sends": [],
          "receives": []
        },
        "dependencies": [],
        "permissions": [
          "storage.read"
        ]
      }
    }
    "#);
    let direct = ann.get("/api/v1/plugins/direct/DemoPlugin/modules/demo-mod").await.expect(200);
    assert_eq!(direct.json(), detail.json());
    insta::assert_snapshot!(ann.get("/api/v1/plugins/simple/DemoPlugin/modules/demo-mod").await.snapshot(), @r#"
    200
    {
      "module": {
        "id": "demo-mod",
        "pluginId": "[id 1]_DemoPlugin",
        "name": "DemoModule",
        "displayName": "Demo",
        "description": "d"
      },
      "plugin": {
        "id": "[id 1]_DemoPlugin",
        "name": "Demo Plugin",
        "description": "demo",
        "version": "1.0.0"
      }
    }
    "#);
    // By id as by slug.
    let by_id = format!("/api/v1/plugins/{}_DemoPlugin/modules/demo-mod", ann.user_id);
    assert_eq!(ann.get(&by_id).await.expect(200).json(), detail.json());
}

both!(what_a_module_leaves_out_is_null_or_empty);
async fn what_a_module_leaves_out_is_null_or_empty(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.publish(bare().zip(), "").await.expect(201);
    ann.post("/api/v1/plugins/Bare/install").json(json!({})).await.expect(200);
    insta::assert_snapshot!(ann.get("/api/v1/plugins/Bare/modules/m").await.snapshot(), @r#"
    200
    {
      "module": {
        "id": "m",
        "pluginId": "[id 1]_Bare",
        "name": "m",
        "displayName": null,
        "description": null,
        "icon": null,
        "category": null,
        "enabled": true,
        "priority": 0,
        "props": {},
        "configFields": {},
        "requiredServices": {},
        "layout": {},
        "dependencies": [],
        "tags": [],
        "messages": {
          "sends": [],
          "receives": []
        },
        "config": {}
      },
      "plugin": {
        "id": "[id 1]_Bare",
        "name": "Bare",
        "description": null,
        "version": "1.0.0",
        "type": "frontend",
        "enabled": true,
        "icon": null,
        "category": null,
        "status": "activated",
        "official": false,
        "author": null,
        "lastUpdated": null,
        "compatibility": null,
        "downloads": 0,
        "scope": null,
        "bundleMethod": null,
        "bundleLocation": null,
        "isLocal": false,
        "sourceType": null,
        "sourceUrl": null,
        "updateCheckUrl": null,
        "lastUpdateCheck": null,
        "updateAvailable": false,
        "latestVersion": "1.0.0",
        "installationType": "production",
        "configFields": {},
        "messages": {
          "sends": [],
          "receives": []
        },
        "dependencies": [],
        "permissions": []
      }
    }
    "#);
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
