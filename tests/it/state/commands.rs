//! `plugyard state`, here and through a server.

use serde_json::json;

use super::owner;
use crate::support::TestApp;

both!(state_is_managed_from_the_command_line);
async fn state_is_managed_from_the_command_line(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let admin = app.admin().await.clone();
    for home in [app.local(), app.remote(&admin)] {
        let run = |args: &[&str]| home.run(&[&["state"], args, &["--user", "ann", "--output", "json"]].concat());
        run(&["set", "Demo", "k", "--page", "p", "--document", r#"{"a":1.0}"#]).done();
        run(&["set", "Demo", "k", "--page", "p", "--document", "{\"a\":2}"]).done();
        assert_eq!(run(&["get", "Demo", "k", "--page", "p"]).done().json(), json!({"a": 2}));
        assert_eq!(run(&["list", "Demo"]).done().json()[0]["state_key"], "k");
        let newest = run(&["history", "Demo", "k", "--page", "p"]).done().json()[0]["version"].as_i64().unwrap();
        run(&["rollback", "Demo", "k", "--page", "p", "--to", &(newest - 1).to_string()]).done();
        assert_eq!(run(&["get", "Demo", "k", "--page", "p"]).done().stdout.trim().replace([' ', '\n'], ""), r#"{"a":1.0}"#);
        assert_eq!(run(&["stats"]).done().json()["total_states"], 1);
        run(&["cleanup"]).done();
        run(&["delete", "Demo", "k", "--page", "p"]).done();
        // What is deleted has its history, and comes back.
        let gone = run(&["history", "Demo", "k", "--page", "p"]).done().json()[0].clone();
        assert_eq!(gone["change"], "delete");
        let by_id = format!("{}_Demo", ann.user_id);
        assert_eq!(run(&["history", &by_id, "k", "--page", "p"]).done().json()[0], gone);
        let before = (gone["version"].as_i64().unwrap() - 1).to_string();
        run(&["rollback", "Demo", "k", "--page", "p", "--to", &before]).done();
        assert_eq!(run(&["get", "Demo", "k", "--page", "p"]).done().json().to_string(), r#"{"a":1.0}"#);
        assert_eq!(run(&["history", "Demo", "never"]).status, 1);
        run(&["delete", "Demo", "k", "--page", "p"]).done();
        run(&["delete", "Demo", "k", "--page", "p"]).done();
        assert_eq!(run(&["get", "Demo", "k", "--page", "p"]).status, 1);
        assert_eq!(run(&["set", "Nowhere", "--document", "1"]).status, 1);
    }
    let own = app.remote(&ann);
    own.run(&["state", "set", "Demo", "--document", "[1]"]).done();
    assert_eq!(own.run(&["state", "get", "Demo"]).done().stdout, "[1]\n");
}

both!(commands_write_also_where_a_policy_asks_for_preconditions);
async fn commands_write_also_where_a_policy_asks_for_preconditions(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let admin = app.admin().await.clone();
    admin.put("/api/v1/plugin-state/policies/Demo").json(json!({"preconditions_required": true})).await.expect(200);
    ann.put(&super::entry("k")).json(json!(1)).await.assert_problem(428, "precondition_required");
    for home in [app.local(), app.remote(&admin)] {
        let run = |args: &[&str]| home.run(&[&["state"], args, &["--user", "ann", "--output", "json"]].concat()).done();
        run(&["set", "Demo", "k", "--document", "1"]);
        run(&["set", "Demo", "k", "--document", "2"]);
        let version = run(&["history", "Demo", "k"]).json()[0]["version"].as_i64().unwrap();
        run(&["rollback", "Demo", "k", "--to", &(version - 1).to_string()]);
        assert_eq!(run(&["get", "Demo", "k"]).json(), json!(1));
        run(&["delete", "Demo", "k"]);
        ann.comes_to(&super::entry("k"), 404).await;
    }
}

#[cfg(unix)]
both!(an_export_goes_to_where_a_link_leads);
#[cfg(unix)]
async fn an_export_goes_to_where_a_link_leads(app: TestApp) {
    owner(&app, "ann").await;
    let folder = app.new_folder();
    let (link, target) = (folder.path().join("link"), folder.path().join("target"));
    std::fs::write(&target, "old").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    app.local().run(&["state", "export", "--user", "ann", "--to", link.to_str().unwrap()]).done();
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert!(std::fs::read_to_string(&target).unwrap().starts_with("{\"header\""));
}
