//! Revisions and going back.

use serde_json::{Value, json};

use super::{STATE, create, entry, id, owner};
use crate::support::{Client, TestApp};

async fn changes(user: &Client, address: &str) -> Vec<(i64, String)> {
    let items = user.get(&format!("{address}/history")).await.expect(200).json();
    let line = |item: &Value| (item["version"].as_i64().unwrap(), item["change"].as_str().unwrap().to_owned());
    items["items"].as_array().unwrap().iter().map(line).collect()
}

both!(every_change_of_content_is_a_revision_and_can_be_undone);
async fn every_change_of_content_is_a_revision_and_can_be_undone(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let record = create(&ann, "k", json!({"n": 1})).await;
    let address = format!("{STATE}/{}", id(&record));
    ann.put(&address).header("user-agent", "a browser").json(json!({"state_data": {"n": 2}})).await.expect(200);
    ann.put(&address).json(json!({"device_id": "phone"})).await.expect(200);
    ann.put(&address).json(json!({"state_data": {"n": 2}})).await.expect(200);
    let back = ann.post(&format!("{address}/rollback")).header("if-match", "\"3\"").json(json!({"to": 1})).await.expect(200).json();
    assert_eq!((&back["state_data"], &back["version"]), (&json!({"n": 1}), &json!(3)));
    ann.post(&format!("{address}/rollback"))
        .header("if-match", "\"3\"")
        .json(json!({"to": 2}))
        .await
        .assert_problem(412, "precondition_failed");
    ann.delete(&address).await.expect(200);
    let revived = ann.post(&format!("{address}/rollback")).json(json!({"to": 2})).await.expect(200).json();
    assert_eq!((&revived["id"], &revived["state_data"]), (&record["id"], &json!({"n": 2})));
    let expected = [(5, "restore"), (4, "delete"), (3, "restore"), (2, "update"), (1, "create")];
    assert_eq!(changes(&ann, &address).await, expected.map(|(version, change)| (version, change.to_owned())));

    let one = ann.get(&format!("{address}/history/1")).await.expect(200).json();
    assert_eq!((&one["document"], &one["actor"]), (&json!({"n": 1}), &json!("ann")));
    let two = ann.get(&format!("{address}/history/2")).await.expect(200).json();
    assert_eq!((&two["plugin_version"], &two["user_agent"]), (&json!("1.0.0"), &json!("a browser")));
    assert_eq!(ann.get(&format!("{address}/history/4")).await.expect(200).json()["document"], Value::Null);
    let known = ann.get(&format!("{address}/history")).await.expect(200);
    ann.get(&format!("{address}/history")).header("if-none-match", known.header("etag")).await.expect(304);
    let page = ann.get(&format!("{address}/history?limit=2")).await.expect(200).json();
    let next = page["next_cursor"].as_str().unwrap();
    let rest = ann.get(&format!("{address}/history?limit=9&cursor={next}")).await.expect(200).json();
    assert_eq!((rest["items"][0]["version"].as_i64(), rest["items"].as_array().unwrap().len()), (Some(3), 3));
    ann.get(&format!("{address}/history/6")).await.assert_problem(404, "not_found");
    ann.get(&format!("{address}/history/x")).await.assert_problem(404, "not_found");
    ann.post(&format!("{address}/rollback")).json(json!({"to": 99})).await.assert_problem(404, "not_found");
    ann.post(&format!("{address}/rollback")).json(json!({"to": 4})).await.assert_problem(422, "validation");
}

both!(fifty_revisions_stay);
async fn fifty_revisions_stay(app: TestApp) {
    let ann = owner(&app, "ann").await;
    for n in 0..55 {
        ann.put(&entry("k")).json(json!(n)).await;
    }
    let record = &ann.get(&format!("{STATE}?state_key=k")).await.json()[0];
    let kept = changes(&ann, &format!("{STATE}/{}", id(record))).await;
    assert_eq!((kept.len(), kept[0].0, kept[49].0), (50, 55, 6));
}

