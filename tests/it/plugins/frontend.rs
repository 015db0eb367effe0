//! The routes of BrainDrive frontends beside the manifest: their shapes, and that fixed words win over slugs and files.

use serde_json::{Value, json};

use super::{bare, full};
use crate::support::{Client, Db, TestApp, package, redact::redact};

/// A user with three plugins of which one says all there is to say.
async fn with_plugins(app: &TestApp) -> Client {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let other = package("Other", "1.0.0")
        .module_with(json!({"id": "b", "name": "Beta", "description": "Shows SALES", "category": "charts", "tags": ["sales", "demo"]}))
        .module_with(json!({"id": "a", "displayName": "Alpha", "tags": ["x"]}));
    for package in [full("1.0.0"), bare(), other] {
        admin.publish(package.zip(), "").await.expect(201);
    }
    for slug in ["DemoPlugin", "Bare", "Other"] {
        ann.post(&format!("/api/v1/plugins/{slug}/install")).json(json!({})).await.expect(200);
    }
    ann
}

both!(a_plugin_is_shown_with_its_modules);
async fn a_plugin_is_shown_with_its_modules(app: TestApp) {
    let ann = with_plugins(&app).await;
    let info = ann.get("/api/v1/plugins/DemoPlugin/info").await.expect(200).json();
    let by_id = ann.get(&format!("/api/v1/plugins/{}_DemoPlugin/info", ann.user_id)).await.expect(200).json();
    assert_eq!(info, by_id);
    let mut plain = info.clone();
    let modules = plain.as_object_mut().unwrap().shift_remove("modules").unwrap();
    assert_eq!(modules, ann.get("/api/v1/plugins/DemoPlugin/modules").await.expect(200).json()["modules"]);
    assert_eq!(plain, ann.get("/api/v1/plugins/by-slug/DemoPlugin").await.expect(200).json());
    insta::assert_snapshot!(redact(&plain), @r#"
    {
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
    }
    "#);
    for route in ["Absent/info", "by-slug/Absent", "by-slug/%00"] {
        ann.get(&format!("/api/v1/plugins/{route}")).await.assert_problem(404, "not_found");
    }
}

both!(small_routes_have_their_shapes);
async fn small_routes_have_their_shapes(app: TestApp) {
    let ann = with_plugins(&app).await;
    let answers = json!({
        "test": ann.get("/api/v1/plugins/test").await.expect(200).json(),
        "categories": ann.get("/api/v1/plugins/categories").await.expect(200).json(),
        "tags": ann.get("/api/v1/plugins/tags").await.expect(200).json(),
        "refresh": ann.post("/api/v1/plugins/refresh-cache").await.expect(200).json(),
        "importmap": ann.get("/api/v1/plugins/importmap").await.expect(200).json(),
        "available": ann.get("/api/v1/plugins/available").await.expect(200).json()["data"]["available_plugins"]["DemoPlugin"],
        "test-loading": ann.post("/api/v1/plugins/Other/test-loading").await.expect(200).json(),
        "key": ann.post("/api/v1/plugins/Other/access-key").await.expect(200).json(),
        "delete": ann.delete("/api/v1/plugins/Bare").await.expect(200).json(),
    });
    insta::assert_snapshot!(redact(&answers), @r#"
    {
      "test": {
        "message": "Plugin router is working!",
        "user_id": "[id 1]"
      },
      "categories": {
        "categories": [
          "charts",
          "utilities"
        ]
      },
      "tags": {
        "tags": [
          "demo",
          "sales",
          "x"
        ]
      },
      "refresh": {
        "total": 3,
        "new": 0,
        "removed": 0
      },
      "importmap": {
        "imports": {
          "Other": "/api/v1/public/plugins/[id 2].v1.0.0/dist/index.js",
          "Other/": "/api/v1/public/plugins/[id 2].v1.0.0/"
        },
        "integrity": {
          "/api/v1/public/plugins/[id 2].v1.0.0/dist/index.js": "sha384-LFEV5zr35+9PVyeC55A4hUWkV9rUq8zbpPlJJ6Hhvn6mx1eGUoqKQ3RyNkGhXeMJ"
        }
      },
      "available": {
        "plugin_slug": "DemoPlugin",
        "name": "Demo Plugin",
        "description": "demo",
        "version": "1.0.0",
        "type": "frontend",
        "icon": "Star",
        "category": "utilities",
        "author": "me",
        "official": true,
        "tags": [
          "demo"
        ],
        "installs": 1,
        "installed": true,
        "installed_version": "1.0.0"
      },
      "test-loading": {
        "plugin_installed": true,
        "files_exist": true,
        "manifest_valid": true,
        "bundle_accessible": true,
        "modules_configured": [
          {
            "moduleName": "Beta",
            "configured": true,
            "hasRequiredFields": true,
            "issues": []
          },
          {
            "moduleName": "a",
            "configured": true,
            "hasRequiredFields": true,
            "issues": []
          }
        ],
        "errors": [],
        "warnings": []
      },
      "key": {
        "plugin_slug": "Other",
        "access_key": "[id 3]",
        "database_id": "[id 3].v1.0.0"
      },
      "delete": {
        "status": "success",
        "message": "Plugin Bare deleted successfully"
      }
    }
    "#);
    ann.delete("/api/v1/plugins/Bare").await.assert_problem(404, "not_found");
    app.anonymous().get("/api/v1/plugins/test").await.assert_problem(401, "unauthenticated");
}

fn ids(answer: &Value) -> Vec<&str> {
    answer["modules"].as_array().unwrap().iter().map(|module| module["id"].as_str().unwrap()).collect()
}

both!(the_manager_lists_modules_page_by_page);
async fn the_manager_lists_modules_page_by_page(app: TestApp) {
    let ann = with_plugins(&app).await;
    let get = async |query: &str| ann.get(&format!("/api/v1/plugins/manager{query}")).await.expect(200).json();
    let all = get("").await;
    assert_eq!((ids(&all), &all["totalItems"]), (vec!["m", "demo-mod", "b", "a"], &json!(4)));
    let expected = ann.get("/api/v1/plugins/DemoPlugin/modules").await.expect(200).json();
    assert_eq!(all["modules"][1], expected["modules"][0]);
    for (query, found) in [
        ("?search=sales", vec!["b"]),
        ("?search=ALPHA", vec!["a"]),
        ("?search=nothing", vec![]),
        ("?search=&category=&tags=", vec!["m", "demo-mod", "b", "a"]),
        ("?category=charts", vec!["b"]),
        ("?category=Charts", vec![]),
        ("?tags=x,sales", vec!["b", "a"]),
        ("?tags=demo&category=utilities", vec!["demo-mod"]),
        ("?search=%25", vec![]),
    ] {
        let answer = get(query).await;
        assert_eq!((ids(&answer), &answer["totalItems"]), (found.clone(), &json!(found.len())), "{query}");
    }
    let pages = [("?pageSize=3", vec!["m", "demo-mod", "b"]), ("?pageSize=3&page=2", vec!["a"]), ("?page=9", vec![])];
    for (query, found) in pages {
        let answer = get(query).await;
        assert_eq!((ids(&answer), &answer["totalItems"]), (found, &json!(4)), "{query}");
    }
    for query in ["?page=0", "?pageSize=0", "?pageSize=101", "?page=x", "?page=-1", "?pageSize=1e3"] {
        ann.get(&format!("/api/v1/plugins/manager{query}")).await.assert_problem(422, "validation");
    }
    ann.get(&format!("/api/v1/plugins/manager?page={}", u64::MAX)).await.expect(200);
    // Here a plugin is called by user and slug, whatever its stored id is.
    let unchecked = if app.db == Db::Sqlite { "PRAGMA foreign_keys = OFF" } else { "SET session_replication_role = replica" };
    let renamed = [("plugins", "id"), ("plugin_versions", "plugin_id"), ("modules", "plugin_id")]
        .map(|(table, id)| format!("; UPDATE {table} SET {id} = 'imported' WHERE {id} = '{}_Bare'", ann.user_id));
    app.database.execute(&format!("{unchecked}{}", renamed.concat()));
    assert_eq!(ann.get("/api/v1/plugins/Bare/info").await.expect(200).json()["id"], "imported");
    assert_eq!(get("").await["modules"][0]["pluginId"], format!("{}_Bare", ann.user_id));
}

both!(an_import_map_names_the_modules_that_are_on);
async fn an_import_map_names_the_modules_that_are_on(app: TestApp) {
    let ann = with_plugins(&app).await;
    let answer = ann.get("/api/v1/plugins/importmap").await.expect(200);
    let map = answer.json();
    // Only this one is a JavaScript module.
    assert_eq!(map["imports"].as_object().unwrap().keys().collect::<Vec<_>>(), ["Other", "Other/"]);
    let (entry, base) = (map["imports"]["Other"].as_str().unwrap(), map["imports"]["Other/"].as_str().unwrap());
    assert_eq!(entry, format!("{base}dist/index.js"));
    app.anonymous().get(entry).await.expect(200);
    let manifest = ann.get("/api/v1/plugins/manifest").await.expect(200).json();
    assert_eq!(map["integrity"], json!({entry: manifest["Other"]["integrity"]}));
    ann.get("/api/v1/plugins/importmap").header("if-none-match", answer.header("etag")).await.expect(304);
    ann.patch("/api/v1/plugins/Other").json(json!({"enabled": false})).await.expect(200);
    assert_eq!(ann.get("/api/v1/plugins/importmap").await.expect(200).json(), json!({"imports": {}, "integrity": {}}));
}

both!(a_renewed_key_ends_the_old_one);
async fn a_renewed_key_ends_the_old_one(app: TestApp) {
    let ann = with_plugins(&app).await;
    let entry = async || ann.get("/api/v1/plugins/importmap").await.expect(200).json()["imports"]["Other"].as_str().unwrap().to_owned();
    let old = entry().await;
    app.anonymous().get(&old).await.expect(200);
    let renewed = ann.post("/api/v1/plugins/Other/access-key").await.expect(200).json();
    let new = entry().await;
    assert!(new != old && new.contains(renewed["database_id"].as_str().unwrap()), "{new}");
    app.anonymous().get(&new).await.expect(200);
    app.anonymous().get(&old).await.assert_problem(404, "not_found");
    let audit = app.admin().await.get("/api/v1/audit?limit=1").await.expect(200).json();
    assert_eq!(audit["items"][0]["action"], "plugin.access_key");
}

both!(repairing_brings_row_and_record_together);
async fn repairing_brings_row_and_record_together(app: TestApp) {
    let ann = with_plugins(&app).await;
    let records = app.home.plugins_dir().join(format!("users/user_{}/installed_plugins.json", ann.user_id));
    std::fs::remove_file(&records).unwrap();
    app.database.execute("DELETE FROM modules WHERE id = 'demo-mod'");
    ann.get("/api/v1/plugins/DemoPlugin/info").await.assert_problem(404, "not_found");
    let repaired = ann.post("/api/v1/plugins/DemoPlugin/repair").await.expect(200).json();
    assert_eq!(repaired["data"]["status"], "healthy");
    assert_eq!(repaired["data"]["installation_metadata"]["installation_type"], "rebuilt");
    let info = ann.get("/api/v1/plugins/DemoPlugin/info").await.expect(200).json();
    assert_eq!(info["modules"][0]["id"], "demo-mod");
    // Nothing is left to do.
    let again = ann.post("/api/v1/plugins/DemoPlugin/repair").await.expect(200).json();
    assert_eq!(again, repaired);
    // A record that nothing belongs to goes.
    ann.post("/api/v1/plugins/Other/repair").await.expect(200);
    app.database.execute("DELETE FROM plugins WHERE plugin_slug = 'Other'");
    let drifted = ann.get("/api/v1/plugins/Other/status").await.expect(200).json();
    assert_eq!(drifted["data"]["drift"], "record_without_row");
    let repaired = ann.post("/api/v1/plugins/Other/repair").await.expect(200).json();
    assert_eq!((&repaired["data"]["status"], &repaired["data"]["drift"]), (&json!("not_installed"), &Value::Null));
    for absent in ["Other", "Absent", "%00"] {
        ann.post(&format!("/api/v1/plugins/{absent}/repair")).await.assert_problem(404, "not_found");
    }
    assert!(!std::fs::read_to_string(&records).unwrap().contains("Other"));
}

both!(missing_files_and_switches_are_found_by_test_loading);
async fn missing_files_and_switches_are_found_by_test_loading(app: TestApp) {
    let ann = with_plugins(&app).await;
    let test = async || ann.post("/api/v1/plugins/DemoPlugin/test-loading").await.expect(200).json();
    assert_eq!(test().await["bundle_accessible"], true);
    ann.patch("/api/v1/plugins/DemoPlugin").json(json!({"enabled": false})).await.expect(200);
    let disabled = test().await;
    assert_eq!((&disabled["bundle_accessible"], &disabled["warnings"]), (&json!(false), &json!(["the plugin is disabled"])));
    std::fs::remove_file(app.home.plugins_dir().join("shared/DemoPlugin/v1.0.0/dist/remoteEntry.js")).unwrap();
    let broken = test().await;
    assert_eq!((&broken["files_exist"], broken["errors"].as_array().unwrap().len()), (&json!(false), 2));
    ann.post("/api/v1/plugins/Absent/test-loading").await.assert_problem(404, "not_found");
}

both!(fixed_words_win_over_slugs_and_files);
async fn fixed_words_win_over_slugs_and_files(app: TestApp) {
    let ann = app.user("ann").await;
    let words = ["config", "modules", "info", "status", "versions", "update/available"];
    let named = words.iter().fold(package("Words", "1.0.0").with("visibility", "public"), |p, word| p.file(word, "a file"));
    app.admin().await.publish(named.file("other/info", "a file").module("m").zip(), "").await.expect(201);
    ann.post("/api/v1/plugins/Words/install").json(json!({})).await.expect(200);
    for word in words {
        let answer = ann.get(&format!("/api/v1/plugins/Words/{word}")).await.expect(200);
        assert_eq!(answer.header("content-type"), "application/json", "{word}");
        assert_eq!(ann.get(&format!("/api/v1/files/Words/v1.0.0/{word}")).await.expect(200).text(), "a file");
    }
    assert_eq!(ann.get("/api/v1/plugins/Words/other/info").await.expect(200).text(), "a file");
    for word in ["manager", "categories", "tags", "test", "available", "importmap", "manifest"] {
        ann.get(&format!("/api/v1/plugins/{word}")).await.expect(200);
        ann.get(&format!("/api/v1/plugins/{word}/")).await.expect(200);
    }
    for word in ["by-slug", "direct", "simple", "install", "install-from-url", "refresh-cache", "manager", "test"] {
        app.admin().await.publish(package(word, "1.0.0").zip(), "").await.assert_problem(422, "validation");
    }
}
