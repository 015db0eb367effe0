//! Verified tokens.

use serde_json::json;

use super::{Ann, OWN};
use crate::support::{Client, TestApp};

const ME: &str = "/api/v1/auth/me";

pub(super) async fn api_token(app: &TestApp, owner: &Client, scopes: &[&str]) -> (String, Client) {
    let made = owner.post("/api/v1/tokens").json(json!({"name": "t", "scopes": scopes})).await.expect(201).json();
    let client = owner.with_token(made["token"].as_str().unwrap());
    if scopes.contains(&"read") {
        app.warm(&client, ME, &["tokens"]).await;
    }
    (made["id"].as_str().unwrap().to_owned(), client)
}

both!(logging_out_counts_at_once);
async fn logging_out_counts_at_once(app: TestApp) {
    let Ann { ann, .. } = Ann::new(&app).await;
    app.warm(&ann, OWN, &["tokens"]).await;
    ann.post("/api/v1/auth/logout").await.expect(200);
    ann.get(OWN).await.assert_problem(401, "unauthenticated");
}

both!(a_revoked_token_is_refused_at_once);
async fn a_revoked_token_is_refused_at_once(app: TestApp) {
    let ann = app.user("ann").await;
    let (id, client) = api_token(&app, &ann, &["read"]).await;
    let (_, other) = api_token(&app, &ann, &["read"]).await;
    ann.delete(&format!("/api/v1/tokens/{id}")).await.expect(204);
    client.get(ME).await.assert_problem(401, "unauthenticated");
    other.get(ME).await.expect(200);
}

both!(a_changed_password_ends_other_sessions_at_once);
async fn a_changed_password_ends_other_sessions_at_once(app: TestApp) {
    let ann = app.user("ann").await;
    let other = app.anonymous().log_in("ann", "ann's password").await;
    app.warm(&other, ME, &["tokens"]).await;
    let change = json!({"current_password": "ann's password", "new_password": "another one", "confirm_password": "another one"});
    ann.put("/api/v1/auth/profile/password").json(change).await.expect(200);
    other.get(ME).await.assert_problem(401, "unauthenticated");
    ann.get(ME).await.expect(200);
}

both!(an_account_that_is_switched_off_or_gone_is_refused_at_once);
async fn an_account_that_is_switched_off_or_gone_is_refused_at_once(app: TestApp) {
    let ann = app.user("ann").await;
    let (_, token) = api_token(&app, &ann, &["read"]).await;
    let account = format!("/api/v1/users/{}", ann.user_id);
    app.admin().await.patch(&account).json(json!({"is_active": false})).await.expect(200);
    token.get(ME).await.assert_problem(401, "unauthenticated");
    app.admin().await.patch(&account).json(json!({"is_active": true})).await.expect(200);
    app.warm(&token, ME, &["tokens"]).await;
    app.admin().await.delete(&account).await.expect(204);
    token.get(ME).await.assert_problem(401, "unauthenticated");
}

both!(a_role_counts_at_once);
async fn a_role_counts_at_once(app: TestApp) {
    let ann = app.user("ann").await;
    app.warm(&ann, ME, &["tokens"]).await;
    let account = format!("/api/v1/users/{}", ann.user_id);
    for (role, status) in [("admin", 200), ("user", 403)] {
        app.admin().await.patch(&account).json(json!({"role": role})).await.expect(200);
        ann.get("/api/v1/users").await.expect(status);
    }
}

both!(a_remembered_token_ends_when_it_should, access_token_ttl = "2s");
async fn a_remembered_token_ends_when_it_should(app: TestApp) {
    let ann = app.user("ann").await;
    for _ in 0..3 {
        ann.get(ME).await;
    }
    ann.comes_to(ME, 401).await.assert_problem(401, "unauthenticated");
    // The administrator's own token has ended as well.
    let admin = app.anonymous().log_in("admin", crate::support::program::ADMIN_PASSWORD).await;
    let soon = jiff::Timestamp::now().checked_add(jiff::SignedDuration::from_millis(1500)).unwrap();
    let body = json!({"name": "t", "scopes": ["read"], "expires_at": soon.to_string()});
    let made = admin.post("/api/v1/tokens").json(body).await.expect(201).json();
    let token = admin.with_token(made["token"].as_str().unwrap());
    token.get(ME).await;
    token.comes_to(ME, 401).await.assert_problem(401, "unauthenticated");
}

both!(a_read_token_is_needed_for_files_in_memory_too);
async fn a_read_token_is_needed_for_files_in_memory_too(app: TestApp) {
    let ann = Ann::new(&app).await;
    ann.warm_all(&app).await;
    let (_, install) = api_token(&app, &ann.ann, &["install"]).await;
    install.get(OWN).await.assert_problem(403, "forbidden");
    app.anonymous().get(OWN).await.assert_problem(401, "unauthenticated");
    ann.ann.with_token("plg_guessed").get(OWN).await.assert_problem(401, "unauthenticated");
    let bob = app.user("bob").await;
    bob.get(OWN).await.assert_problem(404, "not_found");
}
