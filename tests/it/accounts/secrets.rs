//! What must never be written to a log.

use serde_json::json;

use crate::support::{TestApp, program::ADMIN_PASSWORD};

both!(no_secret_reaches_the_log, registration = "true", log_level = "trace");
async fn no_secret_reaches_the_log(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let login = json!({"email": "ann", "password": "ann's password"});
    let login = app.anonymous().post("/api/v1/auth/login").json(login).await.expect(200).json();
    let wrong = json!({"email": "ann", "password": "a mistyped password"});
    app.anonymous().post("/api/v1/auth/login").json(wrong).await.expect(401);
    let refresh = json!({"refresh_token": login["refresh_token"]});
    let refreshed = app.anonymous().post("/api/v1/auth/refresh").json(refresh).await.expect(200).json();
    let token = ann.post("/api/v1/tokens").json(json!({"name": "t", "scopes": ["read"]})).await.expect(201).json();
    let token = token["token"].as_str().unwrap();
    ann.with_token(token).get("/api/v1/auth/me").await.expect(200);
    ann.with_token("plg_guessed-by-somebody").get("/api/v1/auth/me").await.expect(401);
    let change =
        json!({"current_password": "ann's password", "new_password": "a chosen password", "confirm_password": "a chosen password"});
    ann.put("/api/v1/auth/profile/password").json(change).await.expect(200);
    let account = format!("/api/v1/users/{}", ann.user_id);
    admin.patch(&account).json(json!({"password": "a given password"})).await.expect(200);
    let newcomer = json!({"username": "bob", "email": "bob@example.org", "password": "a registered password"});
    app.anonymous().post("/api/v1/auth/register").json(newcomer).await.expect(200);

    let log = app.server.log();
    assert!(log.contains("TRACE") || log.contains("DEBUG"), "the log is as talkative as it gets");
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let hashes = app.database.values("SELECT password_hash AS value FROM users");
    let secrets = [
        ADMIN_PASSWORD.to_owned(),
        "ann's password".to_owned(),
        "a mistyped password".to_owned(),
        "a chosen password".to_owned(),
        "a given password".to_owned(),
        "a registered password".to_owned(),
        "guessed-by-somebody".to_owned(),
        token.to_owned(),
        text(&login["access_token"]),
        text(&login["refresh_token"]),
        text(&refreshed["access_token"]),
        text(&refreshed["refresh_token"]),
        app.database.values("SELECT value AS value FROM meta WHERE key = 'jwt_secret'").remove(0),
    ];
    for secret in secrets.iter().chain(&hashes) {
        assert!(!log.contains(secret.as_str()), "{secret} is in the log");
    }
}
