//! Changes for everybody, and the log of changes.

use reqwest::Method;
use serde_json::{Value, json};

use super::{each, install, publish, publish_versions, shown};
use crate::support::{Client, TestApp, package};

both!(installing_and_updating_for_everybody_can_be_repeated);
async fn installing_and_updating_for_everybody_can_be_repeated(app: TestApp) {
    publish_versions(&app, "Demo", &["1.0.0"]).await;
    let admin = app.admin().await;
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    install(&ann, "Demo", "latest").await.expect(200);
    let all = async |what: &str, body: Value| {
        let answer = admin.post(&format!("/api/v1/releases/{what}")).json(body).await.expect(200).json();
        json!([answer["done"], answer["already_done"], answer["failed"]])
    };
    assert_eq!(all("Demo/install-all", json!({})).await, json!([2, 1, []]));
    assert_eq!(all("Demo/install-all", json!({})).await, json!([0, 3, []]));
    publish_versions(&app, "Demo", &["1.1.0", "2.0.0"]).await;
    assert_eq!(all("Demo/update-all", json!({"version": "^1"})).await, json!([3, 0, []]));
    assert_eq!(all("Demo/update-all", json!({"version": "^1"})).await, json!([0, 3, []]));
    assert_eq!(shown(&bob, "Demo").await["version"], "1.1.0");

    // One who cannot have it keeps nobody else from it.
    publish(&app, package("Needy", "1.0.0").with("dependencies", json!({"Demo": "^1"}))).await;
    bob.delete("/api/v1/plugins/Demo/uninstall").await.expect(200);
    let failed = json!([{"user_id": bob.user_id, "code": "dependency_missing"}]);
    assert_eq!(all("Needy/install-all", json!({})).await, json!([2, 0, failed]));
    assert_eq!(all("Needy/install-all", json!({})).await, json!([0, 2, failed]));

    for what in ["install-all", "update-all"] {
        ann.post(&format!("/api/v1/releases/Demo/{what}")).await.assert_problem(403, "forbidden");
        admin.post(&format!("/api/v1/releases/Nothing/{what}")).await.assert_problem(404, "not_found");
        let path = format!("/api/v1/releases/Demo/{what}");
        admin.post(&path).json(json!({"version": "9.0.0"})).await.assert_problem(404, "not_found");
        admin.post(&path).json(json!({"versions": "1.0.0"})).await.assert_problem(422, "validation");
    }
}

