//! What `doctor` does about state.

use serde_json::json;

use super::{doctor, finds_and_repairs, found, installation, is_clean};
use crate::support::{Client, Db, TestApp, old_tree::user_id};

/// Somebody with three entries, of which one is deleted.
pub async fn with_state(app: &TestApp) -> Client {
    let ann = installation(app).await;
    for key in ["a", "b", "c"] {
        let state = json!({"plugin_id": "Demo", "state_key": key, "state_data": {"of": key}});
        ann.post("/api/v1/plugin-state/").json(state).await.expect(200);
    }
    ann.delete("/api/v1/plugin-state/entry?plugin_id=Demo&state_key=c").await.expect(204);
    is_clean(app);
    ann
}

both!(counters_of_state_are_counted_again);
async fn counters_of_state_are_counted_again(app: TestApp) {
    let ann = with_state(&app).await;
    let of_ann = format!("state_counts state of user {}", ann.user_id);
    let of_demo = format!("{of_ann}, plugin Demo");
    for (damage, differing) in [
        ("UPDATE state_usage SET entries = 7; UPDATE user_heads SET entries = 0", vec![&of_demo, &of_ann]),
        ("UPDATE state_usage SET size = size + 1; UPDATE user_heads SET seq = 1", vec![&of_demo, &of_ann]),
        ("UPDATE state_usage SET plugin_slug = 'Other'", vec![&of_demo, &format!("{of_ann}, plugin Other")]),
        ("DELETE FROM state_usage; DELETE FROM user_heads", vec![&of_demo, &of_ann]),
    ] {
        app.database.execute(damage);
        finds_and_repairs(&app, &differing.iter().map(|line| line.as_str()).collect::<Vec<_>>());
        // What was counted is what the service goes on from.
        ann.put("/api/v1/plugin-state/entry?plugin_id=Demo&state_key=a").json(json!({"damage": damage})).await.expect(200);
        is_clean(&app);
    }
}

both!(a_damaged_document_is_found_and_taken_from_its_revision);
async fn a_damaged_document_is_found_and_taken_from_its_revision(app: TestApp) {
    let ann = with_state(&app).await;
    let listed = ann.get("/api/v1/plugin-state/?state_key=a").await.expect(200).json();
    let id = listed[0]["id"].as_str().unwrap();
    let other = match app.db {
        Db::Sqlite => "x'00'",
        Db::Postgres => "'\\x00'::bytea",
    };
    app.database.execute(&format!("UPDATE state_entries SET data = {other} WHERE id = '{id}'"));
    ann.get(&format!("/api/v1/plugin-state/{id}")).await.assert_problem(500, "state_corrupt");
    let object = format!("damaged_state state {id} of user {}", ann.user_id);
    finds_and_repairs(&app, &[&object]);
    assert_eq!(ann.get(&format!("/api/v1/plugin-state/{id}")).await.expect(200).json()["state_data"], json!({"of": "a"}));

    // Where the revision is damaged, too, nothing is invented.
    for (table, key) in [("state_entries", "id"), ("state_revisions", "entry_id")] {
        app.database.execute(&format!("UPDATE {table} SET data = {other} WHERE {key} = '{id}'"));
    }
    app.server.stop_gracefully();
    let (status, checkup) = doctor(&app, &["--repair"]);
    let revision = format!("damaged_revision revision 1 of state {id} of user {}", ann.user_id);
    assert_eq!((status, found(&checkup)), (1, vec![object, revision]), "{checkup:#}");
    assert!(checkup["differences"].as_array().unwrap().iter().all(|one| one["state"] == "left"), "{checkup:#}");
}

