//! GET `/plugins/{slug}/status`

use std::fs;

use serde_json::json;

use super::full;
use crate::support::TestApp;

both!(the_status_of_a_healthy_plugin_tells_everything);
async fn the_status_of_a_healthy_plugin_tells_everything(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.publish(full("1.0.0").zip(), "").await.expect(201);
    ann.post("/api/v1/plugins/DemoPlugin/install").json(json!({})).await.expect(200);
    insta::assert_snapshot!(ann.get("/api/v1/plugins/DemoPlugin/status").await.snapshot(), @r#"
    200
    {
      "status": "success",
      "data": {
        "plugin_slug": "DemoPlugin",
        "exists": true,
        "status": "healthy",
        "plugin_info": {
          "id": "[id 1]_DemoPlugin",
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
          "entry_url": "/api/v1/public/plugins/[id 2].v1.0.0/dist/remoteEntry.js",
          "integrity": "sha384-WquIySXowkXwAkPc2reKAFfiIrNqrZUaysvTxPTEl9dsJh23ZIsqRhxBIxacA0mD",
          "files_base_url": "/api/v1/public/plugins/[id 2].v1.0.0/"
        },
        "health_details": {
          "bundle_exists": true,
          "bundle_size": 16,
          "package_json_valid": true,
          "assets_present": true
        },
        "installation_metadata": {
          "installation_type": "production",
          "source_url": null,
          "installed_by": "ann",
          "installed_at": "[time]"
        },
        "drift": null
      }
    }
    "#);
}

both!(a_plugin_that_is_not_installed_has_a_status_too);
async fn a_plugin_that_is_not_installed_has_a_status_too(app: TestApp) {
    let ann = app.user("ann").await;
    insta::assert_snapshot!(ann.get("/api/v1/plugins/Absent/status").await.snapshot(), @r#"
    200
    {
      "status": "success",
      "data": {
        "plugin_slug": "Absent",
        "exists": false,
        "status": "not_installed",
        "plugin_info": null,
        "health_details": {
          "bundle_exists": false,
          "bundle_size": null,
          "package_json_valid": false,
          "assets_present": false
        },
        "installation_metadata": null,
        "drift": null
      }
    }
    "#);
    for odd in ["a%00b", "%ff", "CON", "a..b"] {
        let answer = ann.get(&format!("/api/v1/plugins/{odd}/status")).await;
        assert!(answer.status == 404 || answer.json()["data"]["status"] == "not_installed", "{odd}: {}", answer.text());
    }
}

both!(missing_files_make_a_plugin_unhealthy);
async fn missing_files_make_a_plugin_unhealthy(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.publish(full("1.0.0").zip(), "").await.expect(201);
    ann.post("/api/v1/plugins/DemoPlugin/install").json(json!({})).await.expect(200);
    let release = app.home.plugins_dir().join("shared/DemoPlugin/v1.0.0");
    let health = async || {
        let status = ann.get("/api/v1/plugins/DemoPlugin/status").await.expect(200).json();
        json!([status["data"]["status"], status["data"]["health_details"]])
    };
    let details = |bundle: bool, manifest: bool, assets: bool| json!({"bundle_exists": bundle, "bundle_size": 16, "package_json_valid": manifest, "assets_present": assets});
    assert_eq!(health().await, json!(["healthy", details(true, true, true)]));
    fs::remove_file(release.join("dist/index.js")).unwrap();
    assert_eq!(health().await, json!(["unhealthy", details(true, true, false)]));
    fs::write(release.join("dist/remoteEntry.js"), "another length").unwrap();
    assert_eq!(health().await, json!(["unhealthy", details(false, true, false)]));
    fs::remove_dir_all(&release).unwrap();
    assert_eq!(health().await, json!(["unhealthy", details(false, false, false)]));
}

both!(what_row_and_record_disagree_about_is_told);
async fn what_row_and_record_disagree_about_is_told(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.publish(full("1.0.0").zip(), "").await.expect(201);
    ann.post("/api/v1/plugins/DemoPlugin/install").json(json!({})).await.expect(200);
    let file = app.home.plugins_dir().join(format!("users/user_{}/installed_plugins.json", ann.user_id));
    let record = fs::read_to_string(&file).unwrap();
    let drift = async |slug: &str| {
        let data = ann.get(&format!("/api/v1/plugins/{slug}/status")).await.expect(200).json()["data"].clone();
        assert_eq!((&data["exists"], &data["status"]), (&json!(false), &json!("not_installed")), "{data}");
        data["drift"].clone()
    };
    fs::write(&file, "{}").unwrap();
    assert_eq!(drift("DemoPlugin").await, "row_without_record");
    // A user has a plugin when row and record both exist.
    assert_eq!(ann.get("/api/v1/plugins").await.expect(200).json()["items"], json!([]));
    ann.get("/api/v1/plugins/DemoPlugin/dist/remoteEntry.js").await.assert_problem(404, "not_found");
    fs::write(&file, record.replace("DemoPlugin", "Other")).unwrap();
    assert_eq!(drift("Other").await, "record_without_row");
    fs::write(&file, record).unwrap();
    assert_eq!(ann.get("/api/v1/plugins/DemoPlugin/status").await.expect(200).json()["data"]["drift"], json!(null));
}
