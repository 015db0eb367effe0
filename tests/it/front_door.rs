//! The server starts, says so, lets users in, and answers strangers properly.

use serde_json::json;

use crate::support::TestApp;

both!(is_ready_once_it_listens);
async fn is_ready_once_it_listens(app: TestApp) {
    app.anonymous().get("/healthz").await.expect(200);
    app.anonymous().get("/readyz").await.expect(200);
}

both!(a_user_logs_in);
async fn a_user_logs_in(app: TestApp) {
    let ann = app.user("ann").await;
    let answer = ann.get("/api/v1/auth/me").await;
    insta::assert_snapshot!(answer.snapshot(), @r#"
    200
    {
      "id": "[id 1]",
      "username": "ann",
      "email": "ann@example.org",
      "full_name": null,
      "profile_picture": null,
      "is_active": true,
      "is_verified": false,
      "role": "user"
    }
    "#);
    assert_eq!(answer.json()["id"], ann.user_id.as_str());
    assert_eq!(app.admin().await.get("/api/v1/auth/me").await.expect(200).json()["role"], "admin");
}

both!(a_wrong_password_and_an_unknown_user_look_alike);
async fn a_wrong_password_and_an_unknown_user_look_alike(app: TestApp) {
    app.user("ann").await;
    for name in ["ann", "nobody"] {
        let answer = app.anonymous().post("/api/v1/auth/login").json(json!({"email": name, "password": "not her password"})).await;
        assert_eq!(answer.assert_problem(401, "unauthenticated")["detail"], "Invalid email or password");
    }
}

both!(an_unknown_route_is_a_problem_answer);
async fn an_unknown_route_is_a_problem_answer(app: TestApp) {
    app.anonymous().get("/api/v1/no-such-thing").await.assert_problem(404, "not_found");
    app.anonymous().get("/").await.assert_problem(404, "not_found");
    app.anonymous().raw_get("/api//v1/%2e%2e/healthz", &[]).await.assert_problem(404, "not_found");
}

both!(a_protected_route_asks_for_a_token);
async fn a_protected_route_asks_for_a_token(app: TestApp) {
    app.anonymous().get("/api/v1/auth/me").await.assert_problem(401, "unauthenticated");
    app.anonymous().with_token("plg_not-a-token").get("/api/v1/auth/me").await.assert_problem(401, "unauthenticated");
}

both!(a_request_id_is_the_callers_if_it_is_well_formed);
async fn a_request_id_is_the_callers_if_it_is_well_formed(app: TestApp) {
    let sent = |id: &'static str| app.anonymous().get("/healthz").header("x-request-id", id);
    assert_eq!(sent("abc-DEF_123").await.header("x-request-id"), "abc-DEF_123");
    assert_ne!(sent("not an id").await.header("x-request-id"), "not an id");
}

both!(an_administrator_changes_and_deletes_accounts);
async fn an_administrator_changes_and_deletes_accounts(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let account = format!("/api/v1/users/{}", ann.user_id);
    let renamed = admin.patch(&account).json(json!({"full_name": "Ann Example"})).await.expect(200).json();
    assert_eq!(renamed["full_name"], "Ann Example");
    ann.patch(&account).json(json!({"role": "admin"})).await.assert_problem(403, "forbidden");
    let change = json!({"current_password": "ann's password", "new_password": "another password", "confirm_password": "another password"});
    ann.put("/api/v1/auth/profile/password").json(change).await.expect(200);
    app.anonymous().log_in("ann", "another password").await;
    admin.delete(&account).await.expect(204);
    admin.get(&account).await.assert_problem(404, "not_found");
    ann.get("/api/v1/auth/me").await.assert_problem(401, "unauthenticated");
}
