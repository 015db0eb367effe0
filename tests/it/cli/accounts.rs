//! `user` and `token`

use serde_json::json;

use super::both_modes;
use crate::support::{TestApp, package};

both!(accounts_are_made_changed_and_deleted);
async fn accounts_are_made_changed_and_deleted(app: TestApp) {
    for home in both_modes(&app).await {
        let run = |args: &[&str]| home.run(args).done().stdout;
        let added = run(&["user", "add", "ann", "--email", "ann@example.org"]);
        let password = added.strip_prefix("ann is added with the password ").unwrap().trim_end();
        let ann = app.anonymous().log_in("ann@example.org", password).await;
        let twice = home.run(&["user", "add", "ANN"]);
        assert_eq!((twice.status, twice.stdout.as_str()), (1, ""), "{twice:?}");

        assert_eq!(run(&["user", "disable", "ann"]), "ann is disabled\n");
        ann.get("/api/v1/auth/me").await.assert_problem(401, "unauthenticated");
        assert_eq!(run(&["user", "enable", &ann.user_id]), "ann is enabled\n");
        let given = home.run_with_input(&["user", "set-password", "ann", "--password-stdin"], "a new password\n").done().stdout;
        assert_eq!(given, "the password of ann is set\n");
        app.anonymous().log_in("ann", "a new password").await;
        let changed = home.run(&["user", "set-role", "ann", "admin", "--output", "json"]).done().json();
        assert_eq!(changed, json!({"id": ann.user_id, "username": "ann", "is_active": true, "role": "admin"}));

        let list = home.run(&["user", "list", "--output", "json"]).done().json();
        let names: Vec<_> = list.as_array().unwrap().iter().map(|user| user["username"].as_str().unwrap()).collect();
        assert_eq!(names, ["admin", "ann"]);
        assert!(run(&["user", "list"]).starts_with("USERNAME  EMAIL            ROLE   ACTIVE  ID\nadmin "));
        assert_eq!(run(&["user", "delete", "ann@example.org"]), "ann is deleted\n");
        assert_eq!(home.run(&["user", "delete", "ann"]).status, 1);
    }
}

both!(passwords_are_generated_or_read);
async fn passwords_are_generated_or_read(app: TestApp) {
    for (home, name) in both_modes(&app).await.into_iter().zip(["ann", "ben"]) {
        let chosen = home.run_with_input(&["user", "add", name, "--admin", "--password-stdin", "--output", "json"], "my own password\n");
        let chosen = chosen.done().json();
        assert_eq!((&chosen["username"], &chosen["role"], chosen.get("password")), (&json!(name), &json!("admin"), None));
        app.anonymous().log_in(name, "my own password").await;
        let generated = home.run(&["user", "set-password", name, "--output", "json"]).done().json();
        app.anonymous().log_in(name, generated["password"].as_str().unwrap()).await;
        assert_eq!(home.run_with_input(&["user", "add", "carl", "--password-stdin"], "").status, 2);
        let short = home.run_with_input(&["user", "add", "carl", "--password-stdin"], "short\n");
        assert_eq!(short.status, 1, "{short:?}");
        assert!(short.stderr.contains("at least 8 characters"), "{short:?}");
    }
}

both!(tokens_are_made_listed_and_revoked);
async fn tokens_are_made_listed_and_revoked(app: TestApp) {
    let admin = app.admin().await;
    admin.publish(package("Demo", "1.0.0").zip(), "").await.expect(201);
    for home in both_modes(&app).await {
        let args = ["token", "create", "ci", "--user", "admin", "--scope", "read", "install", "--expires", "90d"];
        let token = home.run(&args).done().stdout.trim_end().to_owned();
        assert!(token.starts_with("plg_") && !token.contains(char::is_whitespace), "{token:?}");
        let holder = admin.with_token(&token);
        app.remote(&holder).run(&["plugins", "install", "Demo"]).done();
        app.remote(&holder).run(&["plugins", "uninstall", "Demo"]).done();
        assert_eq!(app.remote(&holder).run(&["plugins", "disable", "Demo"]).status, 1);

        let list = home.run(&["token", "list", "--user", "admin", "--output", "json"]).done();
        assert!(!list.stdout.contains(&token), "{list:?}");
        let list = list.json();
        assert_eq!((&list[0]["name"], &list[0]["scopes"]), (&json!("ci"), &json!(["read", "install"])));
        assert!(list[0]["expires_at"].is_string());
        let id = list[0]["id"].as_str().unwrap();
        assert_eq!(home.run(&["token", "revoke", id, "--user", "admin"]).done().stdout, format!("{id} is revoked\n"));
        holder.comes_to("/api/v1/auth/me", 401).await.assert_problem(401, "unauthenticated");
        assert_eq!(home.run(&["token", "revoke", id, "--user", "admin"]).status, 1);
        assert_eq!(home.run(&["token", "list", "--user", "admin", "--output", "json"]).done().json(), json!([]));
    }
}

both!(a_server_manages_the_tokens_of_their_owner_alone);
async fn a_server_manages_the_tokens_of_their_owner_alone(app: TestApp) {
    let ann = app.user("ann").await;
    let made = app.remote(&ann).run(&["token", "create", "ci", "--scope", "state:Demo,read", "--output", "json"]).done().json();
    assert_eq!((&made["scopes"], &made["expires_at"]), (&json!(["state:Demo", "read"]), &json!(null)));
    let refused = app.remote(app.admin().await).run(&["token", "create", "ci", "--user", "ann", "--scope", "read"]);
    assert_eq!(refused.status, 2, "{refused:?}");
    assert!(refused.stderr.contains("leave out --user"), "{refused:?}");
    let beyond = app.remote(&ann).run(&["token", "create", "ci", "--scope", "admin"]);
    assert_eq!(beyond.status, 1, "{beyond:?}");
}
