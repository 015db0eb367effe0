//! Logging in with a password, and what that answers.

use serde_json::json;

use crate::support::{Answer, Client, TestApp, program::ADMIN_PASSWORD};

async fn log_in(client: &Client, name: &str, password: &str) -> Answer {
    client.post("/api/v1/auth/login").json(json!({"email": name, "password": password})).await
}

both!(a_login_answers_tokens_and_a_cookie);
async fn a_login_answers_tokens_and_a_cookie(app: TestApp) {
    app.user("ann").await;
    let answer = log_in(app.anonymous(), "ann", "ann's password").await;
    insta::assert_snapshot!(answer.snapshot(), @r#"
    200
    {
      "access_token": "[secret]",
      "token_type": "bearer",
      "refresh_token": "[secret]",
      "expires_in": 3600,
      "refresh_expires_in": 2592000,
      "issued_at": "[time]",
      "user_id": "[id 1]",
      "user": {
        "id": "[id 1]",
        "username": "ann",
        "email": "ann@example.org",
        "full_name": null,
        "profile_picture": null,
        "is_active": true,
        "is_verified": false,
        "role": "user"
      }
    }
    "#);
    let refresh = answer.json()["refresh_token"].as_str().unwrap().to_owned();
    let cookie = answer.header("set-cookie");
    assert_eq!(cookie, format!("refresh_token={refresh}; HttpOnly; SameSite=Lax; Path=/api/v1/auth; Max-Age=2592000"));
    assert_eq!(answer.header("cache-control"), "no-store");
}

both!(the_cookie_is_secure_behind_https, public_base_url = "https://plugins.example.org");
async fn the_cookie_is_secure_behind_https(app: TestApp) {
    let answer = log_in(app.anonymous(), "admin", ADMIN_PASSWORD).await.expect(200);
    assert!(answer.header("set-cookie").contains("; Secure"), "{}", answer.header("set-cookie"));
}

both!(a_trusted_proxy_tells_of_https, trusted_proxies = "127.0.0.1");
async fn a_trusted_proxy_tells_of_https(app: TestApp) {
    let body = json!({"email": "admin", "password": ADMIN_PASSWORD});
    for (scheme, secure) in [("https", true), ("http", false)] {
        let answer = app.anonymous().post("/api/v1/auth/login").header("x-forwarded-proto", scheme).json(&body).await.expect(200);
        assert_eq!(answer.header("set-cookie").contains("; Secure"), secure, "{}", answer.header("set-cookie"));
    }
}

both!(names_and_addresses_are_known_in_any_case);
async fn names_and_addresses_are_known_in_any_case(app: TestApp) {
    let ann = app.user("Ann").await;
    for name in ["ann", "ANN", " Ann ", "ann@example.org", "ANN@Example.org"] {
        assert_eq!(app.anonymous().log_in(name, "Ann's password").await.user_id, ann.user_id, "{name}");
    }
    log_in(app.anonymous(), "ann", "ann's password").await.assert_problem(401, "unauthenticated");
}

both!(every_refusal_has_the_same_words);
async fn every_refusal_has_the_same_words(app: TestApp) {
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    let account = format!("/api/v1/users/{}", ann.user_id);
    app.admin().await.patch(&account).json(json!({"is_active": false})).await.expect(200);
    app.database.execute(&format!("UPDATE users SET password_hash = NULL WHERE id = '{}'", bob.user_id));
    let too_long = "x".repeat(100_000);
    let wrong = [("ann", "ann's password"), ("bob", "bob's password"), ("admin", ""), ("admin", &too_long), ("", ""), (&too_long, "x")];
    for (name, password) in wrong {
        let problem = log_in(app.anonymous(), name, password).await.assert_problem(401, "unauthenticated");
        assert_eq!(problem["detail"], "Invalid email or password");
    }
}

both!(a_login_says_what_it_needs);
async fn a_login_says_what_it_needs(app: TestApp) {
    let post = |body| app.anonymous().post("/api/v1/auth/login").json(body);
    post(json!({"email": "admin"})).await.assert_problem(422, "validation");
    post(json!({"email": "admin", "password": 5})).await.assert_problem(422, "validation");
    let problem = post(json!({"email": "a\0b", "password": "x"})).await.assert_problem(422, "validation");
    assert_eq!(problem["errors"][0]["pointer"], "/email");
    app.anonymous()
        .post("/api/v1/auth/login")
        .body("{")
        .header("content-type", "application/json")
        .await
        .assert_problem(400, "malformed_json");
    app.anonymous().post("/api/v1/auth/login").body("{}").await.assert_problem(415, "unsupported_media_type");
    app.anonymous().get("/api/v1/auth/login").await.assert_problem(405, "method_not_allowed");
    // A member that nobody knows is no reason to refuse.
    post(json!({"email": "admin", "password": ADMIN_PASSWORD, "remember": true})).await.expect(200);
}

both!(an_imported_password_is_replaced_at_the_first_login);
async fn an_imported_password_is_replaced_at_the_first_login(app: TestApp) {
    let ann = app.user("ann").await;
    let imported = bcrypt::hash("her old password", 4).unwrap();
    app.database.execute(&format!("UPDATE users SET password_hash = '{imported}' WHERE id = '{}'", ann.user_id));
    let stored = || app.database.values(&format!("SELECT password_hash AS value FROM users WHERE id = '{}'", ann.user_id)).remove(0);

    log_in(app.anonymous(), "ann", "another password").await.assert_problem(401, "unauthenticated");
    assert_eq!(stored(), imported);
    app.anonymous().log_in("ann", "her old password").await;
    assert!(stored().starts_with("$argon2id$"), "{}", stored());
    app.anonymous().log_in("ann", "her old password").await;
}

both!(a_damaged_hash_is_told_apart_from_a_wrong_password);
async fn a_damaged_hash_is_told_apart_from_a_wrong_password(app: TestApp) {
    let ann = app.user("ann").await;
    app.database.execute(&format!("UPDATE users SET password_hash = 'rubbish' WHERE id = '{}'", ann.user_id));
    log_in(app.anonymous(), "ann", "ann's password").await.assert_problem(503, "storage");
    assert!(app.server.log().contains("a stored password hash has an unknown form"));
}
