//! Accounts of one's own making.

use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

async fn register(app: &TestApp, body: Value) -> Answer {
    app.anonymous().post("/api/v1/auth/register").json(body).await
}

both!(nobody_registers_unless_the_setting_says_so);
async fn nobody_registers_unless_the_setting_says_so(app: TestApp) {
    let body = json!({"username": "ann", "email": "ann@example.org", "password": "a long password"});
    register(&app, body).await.assert_problem(403, "forbidden");
}

both!(a_newcomer_registers_and_logs_in, registration = "true");
async fn a_newcomer_registers_and_logs_in(app: TestApp) {
    let body = json!({"username": " ann ", "email": "ann@example.org", "password": "a long password", "full_name": "Ann", "role": "admin"});
    let answer = register(&app, body).await;
    insta::assert_snapshot!(answer.snapshot(), @r#"
    200
    {
      "id": "[id 1]",
      "username": "ann",
      "email": "ann@example.org",
      "full_name": "Ann",
      "profile_picture": null,
      "is_active": true,
      "is_verified": false,
      "role": "user"
    }
    "#);
    let ann = app.anonymous().log_in("ann@example.org", "a long password").await;
    assert_eq!(ann.user_id, answer.json()["id"]);
    assert_eq!(app.database.values("SELECT actor AS value FROM audit_log WHERE action = 'user.register'"), ["ann"]);
}

both!(what_is_taken_or_wrong_is_refused, registration = "true");
async fn what_is_taken_or_wrong_is_refused(app: TestApp) {
    app.user("ann").await;
    let with = |username: &str, email: &str| json!({"username": username, "email": email, "password": "a long password"});
    register(&app, with("ANN", "other@example.org")).await.assert_problem(409, "already_exists");
    register(&app, with("other", "Ann@Example.org")).await.assert_problem(409, "already_exists");
    register(&app, with("ann@example.org", "other@example.org")).await.assert_problem(422, "validation");
    let all = register(&app, json!({"username": "a\u{0}", "email": "x", "password": "short", "full_name": "\n"})).await;
    let all = all.assert_problem(422, "validation");
    let pointers = all["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(pointers, ["/email", "/username", "/password"], "a line break at the edge of a name is only trimmed");
    register(&app, json!({"username": "bob", "password": "a long password"})).await.assert_problem(422, "validation");
    register(&app, with("bob@example.org", "Bob@example.org")).await.expect(200);
}
