//! Who may publish, and what.

use serde_json::json;

use super::limits::{Conversation, first_answer};
use crate::support::{Client, TestApp, package};

async fn token(user: &Client, scopes: &[&str]) -> Client {
    let made = user.post("/api/v1/tokens").json(json!({"name": "t", "scopes": scopes})).await.expect(201).json();
    user.with_token(made["token"].as_str().unwrap())
}

both!(a_user_may_not_publish_and_learns_so_before_sending);
async fn a_user_may_not_publish_and_learns_so_before_sending(app: TestApp) {
    let ann = app.user("ann").await;
    let demo = package("Demo", "1.0.0");
    ann.publish(demo.zip(), "").await.assert_problem(403, "publish_not_allowed");
    token(&ann, &["publish"]).await.publish(demo.zip(), "").await.assert_problem(403, "publish_not_allowed");
    let form = reqwest::multipart::Form::new().part("file", reqwest::multipart::Part::bytes(demo.zip()));
    ann.post("/api/v1/releases").multipart(form).await.assert_problem(403, "publish_not_allowed");
    app.anonymous().publish(demo.zip(), "").await.assert_problem(401, "unauthenticated");
    for (client, status, code) in [(&ann, 403, "publish_not_allowed"), (app.anonymous(), 401, "unauthenticated")] {
        // A megabyte is announced and nothing of it sent.
        let mut conversation = Conversation::begin(&app, client, "/api/v1/releases", "Content-Length: 1000000\r\n");
        first_answer(&mut conversation).assert_problem(status, code);
    }
    assert_eq!(app.stored().map(|part| part.len()), [0, 0]);
}

both!(a_setting_lets_users_publish, user_uploads = "allow");
async fn a_setting_lets_users_publish(app: TestApp) {
    let ann = app.user("ann").await;
    let release = ann.publish(package("Demo", "1.0.0").zip(), "").await.expect(201).json();
    assert_eq!(release["published_by"], "ann");
}

both!(a_token_needs_the_scope, user_uploads = "allow");
async fn a_token_needs_the_scope(app: TestApp) {
    let ann = app.user("ann").await;
    for (version, scopes) in [("1.0.0", &["read", "install", "state"][..]), ("1.0.1", &["read"])] {
        let answer = token(&ann, scopes).await.publish(package("Demo", version).zip(), "").await;
        answer.assert_problem(403, "forbidden");
    }
    token(&ann, &["publish"]).await.publish(package("Demo", "1.0.0").zip(), "").await.expect(201);
    token(&ann, &["publish"]).await.get("/api/v1/releases/Demo").await.assert_problem(403, "forbidden");
    token(app.admin().await, &["admin"]).await.publish(package("Demo", "1.0.1").zip(), "").await.expect(201);
    token(app.admin().await, &["install"]).await.publish(package("Demo", "1.0.2").zip(), "").await.assert_problem(403, "forbidden");
}

both!(a_slug_belongs_to_its_first_publisher, user_uploads = "allow");
async fn a_slug_belongs_to_its_first_publisher(app: TestApp) {
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    ann.publish(package("Demo", "1.0.0").zip(), "").await.expect(201);
    let stored = app.stored();
    for version in ["1.0.0", "1.1.0"] {
        bob.publish(package("Demo", version).zip(), "channel=beta").await.assert_problem(403, "publish_not_allowed");
    }
    assert_eq!(app.stored(), stored);
    let release = "/api/v1/releases/Demo/1.0.0";
    bob.patch(release).json(json!({"visibility": "public"})).await.assert_problem(403, "publish_not_allowed");
    bob.post(&format!("{release}/yank")).json(json!({"reason": "mine"})).await.assert_problem(403, "publish_not_allowed");
    bob.put("/api/v1/releases/Demo/channels/beta").json(json!({"version": "1.0.0"})).await.assert_problem(403, "publish_not_allowed");
    app.admin().await.publish(package("Demo", "1.1.0").zip(), "").await.expect(201);
    ann.publish(package("Demo", "1.2.0").zip(), "").await.expect(201);
    let versions = ann.get("/api/v1/releases/Demo").await.expect(200).json();
    let numbers: Vec<_> = versions["versions"].as_array().unwrap().iter().map(|release| release["version"].as_str().unwrap()).collect();
    assert_eq!(numbers, ["1.2.0", "1.1.0", "1.0.0"]);
    assert_eq!(versions["channels"], json!([]));
}
