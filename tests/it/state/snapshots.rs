//! Snapshots, and state that goes with the plugin's versions.

use serde_json::{Value, json};

use super::{DEMO, STATE, entry, id, owner};
use crate::support::{Client, Db, TestApp, package};

const SNAPSHOTS: &str = "/api/v1/plugin-state/snapshots";

async fn take(user: &Client, pinned: bool) -> Value {
    user.post(SNAPSHOTS).json(json!({"plugin_id": "Demo", "label": "l", "pinned": pinned})).await.expect(201).json()
}

both!(a_snapshot_is_restored_with_new_revisions);
async fn a_snapshot_is_restored_with_new_revisions(app: TestApp) {
    let (ann, ben) = (owner(&app, "ann").await, owner(&app, "ben").await);
    ann.put(&entry("a")).json(json!({"a": 1})).await.expect(201);
    ann.put(&entry("b")).json(json!({"b": "x".repeat(3000)})).await.expect(201);
    ann.put("/api/v1/plugin-state/entry?plugin_id=Other").json(json!("other")).await.expect(201);
    ben.put(&entry("a")).json(json!("ben's")).await.expect(201);
    let made = take(&ann, false).await;
    assert_eq!((&made["entries"], &made["plugin_version"], &made["reason"]), (&json!(2), &json!("1.0.0"), &json!("request")));
    let address = format!("{SNAPSHOTS}/{}", id(&made));
    assert_eq!(ann.get(&address).await.expect(200).json()["keys"].as_array().unwrap().len(), 2);
    for answer in [ben.get(&address).await, ben.delete(&address).await, ben.post(&format!("{address}/restore")).await] {
        answer.assert_problem(404, "not_found");
    }

    ann.put(&entry("a")).json(json!({"a": 2})).await.expect(200);
    ann.delete(&entry("b")).await.expect(204);
    ann.put(&entry("c")).json(json!(3)).await.expect(201);
    ann.post(&format!("{address}/restore")).await.expect(200);
    assert_eq!(ann.get(&entry("a")).await.text(), "{\"a\":1}");
    assert_eq!(ann.get(&entry("a")).await.header("plugyard-version"), "3");
    assert_eq!(ann.get(&entry("b")).await.json()["b"].as_str().unwrap().len(), 3000);
    ann.get(&entry("c")).await.assert_problem(404, "not_found");
    assert_eq!(ann.get("/api/v1/plugin-state/entry?plugin_id=Other").await.text(), "\"other\"");
    assert_eq!(ben.get(&entry("a")).await.text(), "\"ben's\"");
    // What was there before can be had back.
    let undo = ann.get(SNAPSHOTS).await.expect(200).json()["items"][0].clone();
    assert_eq!(undo["reason"], "restore");
    ann.post(&format!("{SNAPSHOTS}/{}/restore", id(&undo))).await.expect(200);
    assert_eq!(ann.get(&entry("c")).await.text(), "3");
    ann.get(&entry("b")).await.assert_problem(404, "not_found");
    ann.delete(&address).await.expect(204);
    ann.get(&address).await.assert_problem(404, "not_found");
}

both!(a_damaged_snapshot_is_not_restored);
async fn a_damaged_snapshot_is_not_restored(app: TestApp) {
    let ann = owner(&app, "ann").await;
    for key in ["a", "b"] {
        ann.put(&entry(key)).json(json!({"of": key})).await.expect(201);
    }
    let made = take(&ann, false).await;
    for key in ["a", "b"] {
        ann.put(&entry(key)).json(json!({"of": key, "now": true})).await.expect(200);
    }
    let other = match app.db {
        Db::Sqlite => "x'00'",
        Db::Postgres => "'\\x00'::bytea",
    };
    app.database.execute(&format!("UPDATE snapshot_entries SET data = {other} WHERE state_key = 'b'"));
    let refused = ann.post(&format!("{SNAPSHOTS}/{}/restore", id(&made))).await.assert_problem(500, "state_corrupt");
    assert_eq!(refused["entry"], made["id"]);
    for key in ["a", "b"] {
        assert_eq!(ann.get(&entry(key)).await.expect(200).json(), json!({"of": key, "now": true}), "nothing was restored");
    }
}

both!(the_last_ten_stay_and_pinned_ones);
async fn the_last_ten_stay_and_pinned_ones(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let pinned = take(&ann, true).await;
    for _ in 0..12 {
        take(&ann, false).await;
    }
    let kept = ann.get(&format!("{SNAPSHOTS}?plugin_id=Demo")).await.json();
    assert_eq!(kept["items"].as_array().unwrap().len(), 11);
    assert_eq!(kept["items"][10]["id"], pinned["id"]);
}

both!(an_update_can_be_undone_together_with_the_state);
async fn an_update_can_be_undone_together_with_the_state(app: TestApp) {
    let ann = owner(&app, "ann").await;
    ann.put(DEMO).json(json!({"form": 1})).await.expect(201);
    app.admin().await.publish(package("Demo", "2.0.0").zip(), "").await.expect(201);
    let updated = ann.post("/api/v1/plugins/Demo/update").json(json!({})).await.expect(200).json();
    let snapshot = updated["data"]["snapshot_id"].as_str().unwrap().to_owned();
    ann.put(DEMO).json(json!({"form": 2})).await.expect(200);
    ann.put(&entry("new")).json(json!(1)).await.expect(201);
    let back = ann.post("/api/v1/plugins/Demo/rollback").json(json!({"restore_state": true})).await.expect(200).json();
    assert_eq!((&back["new_version"], &back["snapshot_id"]), (&json!("1.0.0"), &json!(snapshot)));
    assert_eq!(ann.get(DEMO).await.text(), "{\"form\":1}");
    assert_eq!(ann.get(DEMO).await.header("plugyard-plugin-version"), "1.0.0");
    ann.get(&entry("new")).await.assert_problem(404, "not_found");
    ann.put(DEMO).json(json!({"form": 1, "more": 1})).await.expect(200);
    ann.post("/api/v1/plugins/Demo/rollback").json(json!({"restore_state": "yes"})).await.assert_problem(422, "validation");
}

both!(state_outlives_the_plugin_unless_it_is_purged);
async fn state_outlives_the_plugin_unless_it_is_purged(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let again = async || {
        ann.post("/api/v1/plugins/Demo/install").json(json!({})).await.expect(200);
    };
    ann.put(DEMO).json(json!({"a": 1})).await.expect(201);
    ann.put("/api/v1/plugin-state/entry?plugin_id=Other").json(json!("other")).await.expect(201);
    take(&ann, true).await;
    ann.delete("/api/v1/plugins/Demo/uninstall").await.expect(200);
    ann.put(DEMO).json(json!(1)).await.assert_problem(422, "validation");
    assert_eq!(ann.get(DEMO).await.text(), "{\"a\":1}");
    again().await;
    ann.delete("/api/v1/plugins/Demo/uninstall?purge_state=true").await.expect(200);
    again().await;
    ann.get(DEMO).await.assert_problem(404, "not_found");
    assert_eq!(ann.get(SNAPSHOTS).await.json()["items"], json!([]));
    assert_eq!(app.database.values("SELECT CAST(count(*) AS TEXT) AS value FROM state_revisions"), ["1"]);
    assert_eq!(ann.get(&format!("{STATE}/stats")).await.json()["total_states"], 1);
}
