//! What commands beside the server change counts within about a second.

use serde_json::json;

use super::{Ann, OWN, SHARED};
use crate::support::TestApp;

both!(commands_are_seen);
async fn commands_are_seen(app: TestApp) {
    let ann = Ann::new(&app).await;
    ann.warm_all(&app).await;
    let made = ann.ann.post("/api/v1/tokens").json(json!({"name": "t", "scopes": ["read"]})).await.expect(201).json();
    let token = ann.ann.with_token(made["token"].as_str().unwrap());
    app.warm(&token, OWN, &["tokens"]).await;

    let steps: [(&[&str], &str, u16); 7] = [
        (&["plugins", "disable", "Demo", "--user", "ann"], OWN, 404),
        (&["plugins", "enable", "Demo", "--user", "ann"], OWN, 200),
        (&["plugins", "disable", "Demo"], SHARED, 404),
        (&["plugins", "enable", "Demo"], SHARED, 200),
        (&["user", "disable", "ann"], OWN, 401),
        (&["user", "enable", "ann"], OWN, 200),
        (&["token", "revoke", made["id"].as_str().unwrap(), "--user", "ann"], OWN, 401),
    ];
    for (command, path, status) in steps {
        app.local().run(command).done();
        token.comes_to(path, status).await;
    }
    let ann_again = app.anonymous().log_in("ann", "ann's password").await;
    app.warm(&ann_again, OWN, &["installations"]).await;
    app.local().run(&["plugins", "uninstall", "Demo", "--user", "ann"]).done();
    ann_again.comes_to(OWN, 404).await;
}

both!(statements_are_seen);
async fn statements_are_seen(app: TestApp) {
    let ann = Ann::new(&app).await;
    ann.warm_all(&app).await;
    for (statement, path, status) in [
        ("UPDATE plugins SET enabled = FALSE", ann.public.as_str(), 404),
        ("UPDATE plugins SET enabled = TRUE", &ann.public, 200),
        ("UPDATE releases SET visibility = 'private'", SHARED, 404),
        ("UPDATE plugin_config SET status = 'disabled'", &ann.public, 404),
    ] {
        app.database.execute(statement);
        app.anonymous().comes_to(path, status).await;
    }
}

both!(keys_and_sessions_that_another_process_ends_are_seen);
async fn keys_and_sessions_that_another_process_ends_are_seen(app: TestApp) {
    let ann = Ann::new(&app).await;
    ann.warm_all(&app).await;
    app.database.execute("UPDATE plugins SET access_key = '0123456789abcdef0123456789abcdef'");
    app.anonymous().comes_to(&ann.current, 404).await;
    app.database.execute("UPDATE sessions SET revoked_at = 1");
    ann.ann.comes_to(OWN, 401).await;
}

both!(own_writes_do_not_empty_the_caches);
async fn own_writes_do_not_empty_the_caches(app: TestApp) {
    let ann = Ann::new(&app).await;
    let bob = app.user("bob").await;
    ann.warm_all(&app).await;
    let before = app.hits("installations").await;
    for n in 0..20 {
        bob.post("/api/v1/tokens").json(json!({"name": format!("t{n}"), "scopes": ["read"]})).await.expect(201);
        ann.ann.get(OWN).await.expect(200);
    }
    assert!(app.hits("installations").await >= before + 19, "only bob's rows have changed");
}
