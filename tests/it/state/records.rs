//! The routes that BrainDrive frontends call.

use serde_json::json;

use super::{STATE, create, id, owner};
use crate::support::TestApp;

both!(a_record_is_created_read_changed_and_deleted);
async fn a_record_is_created_read_changed_and_deleted(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let body = json!({"plugin_id": "Demo", "page_id": "p", "state_key": "k", "state_data": {"a": 1}, "device_id": "d", "extra": 1});
    let created = ann.post(&format!("{STATE}/")).json(&body).await.expect(200);
    insta::assert_snapshot!(created.snapshot(), @r#"
    200
    {
      "plugin_id": "Demo",
      "page_id": "p",
      "state_key": "k",
      "state_strategy": "persistent",
      "ttl_expires_at": null,
      "id": "[id 1]",
      "user_id": "[id 2]",
      "state_data": {
        "a": 1
      },
      "state_schema_version": null,
      "compression_type": null,
      "state_size": 7,
      "last_accessed": "[time]",
      "access_count": 0,
      "is_active": true,
      "version": 1,
      "device_id": "d",
      "sync_status": "synced",
      "created_at": "[time]",
      "updated_at": "[time]",
      "etag": "\"1\"",
      "seq": 1,
      "plugin_version": "1.0.0",
      "stored_size": 7
    }
    "#);
    let record = created.json();
    let address = format!("{STATE}/{}", id(&record));
    let refused = ann.post(STATE).json(&body).await.assert_problem(409, "already_exists");
    assert_eq!(refused["detail"], "Plugin state already exists. Use PUT to update.");
    assert_eq!(refused["current"]["document"], json!({"a": 1}));

    let read = ann.get(&address).await.expect(200);
    assert_eq!((read.json(), read.header("etag")), (record.clone(), "\"1\""));
    ann.get(&address).header("if-none-match", "\"1\"").await.expect(304);
    assert_eq!(ann.put(&address).json(json!({})).await.expect(200).json(), record);
    let changed = ann.put(&address).json(json!({"state_data": {"a": 2}, "ttl_expires_at": "2999-01-01T00:00:00"})).await.expect(200).json();
    assert_eq!(
        (&changed["version"], &changed["ttl_expires_at"], &changed["device_id"]),
        (&json!(2), &json!("2999-01-01T00:00:00Z"), &json!("d"))
    );
    let cleared = ann.put(&address).header("if-match", "\"2\"").json(json!({"ttl_expires_at": null})).await.expect(200).json();
    assert_eq!((&cleared["version"], &cleared["ttl_expires_at"], &cleared["etag"]), (&json!(2), &json!(null), &json!("\"3\"")));
    let refused =
        ann.put(&address).header("if-match", "\"2\"").json(json!({"state_data": {}})).await.assert_problem(412, "precondition_failed");
    assert_eq!(refused["current"]["etag"], "\"3\"");
    ann.delete(&address).header("if-match", "\"2\"").await.assert_problem(412, "precondition_failed");
    assert_eq!(ann.delete(&address).await.expect(200).json(), json!({"message": "Plugin state deleted successfully"}));
    for answer in [ann.get(&address).await, ann.delete(&address).await, ann.put(&address).json(json!({})).await] {
        answer.assert_problem(404, "not_found");
    }
}

both!(bad_bodies_are_refused);
async fn bad_bodies_are_refused(app: TestApp) {
    let ann = owner(&app, "ann").await;
    for bad in [
        json!({"state_data": {}}),
        json!({"plugin_id": "Demo"}),
        json!({"plugin_id": "Demo", "state_data": null}),
        json!({"plugin_id": "Demo", "state_data": [1]}),
        json!({"plugin_id": "Demo", "state_data": "x"}),
        json!({"plugin_id": 7, "state_data": {}}),
        json!({"plugin_id": "Demo", "state_data": {}, "state_strategy": "session"}),
        json!({"plugin_id": "Demo", "state_data": {}, "state_strategy": "none"}),
        json!({"plugin_id": "Demo", "state_data": {}, "state_strategy": "else"}),
        json!({"plugin_id": "Demo", "state_data": {}, "ttl_expires_at": "tomorrow"}),
        json!({"plugin_id": "Demo", "state_data": {"__proto__": {}}}),
        json!({"plugin_id": "NotInstalled", "state_data": {}}),
        json!({"plugin_id": "no slug", "state_data": {}}),
        json!([]),
    ] {
        ann.post(STATE).json(&bad).await.assert_problem(422, "validation");
    }
    let twice = ann
        .post(STATE)
        .header("content-type", "application/json")
        .body(r#"{"plugin_id":"Demo","state_data":{"b":{"a":1,"a":2},"a":1,"a":2}}"#);
    let twice = twice.await.assert_problem(422, "validation");
    assert_eq!(twice["errors"][0]["pointer"], "/b/a");
    assert_eq!(twice["errors"][1]["pointer"], "/a");
    assert_eq!(ann.get(STATE).await.json(), json!([]));
}

both!(own_plugin_ids_mean_the_slug);
async fn own_plugin_ids_mean_the_slug(app: TestApp) {
    let (ann, ben) = (owner(&app, "ann").await, owner(&app, "ben").await);
    let own = format!("{}_Demo", ann.user_id);
    let record = ann.post(STATE).json(json!({"plugin_id": own, "state_data": {}})).await.expect(200).json();
    assert_eq!(record["plugin_id"], "Demo");
    assert_eq!(ann.get(&format!("{STATE}?plugin_id={own}")).await.json()[0]["id"], record["id"]);
    ben.post(STATE).json(json!({"plugin_id": own, "state_data": {}})).await.assert_problem(422, "validation");
}

both!(lists_are_filtered_and_paged);
async fn lists_are_filtered_and_paged(app: TestApp) {
    let ann = owner(&app, "ann").await;
    for n in 0..5 {
        create(&ann, &format!("k{n}"), json!({"n": n})).await;
    }
    for body in [
        json!({"plugin_id": "Other", "state_data": {}, "state_strategy": "custom"}),
        json!({"plugin_id": "Other", "page_id": "p", "state_data": {}, "device_id": "phone"}),
    ] {
        ann.post(STATE).json(body).await.expect(200);
    }
    let count = async |query: &str| ann.get(&format!("{STATE}?{query}")).await.expect(200).json().as_array().unwrap().len();
    for (query, expected) in [
        ("", 7),
        ("plugin_id=Demo", 5),
        ("plugin_id=Demo&state_key=k3", 1),
        ("plugin_id=Other&page_id=", 1),
        ("page_id=p", 1),
        ("state_strategy=custom", 1),
        ("state_strategy=session", 0),
        ("device_id=phone", 1),
        ("sync_status=synced", 7),
        ("sync_status=pending", 0),
        ("is_active=true", 7),
        ("is_active=false", 0),
        ("limit=2", 2),
        ("limit=4&offset=5", 2),
        ("plugin_id=NotInstalled", 0),
    ] {
        assert_eq!(count(query).await, expected, "{query}");
    }
    let all = ann.get(STATE).await;
    let order = all.json().as_array().unwrap().iter().map(|record| record["seq"].as_i64().unwrap()).collect::<Vec<_>>();
    let (mut newest, mut oldest) = (order.clone(), order);
    newest.truncate(1);
    assert_eq!((newest, oldest.pop()), (vec![7], Some(1)));
    ann.get(STATE).header("if-none-match", all.header("etag")).await.expect(304);
    for bad in ["limit=0", "limit=1001", "offset=-1", "is_active=maybe", "state_strategy=x", "page_id=%00", "plugin_id=a%20b"] {
        ann.get(&format!("{STATE}?{bad}")).await.assert_problem(422, "validation");
    }
    // What imports bring.
    app.database.execute("UPDATE state_entries SET active = FALSE WHERE state_key = 'k0'");
    assert_eq!((count("plugin_id=Demo").await, count("is_active=false").await), (4, 1));
}

both!(lists_have_a_hundred_in_a_total_order);
async fn lists_have_a_hundred_in_a_total_order(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let states: Vec<_> = (0..101).map(|n| json!({"plugin_id": "Demo", "state_key": format!("k{n}"), "state_data": {}})).collect();
    ann.post(&format!("{STATE}/bulk")).json(json!({"states": states})).await.expect(200);
    app.database.execute("UPDATE state_entries SET updated_at = 1763700000000");
    let ids = async |query: &str| {
        let listed = ann.get(&format!("{STATE}{query}")).await.expect(200).json();
        listed.as_array().unwrap().iter().map(|record| id(record).to_owned()).collect::<Vec<_>>()
    };
    let all = ids("?limit=1000").await;
    assert!(all.len() == 101 && all.is_sorted(), "{all:?}");
    assert_eq!(ids("").await, all[..100]);
    assert_eq!(ids("?offset=100").await, all[100..]);
}

both!(a_damaged_document_is_named_and_the_others_work);
async fn a_damaged_document_is_named_and_the_others_work(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let small = create(&ann, "small", json!({"a": 1})).await;
    let large = create(&ann, "large", json!({"a": "x".repeat(5000)})).await;
    assert_eq!(large["compression_type"], "zstd");
    create(&ann, "good", json!({"a": 1})).await;
    app.database.execute("UPDATE state_entries SET data = 'broken!' WHERE state_key <> 'good'");
    for record in [&small, &large] {
        let key = record["state_key"].as_str().unwrap();
        for address in [format!("{STATE}/{}", id(record)), super::entry(key), format!("{STATE}?state_key={key}")] {
            let problem = ann.get(&address).await.assert_problem(500, "state_corrupt");
            assert_eq!(problem["entry"], record["id"]);
        }
    }
    assert_eq!(ann.get(&super::entry("good")).await.text(), "{\"a\":1}");
    // Writing over it, even the same, and going back to what it was all work.
    ann.put(&super::entry("small")).json(json!({"a": 1})).await.expect(200);
    assert_eq!(ann.get(&super::entry("small")).await.text(), "{\"a\":1}");
    ann.post(&format!("{STATE}/{}/rollback", id(&large))).json(json!({"to": 1})).await.expect(200);
    assert_eq!(ann.get(&super::entry("large")).await.json()["a"].as_str().unwrap().len(), 5000);
}
