//! What administrators do with accounts.

use serde_json::{Value, json};

use crate::support::{Answer, Client, TestApp, package};

fn account(client: &Client) -> String {
    format!("/api/v1/users/{}", client.user_id)
}

fn pointers(problem: &Value) -> Vec<&str> {
    problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect()
}

both!(an_account_is_made_read_and_listed);
async fn an_account_is_made_read_and_listed(app: TestApp) {
    let admin = app.admin().await;
    let made = admin.post("/api/v1/users").json(json!({"username": "ann", "password": "a long password", "email": null})).await;
    insta::assert_snapshot!(made.snapshot(), @r#"
    201
    {
      "id": "[id 1]",
      "username": "ann",
      "email": null,
      "full_name": null,
      "profile_picture": null,
      "is_active": true,
      "is_verified": false,
      "role": "user"
    }
    "#);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(id.len(), 32);
    let read = admin.get(&format!("/api/v1/users/{id}")).await.expect(200).json();
    assert_eq!(read, made.json());
    let dashed = format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]);
    assert_eq!(admin.get(&format!("/api/v1/users/{dashed}")).await.expect(200).json(), read);
    let list = admin.get("/api/v1/users").await.expect(200).json();
    assert_eq!(list["next_cursor"], Value::Null);
    assert!(list["items"].as_array().unwrap().contains(&read) && list["items"].as_array().unwrap().len() == 2, "{list}");
    for absent in ["0123456789abcdef0123456789abcdef", "x", "%00", "..%2f"] {
        admin.get(&format!("/api/v1/users/{absent}")).await.assert_problem(404, "not_found");
    }
}

