//! Snapshots, and state that goes with the plugin's versions.

use serde_json::{Value, json};

use super::{DEMO, STATE, entry, id, owner};
use crate::support::{Client, TestApp, package};

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

both!(the_last_ten_stay_and_pinned_ones);
async fn the_last_ten_stay_and_pinned_ones(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let of_other = ann.post(SNAPSHOTS).json(json!({"plugin_id": "Other"})).await.expect(201).json();
    let pinned = take(&ann, true).await;
    for _ in 0..12 {
        take(&ann, false).await;
    }
    let kept = ann.get(&format!("{SNAPSHOTS}?plugin_id=Demo")).await.json();
    assert_eq!(kept["items"].as_array().unwrap().len(), 11);
    assert_eq!(kept["items"][10]["id"], pinned["id"]);
    let kept = ann.get(&format!("{SNAPSHOTS}?plugin_id=Other")).await.json();
    assert_eq!((kept["items"].as_array().unwrap().len(), &kept["items"][0]["id"]), (1, &of_other["id"]));
}

both!(there_is_an_end_to_pinning);
async fn there_is_an_end_to_pinning(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let most = ann.get(&format!("{STATE}/limits")).await.json()["pinned_snapshots"].as_u64().unwrap();
    let mut last = json!(null);
    for _ in 0..most {
        last = take(&ann, true).await;
    }
    let pin = json!({"plugin_id": "Demo", "pinned": true});
    let refused = ann.post(SNAPSHOTS).json(pin.clone()).await.assert_problem(507, "quota_exceeded");
    assert_eq!((&refused["limit"], &refused["actual"]), (&json!(most), &json!(most + 1)));
    take(&ann, false).await;
    ann.post(SNAPSHOTS).json(json!({"plugin_id": "Other", "pinned": true})).await.expect(201);
    ann.delete(&format!("{SNAPSHOTS}/{}", id(&last))).await.expect(204);
    ann.post(SNAPSHOTS).json(pin).await.expect(201);
}

both!(the_oldest_that_is_kept_can_be_restored);
async fn the_oldest_that_is_kept_can_be_restored(app: TestApp) {
    let ann = owner(&app, "ann").await;
    ann.put(&entry("a")).json(json!(1)).await.expect(201);
    let oldest = take(&ann, false).await;
    for _ in 0..9 {
        take(&ann, false).await;
    }
    ann.put(&entry("a")).json(json!(2)).await.expect(200);
    ann.post(&format!("{SNAPSHOTS}/{}/restore", id(&oldest))).await.expect(200);
    assert_eq!(ann.get(&entry("a")).await.text(), "1");
    let kept = ann.get(SNAPSHOTS).await.expect(200).json();
    let kept = kept["items"].as_array().unwrap();
    assert_eq!((kept.len(), &kept[0]["reason"]), (10, &json!("restore")));
    assert!(kept.iter().all(|snapshot| snapshot["id"] != oldest["id"]), "only afterwards is it pushed out");
}

both!(snapshots_are_listed_a_part_at_a_time);
async fn snapshots_are_listed_a_part_at_a_time(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let mut made = Vec::new();
    for plugin in ["Demo", "Other", "Demo", "Demo"] {
        made.push(ann.post(SNAPSHOTS).json(json!({"plugin_id": plugin})).await.expect(201).json()["id"].clone());
    }
    let list = async |query: &str| {
        let answer = ann.get(&format!("{SNAPSHOTS}?{query}")).await.expect(200).json();
        let ids: Vec<_> = answer["items"].as_array().unwrap().iter().map(|snapshot| snapshot["id"].clone()).collect();
        (ids, answer["next_cursor"].as_str().map(str::to_owned))
    };
    for (filter, expected) in [("", vec![3, 2, 1, 0]), ("plugin_id=Demo&", vec![3, 2, 0])] {
        let expected: Vec<_> = expected.into_iter().map(|at: usize| made[at].clone()).collect();
        let (first, next) = list(&format!("{filter}limit=2")).await;
        let (rest, end) = list(&format!("{filter}limit=2&cursor={}", next.unwrap())).await;
        assert_eq!(([first, rest].concat(), end), (expected, None), "{filter}");
    }
    let known = ann.get(SNAPSHOTS).await.expect(200);
    ann.get(SNAPSHOTS).header("if-none-match", known.header("etag")).await.expect(304);
    take(&ann, false).await;
    ann.get(SNAPSHOTS).header("if-none-match", known.header("etag")).await.expect(200);
    ann.get(&format!("{SNAPSHOTS}?limit=0")).await.assert_problem(422, "validation");
}

both!(a_damaged_copy_replaces_nothing);
async fn a_damaged_copy_replaces_nothing(app: TestApp) {
    let ann = owner(&app, "ann").await;
    ann.put(&entry("a")).json(json!({"a": 1})).await.expect(201);
    let record = &ann.get(STATE).await.json()[0];
    let made = take(&ann, false).await;
    ann.put(&entry("a")).json(json!({"a": 2})).await.expect(200);
    // As long as before, so that only the hash tells.
    app.database.execute("UPDATE snapshot_entries SET data = 'broken!'");
    let refused = ann.post(&format!("{SNAPSHOTS}/{}/restore", id(&made))).await.assert_problem(500, "state_corrupt");
    assert_eq!(refused["entry"], record["id"]);
    assert_eq!(ann.get(&entry("a")).await.text(), "{\"a\":2}");
    assert_eq!(ann.get(SNAPSHOTS).await.json()["items"].as_array().unwrap().len(), 1, "nothing of the restore stays");
}

