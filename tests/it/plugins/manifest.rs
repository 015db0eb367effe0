//! GET `/plugins/manifest`, `/plugins/manifest/designer`, and the tags of both and of GET `/plugins`

use serde_json::json;

use super::{bare, full};
use crate::support::{Client, TestApp, package};

both!(the_boot_manifest_has_the_frontends_shape);
async fn the_boot_manifest_has_the_frontends_shape(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.publish(full("1.0.0").zip(), "visibility=public").await.expect(201);
    admin.publish(bare().zip(), "").await.expect(201);
    for slug in ["DemoPlugin", "Bare"] {
        ann.post(&format!("/api/v1/plugins/{slug}/install")).json(json!({})).await.expect(200);
    }
    insta::assert_snapshot!(ann.get("/api/v1/plugins/manifest").await.snapshot(), @r#"
    200
    {
      "Bare": {
        "id": "Bare",
        "plugin_slug": "Bare",
        "name": "Bare",
        "description": null,
        "version": "1.0.0",
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
        "scope": null,
        "bundlemethod": null,
        "bundlelocation": null,
        "islocal": false,
        "longDescription": null,
        "userId": "[id 1]",
        "sourceType": null,
        "sourceUrl": null,
        "updateCheckUrl": null,
        "lastUpdateCheck": null,
        "updateAvailable": false,
        "latestVersion": "1.0.0",
        "installationType": "production",
        "endpointsFile": null,
        "routePrefix": null,
        "configFields": {},
        "messages": {
          "sends": [],
          "receives": []
        },
        "dependencies": [],
        "permissions": [],
        "requiredServicesRuntime": [],
        "backendDependencies": [],
        "config": {},
        "entry_url": null,
        "integrity": null,
        "files_base_url": null,
        "database_id": "[id 2].v1.0.0"
      },
      "DemoPlugin": {
        "id": "DemoPlugin",
        "plugin_slug": "DemoPlugin",
        "name": "Demo Plugin",
        "description": "demo",
        "version": "1.0.0",
        "type": "frontend",
        "pluginType": "frontend",
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
        "bundlemethod": "webpack",
        "bundlelocation": "dist/remoteEntry.js",
        "islocal": false,
        "longDescription": "long",
        "userId": "[id 1]",
        "sourceType": "github",
        "sourceUrl": null,
        "updateCheckUrl": "https://example.org/check",
        "lastUpdateCheck": null,
        "updateAvailable": false,
        "latestVersion": "1.0.0",
        "installationType": "production",
        "endpointsFile": null,
        "routePrefix": null,
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
        ],
        "requiredServicesRuntime": [],
        "backendDependencies": [],
        "config": {
          "refresh": 30
        },
        "entry_url": "/api/v1/files/DemoPlugin/v1.0.0/dist/remoteEntry.js",
        "integrity": "sha384-WquIySXowkXwAkPc2reKAFfiIrNqrZUaysvTxPTEl9dsJh23ZIsqRhxBIxacA0mD",
        "files_base_url": "/api/v1/files/DemoPlugin/v1.0.0/",
        "database_id": "[id 3].v1.0.0"
      }
    }
    "#);
}

