//! GET `/plugins`

use serde_json::json;

use super::{bare, full};
use crate::support::{TestApp, package};

both!(the_list_has_everything_in_order);
async fn the_list_has_everything_in_order(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.publish(full("1.0.0").zip(), "").await.expect(201);
    admin.publish(bare().zip(), "").await.expect(201);
    insta::assert_snapshot!(ann.get("/api/v1/plugins").await.snapshot(), @r#"
    200
    {
      "items": []
    }
    "#);
    for (slug, body) in [("DemoPlugin", json!({})), ("Bare", json!({"enabled": false}))] {
        ann.post(&format!("/api/v1/plugins/{slug}/install")).json(body).await.expect(200);
    }
    admin.publish(full("1.1.0").zip(), "").await.expect(201);
    admin.put("/api/v1/releases/DemoPlugin/availability").json(json!({"status": "disabled"})).await.expect(200);
    insta::assert_snapshot!(ann.get("/api/v1/plugins").await.snapshot(), @r#"
    200
    {
      "items": [
        {
          "slug": "Bare",
          "id": "[id 1]_Bare",
          "version": "1.0.0",
          "enabled": false,
          "available": true,
          "enabled_at": null,
          "disabled_at": "[time]",
          "revision": 1,
          "entry_url": null,
          "integrity": null,
          "files_base_url": null,
          "update_available": false,
          "latest_version": "1.0.0"
        },
        {
          "slug": "DemoPlugin",
          "id": "[id 1]_DemoPlugin",
          "version": "1.0.0",
          "enabled": true,
          "available": false,
          "enabled_at": "[time]",
          "disabled_at": null,
          "revision": 1,
          "entry_url": "/api/v1/public/plugins/[id 2].v1.0.0/dist/remoteEntry.js",
          "integrity": "sha384-WquIySXowkXwAkPc2reKAFfiIrNqrZUaysvTxPTEl9dsJh23ZIsqRhxBIxacA0mD",
          "files_base_url": "/api/v1/public/plugins/[id 2].v1.0.0/",
          "update_available": true,
          "latest_version": "1.1.0"
        }
      ]
    }
    "#);
}

both!(addresses_follow_the_visibility);
async fn addresses_follow_the_visibility(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.publish(package("Open", "1.0.0").zip(), "visibility=public").await.expect(201);
    admin.publish(package("Closed", "1.0.0").zip(), "").await.expect(201);
    for slug in ["Open", "Closed"] {
        ann.post(&format!("/api/v1/plugins/{slug}/install")).json(json!({})).await.expect(200);
    }
    let manifest = ann.get("/api/v1/plugins/manifest").await.expect(200).json();
    assert_eq!(manifest["Open"]["files_base_url"], "/api/v1/files/Open/v1.0.0/");
    let key = manifest["Closed"]["database_id"].as_str().unwrap();
    assert_eq!(manifest["Closed"]["files_base_url"], format!("/api/v1/public/plugins/{key}/"));
    for item in ann.get("/api/v1/plugins").await.expect(200).json()["items"].as_array().unwrap() {
        let shown = &manifest[item["slug"].as_str().unwrap()];
        for member in ["entry_url", "files_base_url", "integrity"] {
            assert_eq!(item[member], shown[member]);
        }
        let url = item["entry_url"].as_str().unwrap();
        assert_eq!(url, format!("{}dist/index.js", item["files_base_url"].as_str().unwrap()));
        let served = app.anonymous().get(url).await.expect(200);
        let release = format!("/api/v1/releases/{}/1.0.0/files", item["slug"].as_str().unwrap());
        let files = ann.get(&release).await.expect(200).json();
        let file = files["items"].as_array().unwrap().iter().find(|file| file["path"] == "dist/index.js").unwrap().clone();
        assert_eq!((&file["integrity"], &file["size"]), (&item["integrity"], &json!(served.bytes.len())));
    }
}
