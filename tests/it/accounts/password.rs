//! Users change their password.

use serde_json::json;

use crate::support::{Answer, Client, TestApp};

async fn change(client: &Client, current: &str, new: &str, again: &str) -> Answer {
    let body = json!({"current_password": current, "new_password": new, "confirm_password": again});
    client.put("/api/v1/auth/profile/password").json(body).await
}

both!(a_new_password_ends_all_other_logins);
async fn a_new_password_ends_all_other_logins(app: TestApp) {
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    let elsewhere = app.anonymous().log_in("ann", "ann's password").await;
    insta::assert_snapshot!(change(&ann, "ann's password", "new password", "new password").await.snapshot(), @r#"
    200
    {
      "message": "Password changed; all other logins have ended"
    }
    "#);
    ann.get("/api/v1/auth/me").await.expect(200);
    bob.get("/api/v1/auth/me").await.expect(200);
    elsewhere.get("/api/v1/auth/me").await.assert_problem(401, "unauthenticated");
    let old = json!({"email": "ann", "password": "ann's password"});
    app.anonymous().post("/api/v1/auth/login").json(old).await.assert_problem(401, "unauthenticated");
    app.anonymous().log_in("ann", "new password").await;
    assert_eq!(app.database.values("SELECT actor AS value FROM audit_log WHERE action = 'user.change_password'"), ["ann"]);
}

both!(a_refused_password_changes_nothing);
async fn a_refused_password_changes_nothing(app: TestApp) {
    let ann = app.user("ann").await;
    let elsewhere = app.anonymous().log_in("ann", "ann's password").await;
    let wrong = change(&ann, "wrong", "new password", "new password").await.assert_problem(422, "validation");
    assert_eq!(wrong["errors"][0]["pointer"], "/current_password");
    let both = change(&ann, "ann's password", "short", "other").await.assert_problem(422, "validation");
    let pointers = both["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(pointers, ["/new_password", "/confirm_password"]);
    change(app.anonymous(), "ann's password", "new password", "new password").await.assert_problem(401, "unauthenticated");
    elsewhere.get("/api/v1/auth/me").await.expect(200);
    app.anonymous().log_in("ann", "ann's password").await;
}

both!(guessing_the_current_password_is_limited, login_attempts_per_account = "2");
async fn guessing_the_current_password_is_limited(app: TestApp) {
    let ann = app.user("ann").await;
    for _ in 0..2 {
        change(&ann, "wrong", "new password", "new password").await.assert_problem(422, "validation");
    }
    change(&ann, "ann's password", "new password", "new password").await.assert_problem(429, "rate_limited");
}

both!(an_api_token_does_not_change_the_password);
async fn an_api_token_does_not_change_the_password(app: TestApp) {
    let ann = app.user("ann").await;
    let token = ann.post("/api/v1/tokens").json(json!({"name": "t", "scopes": ["read", "install"]})).await.expect(201).json();
    let pipeline = ann.with_token(token["token"].as_str().unwrap());
    change(&pipeline, "ann's password", "new password", "new password").await.assert_problem(403, "forbidden");
    pipeline.post("/api/v1/auth/logout").await.assert_problem(403, "forbidden");
}