both!(the_designers_manifest_has_modules_too);
async fn the_designers_manifest_has_modules_too(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.publish(full("1.0.0").zip(), "").await.expect(201);
    ann.post("/api/v1/plugins/DemoPlugin/install").json(json!({})).await.expect(200);
    let plain = ann.get("/api/v1/plugins/manifest").await.expect(200).json();
    let mut designer = ann.get("/api/v1/plugins/manifest/designer").await.expect(200).json();
    let modules = designer["DemoPlugin"].as_object_mut().unwrap().shift_remove("modules").unwrap();
    assert_eq!(designer, plain);
    insta::assert_snapshot!(crate::support::redact::redact(&modules), @r#"
    [
      {
        "id": "demo-mod",
        "pluginId": "DemoPlugin",
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
    "#);
}

const ROUTES: [&str; 3] = ["/api/v1/plugins", "/api/v1/plugins/manifest", "/api/v1/plugins/manifest/designer"];

async fn tags(user: &Client) -> [String; 3] {
    let tags = futures_util::future::join_all(ROUTES.map(async |route| user.get(route).await.expect(200).header("etag").to_owned())).await;
    tags.try_into().unwrap()
}

both!(a_tag_changes_with_what_it_stands_for_and_only_then);
async fn a_tag_changes_with_what_it_stands_for_and_only_then(app: TestApp) {
    let (admin, ann, bob) = (app.admin().await, app.user("ann").await, app.user("bob").await);
    for version in ["1.0.0", "1.1.0"] {
        admin.publish(full(version).zip(), "").await.expect(201);
    }
    admin.publish(package("Other", "1.0.0").zip(), "").await.expect(201);
    let mut last = tags(&ann).await;
    // Which of the three routes the step before has changed.
    let mut changed = async |what: &str, expected: [bool; 3]| {
        let now = tags(&ann).await;
        let found: Vec<bool> = now.iter().zip(&last).map(|(now, last)| now != last).collect();
        assert_eq!(found, expected, "{what}");
        last = now;
    };
    let plugin = "/api/v1/plugins/DemoPlugin";
    changed("nothing", [false; 3]).await;
    ann.post(&format!("{plugin}/install")).json(json!({"version": "1.0.0"})).await.expect(200);
    changed("install", [true; 3]).await;
    ann.post(&format!("{plugin}/install")).json(json!({})).await.expect(409);
    changed("a refused install", [false; 3]).await;
    bob.post(&format!("{plugin}/install")).json(json!({})).await.expect(200);
    bob.patch(plugin).json(json!({"enabled": false})).await.expect(200);
    changed("somebody else", [false; 3]).await;
    ann.patch(plugin).json(json!({"enabled": true})).await.expect(200);
    changed("enabling what is enabled", [false; 3]).await;
    ann.patch(plugin).json(json!({"enabled": false})).await.expect(200);
    changed("disable", [true; 3]).await;
    ann.patch(plugin).json(json!({"enabled": true})).await.expect(200);
    changed("enable", [true; 3]).await;
    ann.patch(&format!("{plugin}/modules/demo-mod")).json(json!({"enabled": false})).await.expect(200);
    changed("disable a module", [true, false, true]).await;
    ann.post(&format!("{plugin}/update")).json(json!({})).await.expect(200);
    changed("update", [true; 3]).await;
    ann.post(&format!("{plugin}/rollback")).await.expect(200);
    changed("rollback", [true; 3]).await;
    for status in ["disabled", "enabled"] {
        admin.put("/api/v1/releases/DemoPlugin/availability").json(json!({"status": status})).await.expect(200);
        changed(status, [true; 3]).await;
    }
    ann.get(&format!("{plugin}/dist/remoteEntry.js")).await.expect(200);
    ann.get(&format!("{plugin}/status")).await.expect(200);
    changed("reading", [false; 3]).await;
    ann.delete(&format!("{plugin}/uninstall")).await.expect(200);
    changed("uninstall", [true; 3]).await;
}

both!(what_the_client_has_is_not_sent_again);
async fn what_the_client_has_is_not_sent_again(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.publish(full("1.0.0").zip(), "").await.expect(201);
    ann.post("/api/v1/plugins/DemoPlugin/install").json(json!({})).await.expect(200);
    for route in ROUTES {
        let whole = ann.get(route).await.expect(200);
        let tag = whole.header("etag");
        assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 10, "{tag}");
        assert_eq!((whole.header("cache-control"), whole.header("vary")), ("private, no-cache", "Authorization"));
        for known in [tag.to_owned(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            let answer = ann.get(route).header("if-none-match", &known).await.expect(304);
            assert_eq!((answer.bytes.len(), answer.header("etag")), (0, tag), "{known}");
            assert_eq!((answer.header("cache-control"), answer.header("vary")), ("private, no-cache", "Authorization"));
        }
        for unknown in ["\"other\"", "not a tag", ""] {
            ann.get(route).header("if-none-match", unknown).await.expect(200);
        }
        app.anonymous().get(route).header("if-none-match", tag).await.assert_problem(401, "unauthenticated");
    }
}
