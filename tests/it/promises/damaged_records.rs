//! A damaged file of records is an error that names it: never read as empty, never overwritten.

use std::fs;

use serde_json::json;

use crate::support::{TestApp, package};

both!(damage_is_reported_and_stays_as_it_is);
async fn damage_is_reported_and_stays_as_it_is(app: TestApp) {
    let (admin, ann, bob) = (app.admin().await, app.user("ann").await, app.user("bob").await);
    for slug in ["Demo", "Other"] {
        admin.publish(package(slug, "1.0.0").module("m").zip(), "").await.expect(201);
    }
    for user in [&ann, &bob] {
        user.post("/api/v1/plugins/Demo/install").json(json!({})).await.expect(200);
    }
    let manifest = ann.get("/api/v1/plugins/manifest").await.expect(200).json();
    let key = manifest["Demo"]["database_id"].as_str().unwrap().to_owned();
    let file = app.home.plugins_dir().join(format!("users/user_{}/installed_plugins.json", ann.user_id));
    let good = fs::read(&file).unwrap();
    for damaged in ["", "{", "[]", "{\"Demo\":{}}", "{\"Demo\":{\"installation_metadata\":{}}}", "\u{0}\u{0}\u{0}"] {
        // What is in memory needs no file.
        app.server.stop_gracefully();
        fs::write(&file, damaged).unwrap();
        app.server.restart();
        let answers = [
            ann.get("/api/v1/plugins").await,
            ann.get("/api/v1/plugins/manifest").await,
            ann.get("/api/v1/plugins/Demo/status").await,
            ann.get("/api/v1/plugins/Demo/modules").await,
            admin.get(&format!("/api/v1/users/{}/plugins", ann.user_id)).await,
        ];
        for answer in answers {
            answer.assert_problem(503, "storage");
            assert!(!answer.text().contains("installed_plugins"), "{}", answer.text());
            app.assert_tells_no_place(&answer.text());
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), damaged);
        assert!(app.server.log().contains(&format!("users/user_{}/installed_plugins.json", ann.user_id)), "{}", app.server.log());
    }
    fs::write(&file, "{").unwrap();
    for answer in [
        ann.get("/api/v1/plugins/Demo/dist/index.js").await,
        app.anonymous().get(&format!("/api/v1/public/plugins/{key}/dist/index.js")).await,
        ann.patch("/api/v1/plugins/Demo").json(json!({"enabled": false})).await,
        ann.delete("/api/v1/plugins/Demo/uninstall").await,
    ] {
        answer.assert_problem(503, "storage");
    }
    // An installation that cannot be recorded now is not acknowledged as if it were.
    ann.post("/api/v1/plugins/Other/install").json(json!({})).await.assert_problem(503, "storage");
    bob.get("/api/v1/plugins/Demo/dist/index.js").await.expect(200);

    app.server.kill9();
    app.server.restart();
    app.anonymous().get("/readyz").await.expect(200);
    ann.get("/api/v1/plugins").await.assert_problem(503, "storage");
    bob.get("/api/v1/plugins/Demo/dist/index.js").await.expect(200);
    assert_eq!(fs::read_to_string(&file).unwrap(), "{");

    fs::write(&file, good).unwrap();
    let slugs: Vec<_> =
        ann.get("/api/v1/plugins").await.expect(200).json()["items"].as_array().unwrap().iter().map(|item| item["slug"].clone()).collect();
    assert_eq!(slugs, ["Demo"]);
    ann.get("/api/v1/plugins/Demo/dist/index.js").await.expect(200);
    ann.post("/api/v1/plugins/Other/install").json(json!({})).await.expect(200);
}