both!(damage_of_what_was_before_is_found_and_taken_from_a_copy);
async fn damage_of_what_was_before_is_found_and_taken_from_a_copy(app: TestApp) {
    let ann = with_state(&app).await;
    let entry = |key: &str| format!("/api/v1/plugin-state/entry?plugin_id=Demo&state_key={key}");
    let large = json!({"text": "long ".repeat(1000)});
    ann.put(&entry("a")).json(&large).await.expect(200);
    let made = ann
        .post("/api/v1/plugin-state/snapshots")
        .json(json!({"plugin_id": "Demo", "label": "l", "pinned": false}))
        .await
        .expect(201)
        .json();
    let snapshot = made["id"].as_str().unwrap();
    let listed = ann.get("/api/v1/plugin-state/?state_key=a").await.expect(200).json();
    let id = listed[0]["id"].as_str().unwrap();
    let deleted = app.database.values("SELECT id AS value FROM state_entries WHERE state_key = 'c'").remove(0);
    let other = match app.db {
        Db::Sqlite => "x'00'",
        Db::Postgres => "'\\x00'::bytea",
    };
    let damage = |table: &str, which: &str| app.database.execute(&format!("UPDATE {table} SET data = {other} WHERE {which}"));
    let (newest, of_a) = (format!("entry_id = '{id}' AND version = 2"), format!("snapshot_id = '{snapshot}' AND state_key = 'a'"));
    let revision = |version: i64, id: &str| format!("damaged_revision revision {version} of state {id} of user {}", ann.user_id);
    let copy = format!("damaged_snapshot snapshot {snapshot} of user {}, plugin Demo, page \"\", key \"a\"", ann.user_id);

    damage("state_revisions", &newest);
    finds_and_repairs(&app, &[&revision(2, id)]);
    damage("snapshot_entries", &of_a);
    finds_and_repairs(&app, &[&copy]);
    damage("state_revisions", &newest);
    damage("snapshot_entries", &of_a);
    finds_and_repairs(&app, &[&revision(2, id), &copy]);
    let version = ann.get(&format!("/api/v1/plugin-state/{id}/history/2")).await.expect(200).json();
    assert_eq!(version["document"], large);
    ann.put(&entry("a")).json(json!(3)).await.expect(200);
    ann.post(&format!("/api/v1/plugin-state/snapshots/{snapshot}/restore")).await.expect(200);
    assert_eq!(ann.get(&entry("a")).await.expect(200).json(), large);
    is_clean(&app);

    // Nothing else holds these: what is left is told, and everything stays.
    damage("state_revisions", &format!("entry_id = '{id}' AND version = 1"));
    damage("state_revisions", &format!("entry_id = '{deleted}' AND data IS NOT NULL"));
    app.server.stop_gracefully();
    let before = app.database.values("SELECT entry_id || version AS value FROM state_revisions ORDER BY 1");
    let (status, checkup) = doctor(&app, &["--repair"]);
    let mut left = found(&checkup);
    left.sort();
    let mut expected = vec![revision(1, id), revision(1, &deleted)];
    expected.sort();
    assert_eq!((status, left), (1, expected), "{checkup:#}");
    assert!(checkup["differences"].as_array().unwrap().iter().all(|one| one["state"] == "left"), "{checkup:#}");
    assert_eq!(app.database.values("SELECT entry_id || version AS value FROM state_revisions ORDER BY 1"), before);
}

both!(state_of_nobody_gets_an_account);
async fn state_of_nobody_gets_an_account(app: TestApp) {
    let ann = with_state(&app).await;
    let nobody = user_id(5);
    let moved = format!("UPDATE state_entries SET user_id = '{nobody}' WHERE state_key = 'a'");
    match app.db {
        Db::Sqlite => app.database.execute(&format!("PRAGMA foreign_keys = OFF; {moved}")),
        Db::Postgres => app.database.execute(&format!("SET session_replication_role = replica; {moved}")),
    }
    let (status, checkup) = doctor(&app, &[]);
    assert_eq!((status, &found(&checkup)[0]), (1, &format!("state_without_user state of user {nobody}")), "{checkup:#}");
    app.server.stop_gracefully();
    assert_eq!(doctor(&app, &["--repair"]).0, 0);
    is_clean(&app);
    app.server.restart();
    let kept = app.admin().await.get(&format!("/api/v1/users/{nobody}/plugin-state/")).await.expect(200).json();
    assert_eq!(kept[0]["state_data"], json!({"of": "a"}));
    assert_eq!(ann.get("/api/v1/plugin-state/").await.expect(200).json().as_array().unwrap().len(), 1);
}
