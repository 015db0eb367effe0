//! Values of plugins and modules.

use serde_json::{Map, Value, json};

use super::{each, install, publish, switch};
use crate::support::{Client, TestApp, package, packages::Package};

const CONFIG: &str = "/api/v1/plugins/Demo/config";
const WIDE: &str = "/api/v1/releases/Demo/config";
const MODULE: &str = "/api/v1/plugins/Demo/modules/m1/config";

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "colour": {"enum": ["red", "blue"], "default": "red"},
            "size": {"type": "integer", "minimum": 1, "default": 3},
            "deep": {"type": "object"},
        },
        "additionalProperties": false,
    })
}

fn with_schema() -> Package {
    package("Demo", "1.0.0")
        .with("config_schema", schema())
        .module_with(json!({"id": "m1", "name": "m1", "config_schema": {"properties": {"rows": {"type": "integer", "default": 10}}}}))
}

async fn values(client: &Client, path: &str) -> Value {
    client.get(path).await.expect(200).json()
}

both!(the_users_values_win_over_the_administrators_over_the_defaults);
async fn the_users_values_win_over_the_administrators_over_the_defaults(app: TestApp) {
    publish(&app, with_schema()).await;
    let (admin, ann, bob) = (app.admin().await, app.user("ann").await, app.user("bob").await);
    install(&ann, "Demo", "latest").await.expect(200);
    install(&bob, "Demo", "latest").await.expect(200);
    assert_eq!(
        values(&ann, CONFIG).await,
        json!({"config": {"colour": "red", "size": 3}, "own": {}, "sources": {"colour": "default", "size": "default"}})
    );
    assert_eq!(
        admin.put(WIDE).json(json!({"size": 5, "colour": "blue"})).await.expect(200).json()["config"],
        json!({"size": 5, "colour": "blue"})
    );
    ann.patch(CONFIG).json(json!({"colour": "red", "deep": {"a": 1, "b": 2}})).await.expect(200);
    assert_eq!(
        values(&ann, CONFIG).await,
        json!({
            "config": {"colour": "red", "size": 5, "deep": {"a": 1, "b": 2}},
            "own": {"colour": "red", "deep": {"a": 1, "b": 2}},
            "sources": {"colour": "user", "deep": "user", "size": "plugin"},
        })
    );
    assert_eq!(values(&bob, CONFIG).await["config"], json!({"colour": "blue", "size": 5}), "another user has other values");

    // A merge patch: null removes, objects merge.
    ann.patch(CONFIG).json(json!({"colour": null, "deep": {"a": null, "c": 3}})).await.expect(200);
    assert_eq!(values(&ann, CONFIG).await["own"], json!({"deep": {"b": 2, "c": 3}}));
    assert_eq!(values(&ann, CONFIG).await["sources"]["colour"], "plugin");
    ann.put(CONFIG).json(json!({"size": 9})).await.expect(200);
    assert_eq!(values(&ann, CONFIG).await["own"], json!({"size": 9}));
    assert_eq!(admin.patch(WIDE).json(json!({"size": null})).await.expect(200).json()["config"], json!({"colour": "blue"}));
    assert_eq!(values(&bob, CONFIG).await["config"], json!({"colour": "blue", "size": 3}));
    for forbidden in [ann.get(WIDE), ann.put(WIDE).json(json!({})), ann.patch(WIDE).json(json!({}))] {
        forbidden.await.assert_problem(403, "forbidden");
    }
    app.user("carl").await.get(CONFIG).await.assert_problem(404, "not_found");
}

both!(a_write_can_be_bound_to_what_was_read);
async fn a_write_can_be_bound_to_what_was_read(app: TestApp) {
    publish(&app, with_schema()).await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    install(&ann, "Demo", "latest").await.expect(200);
    for (client, path, one, two) in [
        (&ann, CONFIG, json!({"size": 4}), json!({"size": 5})),
        (&ann, MODULE, json!({"rows": 4}), json!({"rows": 5})),
        (admin, WIDE, json!({"size": 4}), json!({"size": 5})),
    ] {
        let read = client.get(path).await.expect(200);
        let old = read.header("etag").to_owned();
        let written = client.put(path).header("if-match", &old).json(&one).await.expect(200);
        let new = written.header("etag").to_owned();
        assert_ne!(old, new, "{path}");
        assert_eq!(client.get(path).await.expect(200).header("etag"), new);
        for stale in [client.put(path), client.patch(path)] {
            let refused = stale.header("if-match", &old).json(&two).await.assert_problem(412, "precondition_failed");
            assert_eq!(format!("\"{}\"", refused["current"].as_str().unwrap()), new);
        }
        client.put(path).header("if-match", &format!("W/{new}")).json(&two).await.assert_problem(412, "precondition_failed");
        client.put(path).header("if-match", "nonsense").json(&two).await.assert_problem(400, "bad_request");
        assert_eq!(client.get(path).await.expect(200).header("etag"), new, "nothing was written");
        client.patch(path).header("if-match", &format!("\"x\", {new}")).json(&two).await.expect(200);
        client.put(path).header("if-match", "*").json(&one).await.expect(200);
    }
}

