//! What becomes of a login: refreshing, ending, expiring.

use serde_json::{Value, json};

use crate::support::{Answer, Client, TestApp};

/// A login's answer, and the caller it makes.
struct Login {
    client: Client,
    refresh_token: String,
}

impl Login {
    fn of(client: &Client, answer: &Value) -> Self {
        let text = |member: &str| answer[member].as_str().unwrap().to_owned();
        Self { client: client.with_token(&text("access_token")), refresh_token: text("refresh_token") }
    }
}

async fn log_in(app: &TestApp, name: &str) -> Login {
    let body = json!({"email": name, "password": format!("{name}'s password")});
    Login::of(app.anonymous(), &app.anonymous().post("/api/v1/auth/login").json(body).await.expect(200).json())
}

async fn refresh(app: &TestApp, token: &str) -> Answer {
    app.anonymous().post("/api/v1/auth/refresh").json(json!({"refresh_token": token})).await
}

async fn is_in(client: &Client) -> bool {
    let answer = client.get("/api/v1/auth/me").await;
    if answer.status != 200 {
        answer.assert_problem(401, "unauthenticated");
    }
    answer.status == 200
}

both!(a_refresh_rotates_and_the_one_before_answers_the_same);
async fn a_refresh_rotates_and_the_one_before_answers_the_same(app: TestApp) {
    app.user("ann").await;
    let login = log_in(&app, "ann").await;
    let answer = refresh(&app, &login.refresh_token).await.expect(200);
    insta::assert_snapshot!(answer.snapshot(), @r#"
    200
    {
      "access_token": "[secret]",
      "token_type": "bearer",
      "refresh_token": "[secret]",
      "expires_in": 3600,
      "refresh_expires_in": 2592000,
      "issued_at": "[time]",
      "user_id": "[id 1]"
    }
    "#);
    assert_eq!(answer.header("cache-control"), "no-store");
    let second = Login::of(app.anonymous(), &answer.json());
    assert_ne!(second.refresh_token, login.refresh_token);
    assert!(answer.header("set-cookie").starts_with(&format!("refresh_token={};", second.refresh_token)));
    assert!(is_in(&second.client).await && is_in(&login.client).await);

    let again = Login::of(app.anonymous(), &refresh(&app, &login.refresh_token).await.expect(200).json());
    assert_eq!(again.refresh_token, second.refresh_token, "the one before does not rotate again");
    let third = Login::of(app.anonymous(), &refresh(&app, &second.refresh_token).await.expect(200).json());
    assert_ne!(third.refresh_token, second.refresh_token);
}

both!(a_refresh_by_cookie_needs_no_body);
async fn a_refresh_by_cookie_needs_no_body(app: TestApp) {
    app.user("ann").await;
    let login = log_in(&app, "ann").await;
    let cookie = |token: &str| format!("other=1; refresh_token={token}");
    let post = || app.anonymous().post("/api/v1/auth/refresh");
    let second = post().header("cookie", &cookie(&login.refresh_token)).await.expect(200).json();
    let second = Login::of(app.anonymous(), &second).refresh_token;
    post().header("cookie", &cookie(&second)).json(json!({})).await.expect(200);
    // What the caller says beats what the browser adds.
    post().header("cookie", "refresh_token=old").json(json!({"refresh_token": second})).await.expect(200);
    for refused in [post().await, post().header("cookie", "refresh_token=x").await, post().json(json!({"refresh_token": null})).await] {
        refused.assert_problem(401, "unauthenticated");
    }
    post().json(json!({"refresh_token": 5})).await.assert_problem(422, "validation");
}

both!(an_older_token_used_again_ends_the_session);
async fn an_older_token_used_again_ends_the_session(app: TestApp) {
    app.user("ann").await;
    let other = log_in(&app, "ann").await;
    let first = log_in(&app, "ann").await;
    let second = Login::of(app.anonymous(), &refresh(&app, &first.refresh_token).await.expect(200).json());
    let third = Login::of(app.anonymous(), &refresh(&app, &second.refresh_token).await.expect(200).json());
    refresh(&app, &first.refresh_token).await.assert_problem(401, "unauthenticated");
    assert!(!is_in(&third.client).await);
    refresh(&app, &third.refresh_token).await.assert_problem(401, "unauthenticated");
    assert!(is_in(&other.client).await, "her other login goes on");
    let noted = app.database.values("SELECT actor AS value FROM audit_log WHERE action = 'session.revoke'");
    assert_eq!(noted, ["ann"]);
}

both!(the_token_before_works_for_a_minute);
async fn the_token_before_works_for_a_minute(app: TestApp) {
    app.user("ann").await;
    let first = log_in(&app, "ann").await;
    let second = Login::of(app.anonymous(), &refresh(&app, &first.refresh_token).await.expect(200).json());
    app.database.execute("UPDATE sessions SET rotated_at = rotated_at - 50000");
    refresh(&app, &first.refresh_token).await.expect(200);
    app.database.execute("UPDATE sessions SET rotated_at = rotated_at - 10001");
    refresh(&app, &first.refresh_token).await.assert_problem(401, "unauthenticated");
    assert!(!is_in(&second.client).await);
}

both!(refreshes_at_once_agree);
async fn refreshes_at_once_agree(app: TestApp) {
    app.user("ann").await;
    let login = log_in(&app, "ann").await;
    let answers = futures_util::future::join_all((0..8).map(|_| refresh(&app, &login.refresh_token))).await;
    let tokens = answers.into_iter().map(|answer| Login::of(app.anonymous(), &answer.expect(200).json()).refresh_token);
    let mut tokens = tokens.collect::<Vec<_>>();
    tokens.dedup();
    assert_eq!(tokens.len(), 1, "{tokens:?}");
    refresh(&app, &tokens[0]).await.expect(200);
}

both!(the_two_kinds_of_token_do_not_stand_for_each_other);
async fn the_two_kinds_of_token_do_not_stand_for_each_other(app: TestApp) {
    app.user("ann").await;
    let login = log_in(&app, "ann").await;
    assert!(!is_in(&login.client.with_token(&login.refresh_token)).await);
    refresh(&app, login.client.token.as_ref().unwrap()).await.assert_problem(401, "unauthenticated");
    refresh(&app, "plg_x").await.assert_problem(401, "unauthenticated");
}

both!(a_logout_works_on_the_next_request);
async fn a_logout_works_on_the_next_request(app: TestApp) {
    app.user("ann").await;
    let (login, other) = (log_in(&app, "ann").await, log_in(&app, "ann").await);
    let answer = login.client.post("/api/v1/auth/logout").await;
    insta::assert_snapshot!(answer.snapshot(), @r#"
    200
    {
      "message": "Logged out"
    }
    "#);
    assert_eq!(answer.header("set-cookie"), "refresh_token=; HttpOnly; SameSite=Lax; Path=/api/v1/auth; Max-Age=0");
    assert!(!is_in(&login.client).await);
    refresh(&app, &login.refresh_token).await.assert_problem(401, "unauthenticated");
    login.client.post("/api/v1/auth/logout").await.assert_problem(401, "unauthenticated");
    assert!(is_in(&other.client).await);
}

both!(a_login_ends_on_every_server);
async fn a_login_ends_on_every_server(app: TestApp) {
    if app.db == crate::support::Db::Sqlite {
        // One `serve` for each SQLite file.
        return;
    }
    let ann = app.user("ann").await;
    let second = app.second_server();
    assert!(is_in(&ann.at(&second)).await);
    ann.post("/api/v1/auth/logout").await.expect(200);
    ann.at(&second).comes_to("/api/v1/auth/me", 401).await;
}

both!(switching_an_account_off_ends_its_logins);
async fn switching_an_account_off_ends_its_logins(app: TestApp) {
    let ann = app.user("ann").await;
    let login = log_in(&app, "ann").await;
    let switch = async |active: bool| {
        let account = format!("/api/v1/users/{}", ann.user_id);
        app.admin().await.patch(&account).json(json!({"is_active": active})).await.expect(200);
    };
    switch(false).await;
    assert!(!is_in(&login.client).await);
    refresh(&app, &login.refresh_token).await.assert_problem(401, "unauthenticated");
    switch(true).await;
    assert!(!is_in(&login.client).await, "an ended login does not come back");
    refresh(&app, &login.refresh_token).await.assert_problem(401, "unauthenticated");
    log_in(&app, "ann").await;
}

both!(a_login_lasts_as_long_as_the_settings_say, refresh_token_ttl = "2h", access_token_ttl = "90s");
async fn a_login_lasts_as_long_as_the_settings_say(app: TestApp) {
    app.user("ann").await;
    let body = json!({"email": "ann", "password": "ann's password"});
    let answer = app.anonymous().post("/api/v1/auth/login").json(body).await.expect(200).json();
    assert_eq!((&answer["expires_in"], &answer["refresh_expires_in"]), (&json!(90), &json!(7200)));
    let login = Login::of(app.anonymous(), &answer);
    app.database.execute("UPDATE sessions SET expires_at = rotated_at");
    login.client.comes_to("/api/v1/auth/me", 401).await;
    refresh(&app, &login.refresh_token).await.assert_problem(401, "unauthenticated");
}

both!(ended_logins_are_not_kept_for_ever);
async fn ended_logins_are_not_kept_for_ever(app: TestApp) {
    let ann = app.user("ann").await;
    for _ in 0..3 {
        log_in(&app, "ann").await.client.post("/api/v1/auth/logout").await.expect(200);
    }
    log_in(&app, "ann").await;
    let kept = app.database.values(&format!("SELECT id AS value FROM sessions WHERE user_id = '{}'", ann.user_id));
    assert_eq!(kept.len(), 2, "the first one and the last one");
}