both!(every_change_is_written_down_once);
async fn every_change_is_written_down_once(app: TestApp) {
    publish_versions(&app, "Demo", &["1.0.0", "2.0.0"]).await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let lines = || app.database.values("SELECT action AS value FROM audit_log ORDER BY id");
    let theirs = format!("users/{}/plugins/Demo", ann.user_id);
    let on = |enabled: bool| json!({ "enabled": enabled });
    let none = || Value::Null;
    let steps: Vec<(&Client, Method, String, Value, &str)> = vec![
        (&ann, Method::POST, "plugins/Demo/install".to_owned(), json!({"version": "1.0.0"}), "plugin.install"),
        (&ann, Method::POST, "plugins/Demo/update".to_owned(), json!({}), "plugin.update"),
        (&ann, Method::POST, "plugins/Demo/rollback".to_owned(), none(), "plugin.rollback"),
        (&ann, Method::PATCH, "plugins/Demo".to_owned(), on(false), "plugin.disable"),
        (&ann, Method::PATCH, "plugins/Demo".to_owned(), on(true), "plugin.enable"),
        (&ann, Method::PATCH, "plugins/Demo/modules/m1".to_owned(), on(false), "plugin.disable"),
        (&ann, Method::PUT, "plugins/Demo/config".to_owned(), json!({"a": 1}), "plugin.config"),
        (&ann, Method::PATCH, "plugins/Demo/config".to_owned(), json!({"a": 2}), "plugin.config"),
        (&ann, Method::PUT, "plugins/Demo/modules/m1/config".to_owned(), json!({"a": 1}), "plugin.config"),
        (&ann, Method::PATCH, "plugins/Demo/modules/m1/config".to_owned(), json!({"a": 2}), "plugin.config"),
        (admin, Method::POST, format!("{theirs}/update"), json!({}), "plugin.update"),
        (&ann, Method::DELETE, "plugins/Demo/uninstall".to_owned(), none(), "plugin.uninstall"),
        (admin, Method::PATCH, "releases/Demo/1.0.0".to_owned(), json!({"visibility": "public"}), "release.visibility"),
        (admin, Method::POST, "releases/Demo/1.0.0/yank".to_owned(), json!({"reason": "x"}), "release.yank"),
        (admin, Method::DELETE, "releases/Demo/1.0.0/yank".to_owned(), none(), "release.unyank"),
        (admin, Method::PUT, "releases/Demo/channels/beta".to_owned(), json!({"version": "1.0.0"}), "channel.set"),
        (admin, Method::DELETE, "releases/Demo/channels/beta".to_owned(), none(), "channel.delete"),
        (admin, Method::PUT, "releases/Demo/availability".to_owned(), json!({"status": "disabled"}), "release.unavailable"),
        (admin, Method::PUT, "releases/Demo/availability".to_owned(), json!({"status": "enabled"}), "release.available"),
        (admin, Method::PUT, "releases/Demo/config".to_owned(), json!({"a": 1}), "release.config"),
        (admin, Method::PATCH, "releases/Demo/config".to_owned(), json!({"a": 2}), "release.config"),
    ];
    let mut expected = lines();
    for (client, method, path, body, action) in steps {
        let path = format!("/api/v1/{path}");
        let request = client.request(method.clone(), &path);
        let answer = if body.is_null() { request.await } else { request.json(&body).await };
        assert!((200..300).contains(&answer.status), "{method} {path}: {}", answer.text());
        expected.push(action.to_owned());
        assert_eq!(lines(), expected, "{method} {path}");
        // What is so already, and what is refused, changes nothing.
        if ["enable", "disable", "config", "available"].iter().any(|verb| action.ends_with(verb)) {
            client.request(method.clone(), &path).json(&body).await.expect(200);
        }
        client.request(method.clone(), &path.replace("Demo", "Nothing")).json(&body).await;
        assert_eq!(lines(), expected, "{method} {path} again");
    }
    admin.publish(package("Demo", "1.0.0").module("m1").zip(), "").await.expect(200);
    assert_eq!(lines(), expected, "the same content again");
    admin.publish(package("Demo", "1.0.0").module("m1").zip(), "channel=beta").await.expect(200);
    expected.push("channel.set".to_owned());
    admin.publish(package("Demo", "3.0.0").zip(), "channel=beta").await.expect(201);
    expected.push("release.publish".to_owned());
    for path in ["plugins", "releases", "plugins/manifest", "audit"] {
        admin.get(&format!("/api/v1/{path}")).await.expect(200);
    }
    assert_eq!(lines(), expected);
}

both!(users_read_their_own_entries_and_administrators_all);
async fn users_read_their_own_entries_and_administrators_all(app: TestApp) {
    publish_versions(&app, "Demo", &["1.0.0"]).await;
    let (admin, ann, bob) = (app.admin().await, app.user("ann").await, app.user("bob").await);
    install(&ann, "Demo", "latest").await.expect(200);
    let request = bob.post("/api/v1/plugins/Demo/install").header("x-request-id", "bobs-request");
    request.await.expect(200);
    let of = async |client: &Client| client.get("/api/v1/audit?limit=1000").await.expect(200).json()["items"].clone();
    let bobs = of(&bob).await;
    assert!(each(&bobs, "actor").iter().all(|actor| actor == "bob"), "{bobs}");
    let newest = &bobs[0];
    assert_eq!(
        json!([newest["action"], newest["object"], newest["actor_id"], newest["request_id"]]),
        json!(["plugin.install", format!("{}_Demo 1.0.0", bob.user_id), bob.user_id, "bobs-request"])
    );
    let all = of(admin).await;
    for actor in ["admin", "ann", "bob"] {
        assert!(each(&all, "actor").iter().any(|name| name == actor), "{actor} in {all}");
    }
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    for _ in 0..all.as_array().unwrap().len() {
        let part = admin.get(&format!("/api/v1/audit?limit=2{cursor}")).await.expect(200).json();
        ids.extend(each(&part["items"], "id"));
        let Some(next) = part["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(ids, each(&all, "id"), "newest first, nothing twice");
    app.anonymous().get("/api/v1/audit").await.assert_problem(401, "unauthenticated");
}
