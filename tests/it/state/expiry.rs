//! What time brings about.

use std::time::Duration;

use serde_json::json;

use super::{STATE, entry, owner};
use crate::support::TestApp;

const PAST: &str = "2020-01-01T00:00:00Z";

both!(ended_entries_are_swept_into_tombstones, state_sweep_interval = "keep");
async fn ended_entries_are_swept_into_tombstones(app: TestApp) {
    let (ann, ben) = (owner(&app, "ann").await, owner(&app, "ben").await);
    for n in 0..250 {
        ann.put(&entry(&format!("k{n}"))).header("plugyard-expires", PAST).json(json!(n)).await.expect(201);
    }
    ann.put(&entry("stays")).json(json!(1)).await.expect(201);
    ben.put(&entry("k")).header("plugyard-expires", PAST).json(json!(1)).await.expect(201);
    assert_eq!(ann.get(STATE).await.json().as_array().unwrap().len(), 1, "gone before they are swept");
    let stats = ann.get(&format!("{STATE}/stats")).await.json();
    assert_eq!((&stats["total_states"], &stats["active_states"]), (&json!(251), &json!(1)));
    assert_eq!(ann.get(&format!("{STATE}/limits")).await.json()["entries"]["used"], 251, "as the quota counts");
    let swept = ann.delete(&format!("{STATE}/cleanup")).await.expect(200).json();
    assert_eq!(swept, json!({"message": "Cleaned up 250 expired plugin states", "deleted_count": 250}));
    assert_eq!(ann.delete(&format!("{STATE}/cleanup")).await.expect(200).json()["deleted_count"], 0);
    let count = |what: &str| app.database.values(&format!("SELECT CAST(count(*) AS TEXT) AS value FROM {what}"));
    assert_eq!(count("state_entries WHERE deleted_at IS NOT NULL"), ["250"]);
    assert_eq!(count("state_revisions WHERE change = 'expire'"), ["250"]);
    assert_eq!(ann.get(&format!("{STATE}/stats")).await.json()["total_states"], 1);
    let changes = ann.get(&format!("{STATE}/changes?limit=1000")).await.json();
    assert_eq!(changes["changes"].as_array().unwrap().iter().filter(|change| change["deleted"] == true).count(), 250);
}

both!(one_plugins_sweep_touches_no_other, state_sweep_interval = "keep");
async fn one_plugins_sweep_touches_no_other(app: TestApp) {
    let ann = owner(&app, "ann").await;
    for plugin in ["Demo", "Other"] {
        let address = format!("{STATE}/entry?plugin_id={plugin}");
        ann.put(&address).header("plugyard-expires", PAST).json(json!(1)).await.expect(201);
    }
    let made = ann.post("/api/v1/tokens").json(json!({"name": "t", "scopes": ["state:Demo"]})).await.expect(201).json();
    let limited = ann.with_token(made["token"].as_str().unwrap());
    assert_eq!(limited.delete(&format!("{STATE}/cleanup")).await.expect(200).json()["deleted_count"], 1);
    assert_eq!(app.database.values("SELECT plugin_slug AS value FROM state_entries WHERE deleted_at IS NOT NULL"), ["Demo"]);
}

both!(the_server_sweeps_by_itself, state_sweep_interval = "50ms");
async fn the_server_sweeps_by_itself(app: TestApp) {
    let ann = owner(&app, "ann").await;
    ann.put(&entry("k")).header("plugyard-expires", PAST).json(json!(1)).await.expect(201);
    let swept = "SELECT CAST(count(*) AS TEXT) AS value FROM state_entries WHERE deleted_at IS NOT NULL";
    while app.database.values(swept) != ["1"] {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

both!(an_unreadable_policy_keeps_nothing_from_ending, state_sweep_interval = "50ms");
async fn an_unreadable_policy_keeps_nothing_from_ending(app: TestApp) {
    let (ann, ben) = (owner(&app, "ann").await, owner(&app, "ben").await);
    app.admin().await.put(&format!("{STATE}/policies/Demo")).json(json!({})).await.expect(200);
    for (user, plugin) in [(&ann, "Demo"), (&ann, "Other"), (&ben, "Demo"), (&ben, "Other")] {
        let address = format!("{STATE}/entry?plugin_id={plugin}");
        user.put(&address).header("plugyard-expires", "2999-01-01T00:00:00Z").json(json!(1)).await.expect(201);
    }
    app.database.execute("UPDATE state_policies SET policy = 'broken'");
    app.database.execute("UPDATE state_entries SET expires_at = 1");
    let swept = "SELECT CAST(count(*) AS TEXT) AS value FROM state_entries WHERE deleted_at IS NOT NULL";
    while app.database.values(swept) != ["4"] {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    ann.put(&entry("k")).json(json!(1)).await.assert_problem(503, "storage");
}

both!(what_is_older_than_the_horizon_is_forgotten);
async fn what_is_older_than_the_horizon_is_forgotten(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let cursor = async || ann.get(&format!("{STATE}/changes")).await.json()["cursor"].as_str().unwrap().to_owned();
    let push = async |id: &str| {
        let mutation =
            json!({"id": id, "op": "put", "key": {"plugin_id": "Other", "state_key": id}, "document": 1, "on_conflict": "local"});
        let body = json!({"device_id": "phone", "mutations": [mutation]});
        ann.post(&format!("{STATE}/mutations")).json(body).await.expect(200).json()["results"][0]["replayed"].as_bool().unwrap()
    };
    for name in ["old", "young"] {
        ann.put(&entry(name)).json(json!(1)).await.expect(201);
        assert!(!push(name).await);
    }
    let before = cursor().await;
    ann.delete(&entry("old")).await.expect(204);
    let between = cursor().await;
    ann.delete(&entry("young")).await.expect(204);
    app.server.stop_gracefully();
    for (name, days) in [("old", 31), ("young", 29)] {
        let at = jiff::Timestamp::now().as_millisecond() - days * 24 * 3_600_000;
        app.database.execute(&format!("UPDATE state_entries SET deleted_at = {at} WHERE plugin_slug = 'Demo' AND state_key = '{name}'"));
        app.database.execute(&format!("UPDATE state_mutations SET created_at = {at} WHERE mutation_id = '{name}'"));
    }
    app.server.restart();
    while app.database.values("SELECT state_key AS value FROM state_entries WHERE deleted_at IS NOT NULL") != ["young"] {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    ann.get(&format!("{STATE}/changes?since={before}")).await.assert_problem(410, "gone");
    let told = ann.get(&format!("{STATE}/changes?since={between}")).await.expect(200).json();
    assert_eq!((&told["changes"][0]["state_key"], told["changes"].as_array().unwrap().len()), (&json!("young"), 1));
    assert_eq!((push("old").await, push("young").await), (false, true));
}

both!(a_get_never_writes_and_accesses_are_counted_all_the_same);
async fn a_get_never_writes_and_accesses_are_counted_all_the_same(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let created = ann.put(&entry("k")).json(json!(1)).await.expect(201);
    for _ in 0..5 {
        ann.get(&entry("k")).await.expect(200);
    }
    app.server.stop_gracefully();
    assert_eq!(app.database.values("SELECT CAST(access_count AS TEXT) AS value FROM state_entries"), ["5"]);
    app.server.restart();
    let read = ann.get(&entry("k")).await.expect(200);
    assert_eq!(read.header("etag"), created.header("etag"));
}