both!(policies_let_old_revisions_go_by_age_and_bytes);
async fn policies_let_old_revisions_go_by_age_and_bytes(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let policy = async |retention: Value| {
        app.admin().await.put(&format!("{STATE}/policies/Demo")).json(json!({"retention": retention})).await.expect(200);
    };
    let versions = async |key: &str| {
        let record = &ann.get(&format!("{STATE}?state_key={key}")).await.json()[0];
        changes(&ann, &format!("{STATE}/{}", id(record))).await.into_iter().map(|(version, _)| version).collect::<Vec<_>>()
    };
    policy(json!({"max_age_seconds": 3600})).await;
    for n in 1..=3 {
        ann.put(&entry("age")).json(json!(n)).await;
    }
    assert_eq!(versions("age").await, [3, 2, 1]);
    // Two hours and half an hour ago.
    for (version, minutes) in [(1, 121), (2, 30)] {
        app.database.execute(&format!("UPDATE state_revisions SET created_at = created_at - {minutes} * 60000 WHERE version = {version}"));
    }
    ann.put(&entry("age")).json(json!(4)).await.expect(200);
    assert_eq!(versions("age").await, [4, 3, 2]);
    // However old: the entry's own revision stays.
    app.database.execute("UPDATE state_revisions SET created_at = 0");
    ann.put(&entry("age")).json(json!(5)).await.expect(200);
    assert_eq!(versions("age").await, [5]);

    policy(json!({"max_bytes": 1000})).await;
    let of_size = |size: usize, n: usize| json!(format!("{n}{}", "x".repeat(size - 3)));
    for n in 1..=4 {
        ann.put(&entry("bytes")).json(of_size(300, n)).await;
    }
    assert_eq!(versions("bytes").await, [4, 3, 2], "900 bytes stay");
    ann.put(&entry("bytes")).json(of_size(800, 5)).await.expect(200);
    assert_eq!(versions("bytes").await, [5], "with the one before it would be 1,100");
    ann.put(&entry("bytes")).json(of_size(1020, 6)).await.expect(200);
    assert_eq!(versions("bytes").await, [6], "the newest stays, whatever its size");
    policy(json!({"revisions": 2, "max_age_seconds": 3600, "max_bytes": 1_000_000})).await;
    for n in 7..=9 {
        ann.put(&entry("bytes")).json(json!(n)).await.expect(200);
    }
    assert_eq!(versions("bytes").await, [9, 8]);
}

both!(purging_leaves_nothing_of_the_document);
async fn purging_leaves_nothing_of_the_document(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let record = create(&ann, "k", json!({"secret": "hunter2"})).await;
    let kept = create(&ann, "other", json!({"a": 1})).await;
    let address = format!("{STATE}/{}", id(&record));
    ann.put(&address).json(json!({"state_data": {"secret": "hunter3"}})).await.expect(200);
    let snapshot = ann.post(&format!("{STATE}/snapshots")).json(json!({"plugin_id": "Demo"})).await.expect(201).json();
    // A device that is told of the document, once.
    let key = json!({"plugin_id": "Demo", "state_key": "k"});
    let stale = json!({"id": "m1", "op": "put", "key": key, "base_etag": "\"1\"", "document": 0, "on_conflict": "remote"});
    let push = async || {
        let body = json!({"device_id": "phone", "mutations": [&stale]});
        ann.post(&format!("{STATE}/mutations")).json(body).await.expect(200).json()["results"][0].clone()
    };
    let first = push().await;
    assert_eq!((&first["outcome"], &first["current"]["document"]), (&json!("remote"), &json!({"secret": "hunter3"})));
    let again = push().await;
    assert_eq!((&again["replayed"], &again["current"]["etag"]), (&json!(true), &first["current"]["etag"]));
    assert_eq!(again["current"]["document"], Value::Null);
    ann.delete(&address).await.expect(200);
    ann.delete(&format!("{address}?purge=true")).await.expect(200);
    assert!(changes(&ann, &address).await.is_empty());
    ann.post(&format!("{address}/rollback")).json(json!({"to": 1})).await.assert_problem(404, "not_found");
    assert_eq!(app.database.values("SELECT CAST(count(*) AS TEXT) AS value FROM state_revisions"), ["1"]);
    assert_eq!(app.database.values("SELECT id AS value FROM state_entries WHERE data IS NOT NULL"), [id(&kept)]);
    let copies = ann.get(&format!("{STATE}/snapshots/{}", id(&snapshot))).await.expect(200).json();
    let keys: Vec<_> = copies["keys"].as_array().unwrap().iter().map(|copy| copy["state_key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["other"]);
    assert_eq!((&copies["entries"], &copies["size"]), (&json!(1), &kept["state_size"]));
    let remembered = app.database.values("SELECT result AS value FROM state_mutations");
    assert!(remembered.len() == 1 && !remembered[0].contains("hunter"), "{remembered:?}");
    let seen = ann.get(&format!("{STATE}/changes")).await.json();
    assert!(seen["changes"].as_array().unwrap().iter().any(|change| change["id"] == record["id"] && change["deleted"] == true));
}