both!(a_restore_that_fails_on_the_way_changes_nothing);
async fn a_restore_that_fails_on_the_way_changes_nothing(app: TestApp) {
    let ann = owner(&app, "ann").await;
    ann.put(&entry("a")).json(json!(1)).await.expect(201);
    let made = take(&ann, false).await;
    ann.put(&entry("c")).json(json!(3)).await.expect(201);
    ann.delete("/api/v1/plugins/Demo/uninstall").await.expect(200);
    let counted = || {
        let [seq, kept] = ["CAST(seq AS TEXT) AS value FROM user_heads", "CAST(count(*) AS TEXT) AS value FROM snapshots"];
        [seq, kept].map(|what| app.database.values(&format!("SELECT {what}")))
    };
    let before = counted();
    // What the snapshot lacks is deleted first, which needs no installation.
    ann.post(&format!("{SNAPSHOTS}/{}/restore", id(&made))).await.assert_problem(422, "validation");
    assert_eq!(ann.get(&entry("c")).await.text(), "3");
    assert_eq!(counted(), before);
}

both!(a_restore_needs_no_room_in_between, max_state_document = "1 KiB", state_quota_factor = "2");
async fn a_restore_needs_no_room_in_between(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let put = async |key: &str, size: usize| {
        let answer = ann.put(&entry(key)).json(json!("x".repeat(size - 2))).await;
        assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
    };
    for (key, size) in [("a", 1024), ("b", 500), ("c", 500)] {
        put(key, size).await;
    }
    let made = take(&ann, false).await;
    for (key, size) in [("a", 10), ("b", 1000), ("c", 1000)] {
        put(key, size).await;
    }
    ann.post(&format!("{SNAPSHOTS}/{}/restore", id(&made))).await.expect(200);
    assert_eq!(ann.get(&format!("{STATE}/stats")).await.json()["total_size"], 2024);
}

both!(a_restore_leaves_inactive_entries_inactive);
async fn a_restore_leaves_inactive_entries_inactive(app: TestApp) {
    let ann = owner(&app, "ann").await;
    ann.put(&entry("k")).json(json!(1)).await.expect(201);
    app.database.execute("UPDATE state_entries SET active = FALSE");
    let restore = format!("{SNAPSHOTS}/{}/restore", id(&take(&ann, false).await));
    let inactive = format!("{STATE}?is_active=false");
    ann.post(&restore).await.expect(200);
    let found = ann.get(&inactive).await.expect(200).json();
    assert_eq!((found.as_array().unwrap().len(), &found[0]["version"]), (1, &json!(1)));
    assert_eq!(ann.get(STATE).await.json(), json!([]));
    // Nor are they brought back otherwise than they were.
    ann.delete(&format!("{STATE}/{}", id(&found[0]))).await.expect(200);
    ann.post(&restore).await.expect(200);
    assert_eq!(ann.get(&inactive).await.expect(200).json()[0]["version"], 3);
    assert_eq!(ann.get(STATE).await.json(), json!([]));
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

both!(a_restore_brings_the_schema_version_and_the_device_back);
async fn a_restore_brings_the_schema_version_and_the_device_back(app: TestApp) {
    let ann = owner(&app, "ann").await;
    ann.put(&entry("a")).json(json!(1)).await.expect(201);
    let made = take(&ann, false).await;
    let newer = async || {
        let put = ann.put(&entry("a")).header("plugyard-schema-version", "2").header("plugyard-device", "phone");
        put.json(json!(2)).await.expect(200);
    };
    newer().await;
    ann.post(&format!("{SNAPSHOTS}/{}/restore", id(&made))).await.expect(200);
    let record = ann.get(STATE).await.json()[0].clone();
    assert_eq!((&record["state_schema_version"], &record["device_id"]), (&Value::Null, &Value::Null));
    newer().await;
    ann.post(&format!("{STATE}/{}/rollback", id(&record))).json(json!({"to": 1})).await.expect(200);
    let record = ann.get(STATE).await.json()[0].clone();
    assert_eq!((&record["state_schema_version"], &record["device_id"]), (&Value::Null, &Value::Null));
    // What the older code writes is welcome again.
    ann.put(&entry("a")).header("plugyard-schema-version", "1").json(json!(3)).await.expect(200);
}

both!(an_administrators_snapshot_says_where_it_is);
async fn an_administrators_snapshot_says_where_it_is(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let snapshots = format!("/api/v1/users/{}/plugin-state/snapshots", ann.user_id);
    let made = app.admin().await.post(&snapshots).json(json!({"plugin_id": "Demo"})).await.expect(201);
    app.admin().await.get(made.header("location")).await.expect(200);
}