both!(the_list_is_read_in_parts);
async fn the_list_is_read_in_parts(app: TestApp) {
    for name in ["ann", "bob", "cid", "dan"] {
        app.user(name).await;
    }
    let admin = app.admin().await;
    let (mut names, mut cursor, mut parts) = (Vec::new(), String::new(), 0);
    loop {
        let part = admin.get(&format!("/api/v1/users?limit=2{cursor}")).await.expect(200).json();
        names.extend(part["items"].as_array().unwrap().iter().map(|user| user["username"].as_str().unwrap().to_owned()));
        parts += 1;
        match part["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    names.sort();
    assert_eq!((names, parts), (["admin", "ann", "bob", "cid", "dan"].map(str::to_owned).to_vec(), 3));
    for bad in ["limit=0", "limit=1001", "limit=x", "limit=-1", "cursor=%25", "cursor=eA", "cursor=AA"] {
        admin.get(&format!("/api/v1/users?{bad}")).await.assert_problem(422, "validation");
    }
}

both!(all_that_is_wrong_is_told_at_once);
async fn all_that_is_wrong_is_told_at_once(app: TestApp) {
    let admin = app.admin().await;
    let make = |body: Value| admin.post("/api/v1/users").json(body);
    let all = make(json!({"username": "", "email": "x@", "password": "short"})).await.assert_problem(422, "validation");
    assert_eq!(pointers(&all), ["/email", "/username", "/password"]);
    let good = json!({"username": "ann", "email": "ann@example.org", "password": "a long password"});
    for (member, value) in [
        ("username", json!("a@b")),
        ("username", json!("a\u{1}b")),
        ("username", json!("d66ca7d9d8294281b565b9aa8b02a9f1")),
        ("username", json!("ä".repeat(101))),
        ("username", json!(null)),
        ("email", json!("a b@c")),
        ("email", json!(format!("a@{}", "b".repeat(260)))),
        ("password", json!("x".repeat(2000))),
        ("role", json!("root")),
        ("is_active", json!(true)),
        ("nonsense", json!(1)),
    ] {
        let mut body = good.clone();
        body[member] = value;
        make(body).await.assert_problem(422, "validation");
    }
    make(good.clone()).await.expect(201);
    make(json!({"username": "Ann", "password": "a long password"})).await.assert_problem(409, "already_exists");
    make(json!({"username": "bob", "email": "ANN@example.org", "password": "a long password"})).await.assert_problem(409, "already_exists");
    make(json!({"username": "bob", "email": "bob@example.org", "password": "a long password", "role": "admin"})).await.expect(201);
}

both!(accounts_are_for_administrators);
async fn accounts_are_for_administrators(app: TestApp) {
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    let body = json!({"username": "cid", "password": "a long password"});
    ann.get("/api/v1/users").await.assert_problem(403, "forbidden");
    ann.post("/api/v1/users").json(body).await.assert_problem(403, "forbidden");
    for whose in [account(&ann), account(&bob), "/api/v1/users/0123456789abcdef0123456789abcdef".to_owned()] {
        ann.get(&whose).await.assert_problem(403, "forbidden");
        ann.patch(&whose).json(json!({})).await.assert_problem(403, "forbidden");
        ann.delete(&whose).await.assert_problem(403, "forbidden");
        app.anonymous().delete(&whose).await.assert_problem(401, "unauthenticated");
    }
}

both!(an_account_and_its_plugins_have_neighbouring_addresses);
async fn an_account_and_its_plugins_have_neighbouring_addresses(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.get(&account(&ann)).await.expect(200);
    admin.get(&format!("{}/", account(&ann))).await.expect(200);
    admin.get(&format!("{}/plugins", account(&ann))).await.expect(200);
    admin.post(&account(&ann)).await.assert_problem(405, "method_not_allowed");
    admin.get(&format!("{}/nothing", account(&ann))).await.assert_problem(404, "not_found");
}

both!(changes_are_what_was_asked_for_and_nothing_else);
async fn changes_are_what_was_asked_for_and_nothing_else(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    app.user("bob").await;
    let patch = |body: Value| admin.patch(&account(&ann)).json(body);
    let before = admin.get(&account(&ann)).await.expect(200).json();
    assert_eq!(patch(json!({})).await.expect(200).json(), before);
    patch(json!({"email": "new@example.org", "full_name": " Ann Example ", "role": "admin"})).await.expect(200);
    insta::assert_snapshot!(admin.get(&account(&ann)).await.snapshot(), @r#"
    200
    {
      "id": "[id 1]",
      "username": "ann",
      "email": "new@example.org",
      "full_name": "Ann Example",
      "profile_picture": null,
      "is_active": true,
      "is_verified": false,
      "role": "admin"
    }
    "#);
    let cleared = patch(json!({"email": null, "full_name": null, "role": "user"})).await.expect(200).json();
    assert_eq!((&cleared["email"], &cleared["full_name"], &cleared["role"]), (&Value::Null, &Value::Null, &json!("user")));
    patch(json!({"email": "BOB@example.org"})).await.assert_problem(409, "already_exists");
    let all = patch(json!({"email": "x", "password": "short", "full_name": "a\u{7}b"})).await.assert_problem(422, "validation");
    assert_eq!(pointers(&all), ["/email", "/full_name", "/password"]);
    for bad in [
        json!({"username": "cid"}),
        json!({"role": null}),
        json!({"role": 5}),
        json!({"password": null}),
        json!({"is_active": "false"}),
        json!({"is_active": null}),
        json!([]),
    ] {
        patch(bad).await.assert_problem(422, "validation");
    }
    assert_eq!(admin.get(&account(&ann)).await.expect(200).json(), cleared);
    let changes = app.database.values("SELECT object AS value FROM audit_log WHERE action = 'user.update' ORDER BY id");
    let whose = &ann.user_id;
    assert_eq!(changes, [format!("{whose} (email, full_name, role)"), format!("{whose} (email, full_name, role)")]);
}

both!(changes_at_once_do_not_undo_each_other);
async fn changes_at_once_do_not_undo_each_other(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    for round in 0..10 {
        let (email, name) = (format!("ann{round}@example.org"), format!("Ann {round}"));
        tokio::join!(async { admin.patch(&account(&ann)).json(json!({"email": email})).await.expect(200) }, async {
            admin.patch(&account(&ann)).json(json!({"full_name": name})).await.expect(200)
        });
        let after = admin.get(&account(&ann)).await.expect(200).json();
        assert_eq!((&after["email"], &after["full_name"]), (&json!(email), &json!(name)));
    }
}

both!(a_username_that_is_the_address_follows_it);
async fn a_username_that_is_the_address_follows_it(app: TestApp) {
    let admin = app.admin().await;
    let body = json!({"username": "ann@example.org", "email": "ann@example.org", "password": "a long password"});
    let made = admin.post("/api/v1/users").json(body).await.expect(201).json();
    let account = format!("/api/v1/users/{}", made["id"].as_str().unwrap());
    admin.patch(&account).json(json!({"email": null})).await.assert_problem(422, "validation");
    let moved = admin.patch(&account).json(json!({"email": "new@example.org"})).await.expect(200).json();
    assert_eq!((&moved["username"], &moved["email"]), (&json!("new@example.org"), &json!("new@example.org")));
}

both!(a_new_password_by_an_administrator_ends_the_users_logins);
async fn a_new_password_by_an_administrator_ends_the_users_logins(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.patch(&account(&ann)).json(json!({"password": "given password"})).await.expect(200);
    ann.get("/api/v1/auth/me").await.assert_problem(401, "unauthenticated");
    app.anonymous().log_in("ann", "given password").await;
    // One's own login is not ended by one's own hand.
    let elsewhere = app.anonymous().log_in("admin", crate::support::program::ADMIN_PASSWORD).await;
    admin.patch(&account(admin)).json(json!({"password": "given password"})).await.expect(200);
    admin.get("/api/v1/auth/me").await.expect(200);
    elsewhere.get("/api/v1/auth/me").await.assert_problem(401, "unauthenticated");
}

both!(a_role_counts_on_the_next_request);
async fn a_role_counts_on_the_next_request(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.patch(&account(&ann)).json(json!({"role": "admin"})).await.expect(200);
    ann.get("/api/v1/users").await.expect(200);
    admin.patch(&account(&ann)).json(json!({"role": "user"})).await.expect(200);
    ann.get("/api/v1/users").await.assert_problem(403, "forbidden");
}

both!(the_last_administrator_stays);
async fn the_last_administrator_stays(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let attempts = async || -> [Answer; 3] {
        let me = account(admin);
        [
            admin.patch(&me).json(json!({"role": "user"})).await,
            admin.patch(&me).json(json!({"is_active": false, "full_name": "x"})).await,
            admin.delete(&me).await,
        ]
    };
    for refused in attempts().await {
        refused.assert_problem(409, "conflict");
    }
    // An administrator who is switched off could not help.
    admin.patch(&account(&ann)).json(json!({"role": "admin", "is_active": false})).await.expect(200);
    for refused in attempts().await {
        refused.assert_problem(409, "conflict");
    }
    let me = admin.get("/api/v1/auth/me").await.expect(200).json();
    assert_eq!((&me["role"], &me["full_name"]), (&json!("admin"), &Value::Null));
    admin.patch(&account(&ann)).json(json!({"is_active": true})).await.expect(200);
    admin.delete(&account(admin)).await.expect(204);
    let ann = app.anonymous().log_in("ann", "ann's password").await;
    ann.delete(&account(&ann)).await.assert_problem(409, "conflict");
}

both!(two_administrators_cannot_remove_each_other);
async fn two_administrators_cannot_remove_each_other(app: TestApp) {
    let admin = app.admin().await;
    for round in 0..5 {
        let other = app.user(&format!("admin{round}")).await;
        admin.patch(&account(&other)).json(json!({"role": "admin"})).await.expect(200);
        let demote = json!({"role": "user"});
        let (one, two) = tokio::join!(async { admin.patch(&account(&other)).json(&demote).await }, async {
            other.patch(&account(admin)).json(&demote).await
        });
        let left = app.database.values("SELECT username AS value FROM users WHERE role = 'admin' AND active");
        assert_eq!(left.len(), 1, "{} {}", one.text(), two.text());
        if left[0] != "admin" {
            other.patch(&account(admin)).json(json!({"role": "admin"})).await.expect(200);
            admin.patch(&account(&other)).json(&demote).await.expect(200);
        }
    }
}

both!(a_removed_user_leaves_nothing_but_the_audit_log);
async fn a_removed_user_leaves_nothing_but_the_audit_log(app: TestApp) {
    let (admin, ann, bob) = (app.admin().await, app.user("ann").await, app.user("bob").await);
    admin.publish(package("Demo", "1.0.0").zip(), "").await.expect(201);
    for user in [&ann, &bob] {
        user.post("/api/v1/plugins/Demo/install").json(json!({})).await.expect(200);
    }
    bob.delete("/api/v1/plugins/Demo/uninstall").await.expect(200);
    let folder = |user: &Client| app.home.plugins_dir().join(format!("users/user_{}", user.user_id));
    let token = ann.post("/api/v1/tokens").json(json!({"name": "t", "scopes": ["read"]})).await.expect(201).json();
    let pipeline = ann.with_token(token["token"].as_str().unwrap());
    assert!(folder(&ann).exists() && folder(&bob).exists());
    for user in [&ann, &bob] {
        assert_eq!(admin.delete(&account(user)).await.expect(204).bytes, b"");
        assert!(!folder(user).exists());
        admin.delete(&account(user)).await.assert_problem(404, "not_found");
    }
    ann.get("/api/v1/auth/me").await.assert_problem(401, "unauthenticated");
    pipeline.get("/api/v1/auth/me").await.assert_problem(401, "unauthenticated");
    for table in ["plugins", "sessions", "api_tokens", "pending_records"] {
        let left = app.database.values(&format!("SELECT user_id AS value FROM {table} WHERE user_id <> '{}'", admin.user_id));
        assert_eq!(left, [""; 0], "{table}");
    }
    let log = app.database.values("SELECT object AS value FROM audit_log WHERE action = 'user.delete' ORDER BY id");
    assert_eq!(log, [format!("{} (ann)", ann.user_id), format!("{} (bob)", bob.user_id)]);
    app.user("ann").await;
}