both!(values_that_break_the_schema_are_refused_with_their_places);
async fn values_that_break_the_schema_are_refused_with_their_places(app: TestApp) {
    publish(&app, with_schema()).await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    install(&ann, "Demo", "latest").await.expect(200);
    ann.put(CONFIG).json(json!({"size": 2})).await.expect(200);
    for (client, path, body, pointers) in [
        (&ann, CONFIG, json!({"colour": "pink", "size": 0}), vec!["/colour", "/size"]),
        (&ann, CONFIG, json!({"unknown": 1}), vec![""]),
        (&ann, CONFIG, json!({"deep": 1}), vec!["/deep"]),
        (&ann, MODULE, json!({"rows": "many"}), vec!["/rows"]),
        (admin, WIDE, json!({"size": "large"}), vec!["/size"]),
    ] {
        for request in [client.put(path), client.patch(path)] {
            let mut found = each(&request.json(&body).await.assert_problem(422, "validation")["errors"], "pointer");
            found.sort();
            assert_eq!(found, pointers, "{body}");
        }
    }
    for (body, status) in [("[]", 422), ("null", 422), ("7", 422), ("{", 400), ("", 400)] {
        let answer = ann.put(CONFIG).header("content-type", "application/json").body(body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
    }
    assert_eq!(values(&ann, CONFIG).await["own"], json!({"size": 2}));
    let bob = app.user("bob").await;
    let request = json!({"config": {"size": 0}});
    bob.post("/api/v1/plugins/Demo/install").json(request).await.assert_problem(422, "validation");
    bob.post("/api/v1/plugins/Demo/install").json(json!({"config": {"size": 8}})).await.expect(200);
    assert_eq!(values(&bob, CONFIG).await["sources"]["size"], "user");
    let secret = package("Secret", "1.0.0").with("config_schema", json!({"properties": {"key": {"writeOnly": true}}}));
    admin.publish(secret.zip(), "").await.assert_problem(422, "validation");
}

both!(declared_fields_stand_in_for_a_schema_and_show_what_is_in_force);
async fn declared_fields_stand_in_for_a_schema_and_show_what_is_in_force(app: TestApp) {
    let fields = json!({"greeting": {"type": "text", "label": "Greeting", "default": "hi"}, "ratio": {"type": "number"}});
    let module = json!({"id": "m1", "name": "m1", "configFields": {"rows": {"type": "number", "default": 10}}});
    publish(&app, package("Demo", "1.0.0").with("configFields", fields).module_with(module)).await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    install(&ann, "Demo", "latest").await.expect(200);
    assert_eq!(values(&ann, CONFIG).await["config"], json!({"greeting": "hi"}));
    admin.put(WIDE).json(json!({"greeting": "hello"})).await.expect(200);
    let designer = async || values(&ann, "/api/v1/plugins/manifest/designer").await["Demo"].clone();
    assert_eq!(designer().await["configFields"]["greeting"], json!({"type": "text", "label": "Greeting", "default": "hello"}));

    // Digits stay as they were written.
    let written = ann.put(CONFIG).header("content-type", "application/json").body(r#"{"ratio": 1.50, "greeting": "yo"}"#).await.expect(200);
    assert!(written.text().contains("1.50"), "{}", written.text());
    ann.put(MODULE).json(json!({"rows": 20})).await.expect(200);
    let shown = designer().await;
    assert_eq!(shown["config"]["greeting"], "yo");
    assert_eq!(shown["configFields"]["greeting"]["default"], "yo");
    assert_eq!(shown["configFields"]["ratio"]["type"], "number");
    assert_eq!(json!([shown["modules"][0]["configFields"]["rows"]["default"], shown["modules"][0]["config"]]), json!([20, {"rows": 20}]));
    let manifest = ann.get("/api/v1/plugins/manifest").await.expect(200).text();
    assert!(manifest.contains("1.50"), "{manifest}");
}

both!(switching_never_touches_config);
async fn switching_never_touches_config(app: TestApp) {
    publish(&app, with_schema()).await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    install(&ann, "Demo", "latest").await.expect(200);
    ann.put(CONFIG).json(json!({"size": 7})).await.expect(200);
    ann.put(MODULE).json(json!({"rows": 7})).await.expect(200);
    admin.put(WIDE).json(json!({"colour": "blue"})).await.expect(200);
    let everything = async || {
        let mut all = Map::new();
        for (client, path) in [(&ann, CONFIG), (&ann, MODULE), (admin, WIDE)] {
            let answer = client.get(path).await.expect(200);
            all.insert(path.to_owned(), json!([answer.header("etag"), answer.json()]));
        }
        all
    };
    let before = everything().await;
    for enabled in [false, false, true, false, true] {
        switch(&ann, "Demo", enabled).await.expect(200);
        ann.patch("/api/v1/plugins/Demo/modules/m1").json(json!({"enabled": enabled})).await.expect(200);
        let status = if enabled { "enabled" } else { "disabled" };
        admin.put("/api/v1/releases/Demo/availability").json(json!({"status": status})).await.expect(200);
        assert_eq!(everything().await, before, "{enabled}");
    }
    for bad in [json!({"enabled": "false"}), json!({"enabled": 0}), json!({"enabled": null}), json!({})] {
        ann.patch("/api/v1/plugins/Demo").json(bad).await.assert_problem(422, "validation");
    }
}
