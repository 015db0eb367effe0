//! API tokens: what they may do, and until when.

use serde_json::{Value, json};

use crate::support::{Answer, Client, TestApp, package};

async fn make(client: &Client, scopes: &[&str]) -> Answer {
    client.post("/api/v1/tokens").json(json!({"name": "pipeline", "scopes": scopes})).await
}

/// The owner as seen through a new token.
async fn through(owner: &Client, scopes: &[&str]) -> Client {
    owner.with_token(make(owner, scopes).await.expect(201).json()["token"].as_str().unwrap())
}

both!(a_token_is_shown_once);
async fn a_token_is_shown_once(app: TestApp) {
    let ann = app.user("ann").await;
    let body = json!({"name": " pipeline ", "scopes": ["read", "state:Demo", "read"], "expires_at": "2999-01-01T00:00:00+01:00"});
    let answer = ann.post("/api/v1/tokens").json(body).await;
    insta::assert_snapshot!(answer.snapshot(), @r#"
    201
    {
      "id": "[id 1]",
      "name": "pipeline",
      "token": "[secret]",
      "scopes": [
        "read",
        "state:Demo"
      ],
      "expires_at": "[time]",
      "created_at": "[time]"
    }
    "#);
    assert_eq!(answer.header("cache-control"), "no-store");
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("plg_") && token.len() == 4 + 43, "{token}");
    let list = ann.get("/api/v1/tokens").await;
    insta::assert_snapshot!(list.snapshot(), @r#"
    200
    {
      "items": [
        {
          "id": "[id 1]",
          "name": "pipeline",
          "scopes": [
            "read",
            "state:Demo"
          ],
          "expires_at": "[time]",
          "created_at": "[time]",
          "last_used_at": null
        }
      ],
      "next_cursor": null
    }
    "#);
    let everything = app.database.values("SELECT token_hash || name || scopes AS value FROM api_tokens").concat();
    assert!(!everything.contains(&token[4..]), "the token itself is not kept");

    let pipeline = ann.with_token(&token);
    assert_eq!(pipeline.get("/api/v1/auth/me").await.expect(200).json()["id"], ann.user_id.as_str());
    assert_ne!(pipeline.get("/api/v1/tokens").await.expect(200).json()["items"][0]["last_used_at"], Value::Null);
}

both!(scopes_say_what_a_token_is_for, user_uploads = "allow");
async fn scopes_say_what_a_token_is_for(app: TestApp) {
    let admin = app.admin().await;
    admin.publish(package("Demo", "1.0.0").zip(), "").await.expect(201);
    // Reading, installing, publishing, and looking at accounts.
    for (scope, expected) in [
        ("read", [200, 403, 403, 403]),
        ("install", [403, 200, 403, 403]),
        ("publish", [403, 403, 201, 403]),
        ("state", [403, 403, 403, 403]),
        ("state:Demo", [403, 403, 403, 403]),
        ("admin", [200, 200, 201, 200]),
    ] {
        let pipeline = through(admin, &[scope]).await;
        let slug = format!("By-{}", scope.replace(':', "-"));
        let answers = [
            pipeline.get("/api/v1/plugins").await,
            pipeline.post("/api/v1/plugins/Demo/install").json(json!({})).await,
            pipeline.publish(package(&slug, "1.0.0").zip(), "").await,
            pipeline.get("/api/v1/users").await,
        ];
        assert_eq!(answers.each_ref().map(|answer| answer.status), expected, "{scope}");
        for answer in answers.iter().filter(|answer| answer.status == 403) {
            answer.assert_problem(403, "forbidden");
        }
        if answers[1].status == 200 {
            admin.delete("/api/v1/plugins/Demo/uninstall").await.expect(200);
        }
    }
}

both!(a_token_never_exceeds_its_owner);
async fn a_token_never_exceeds_its_owner(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    make(&ann, &["admin"]).await.assert_problem(403, "forbidden");
    let pipeline = through(&ann, &["publish", "read"]).await;
    pipeline.publish(package("Demo", "1.0.0").zip(), "").await.assert_problem(403, "publish_not_allowed");

    // What the owner loses, the token loses.
    let account = format!("/api/v1/users/{}", ann.user_id);
    admin.patch(&account).json(json!({"role": "admin"})).await.expect(200);
    let strong = through(&ann, &["admin"]).await;
    strong.get("/api/v1/users").await.expect(200);
    admin.patch(&account).json(json!({"role": "user"})).await.expect(200);
    strong.get("/api/v1/users").await.assert_problem(403, "forbidden");
    make(&strong, &["admin"]).await.assert_problem(403, "forbidden");
    admin.patch(&account).json(json!({"is_active": false})).await.expect(200);
    strong.get("/api/v1/auth/me").await.assert_problem(401, "unauthenticated");
    admin.patch(&account).json(json!({"is_active": true})).await.expect(200);
    strong.get("/api/v1/auth/me").await.expect(200);
}

both!(only_a_login_or_an_admin_token_makes_tokens);
async fn only_a_login_or_an_admin_token_makes_tokens(app: TestApp) {
    let admin = app.admin().await;
    let weak = through(admin, &["read", "install", "publish", "state"]).await;
    make(&weak, &["read"]).await.assert_problem(403, "forbidden");
    let strong = through(admin, &["admin"]).await;
    let made = make(&strong, &["read"]).await.expect(201).json();
    let address = format!("/api/v1/tokens/{}", made["id"].as_str().unwrap());
    weak.delete(&address).await.assert_problem(403, "forbidden");
    strong.delete(&address).await.expect(204);
}

both!(a_revoked_token_is_refused_on_the_next_request);
async fn a_revoked_token_is_refused_on_the_next_request(app: TestApp) {
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    let made = make(&ann, &["read"]).await.expect(201).json();
    let pipeline = ann.with_token(made["token"].as_str().unwrap());
    let address = format!("/api/v1/tokens/{}", made["id"].as_str().unwrap());
    pipeline.get("/api/v1/auth/me").await.expect(200);
    for stranger in [&bob, app.admin().await] {
        stranger.delete(&address).await.assert_problem(404, "not_found");
        assert_eq!(stranger.get("/api/v1/tokens").await.expect(200).json()["items"], json!([]));
    }
    pipeline.get("/api/v1/auth/me").await.expect(200);
    assert_eq!(ann.delete(&address).await.expect(204).bytes, b"");
    pipeline.get("/api/v1/auth/me").await.assert_problem(401, "unauthenticated");
    ann.delete(&address).await.assert_problem(404, "not_found");
    assert_eq!(ann.get("/api/v1/tokens").await.expect(200).json()["items"], json!([]));
    for absent in ["x", "%00", "a%2fb", "0123456789abcdef0123456789abcdef"] {
        ann.delete(&format!("/api/v1/tokens/{absent}")).await.assert_problem(404, "not_found");
    }
    let id = made["id"].as_str().unwrap();
    let log = app.database.values("SELECT action || ' ' || object AS value FROM audit_log WHERE action LIKE 'token.%' ORDER BY id");
    assert_eq!(log, [format!("token.create {id} (pipeline)"), format!("token.revoke {id}")]);
}

both!(an_expired_token_is_refused);
async fn an_expired_token_is_refused(app: TestApp) {
    let ann = app.user("ann").await;
    let body = json!({"name": "t", "scopes": ["read"], "expires_at": "2999-01-01T00:00:00Z"});
    let made = ann.post("/api/v1/tokens").json(body).await.expect(201).json();
    let pipeline = ann.with_token(made["token"].as_str().unwrap());
    pipeline.get("/api/v1/auth/me").await.expect(200);
    app.database.execute("UPDATE api_tokens SET expires_at = created_at");
    pipeline.comes_to("/api/v1/auth/me", 401).await.assert_problem(401, "unauthenticated");
}

both!(what_is_wrong_with_a_token_is_told);
async fn what_is_wrong_with_a_token_is_told(app: TestApp) {
    let ann = app.user("ann").await;
    let post = |body: Value| ann.post("/api/v1/tokens").json(body);
    let all = post(json!({"name": "", "scopes": [], "expires_at": "2020-01-01T00:00:00Z"})).await.assert_problem(422, "validation");
    let pointers = all["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(pointers, ["/name", "/scopes", "/expires_at"]);
    for (body, pointer) in [
        (json!({"name": "t", "scopes": ["root"]}), "/scopes/0"),
        (json!({"name": "t", "scopes": ["read", "state:"]}), "/scopes/1"),
        (json!({"name": "t", "scopes": "read"}), "/scopes"),
        (json!({"name": "t", "scopes": ["read"], "expires_at": "tomorrow"}), "/expires_at"),
        (json!({"name": "t\u{0}t", "scopes": ["read"]}), "/name"),
        (json!({"name": "t", "scopes": ["read"], "more": 1}), "/more"),
    ] {
        let problem = post(body).await.assert_problem(422, "validation");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
}

both!(tokens_are_listed_in_parts_oldest_first);
async fn tokens_are_listed_in_parts_oldest_first(app: TestApp) {
    let ann = app.user("ann").await;
    for n in 0..3 {
        ann.post("/api/v1/tokens").json(json!({"name": format!("t{n}"), "scopes": ["read"]})).await.expect(201);
    }
    let names = |part: &Value| part["items"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let first = ann.get("/api/v1/tokens?limit=2").await.expect(200).json();
    assert_eq!(names(&first), ["t0", "t1"]);
    let next = first["next_cursor"].as_str().unwrap();
    let second = ann.get(&format!("/api/v1/tokens?limit=2&cursor={next}")).await.expect(200).json();
    assert_eq!((names(&second), &second["next_cursor"]), (vec!["t2".to_owned()], &Value::Null));
    ann.get("/api/v1/tokens?cursor=AA").await.assert_problem(422, "validation");
}
