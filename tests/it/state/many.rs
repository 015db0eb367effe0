//! Many entries in one request.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{DEMO, STATE, create, entry, id, owner};
use crate::support::TestApp;

both!(bulk_creates_what_it_can);
async fn bulk_creates_what_it_can(app: TestApp) {
    let ann = owner(&app, "ann").await;
    create(&ann, "there", json!({})).await;
    let state = |key: &str| json!({"plugin_id": "Demo", "state_key": key, "state_data": {"k": key}});
    let body = json!({"states": [state("a"), state("there"), {"plugin_id": "NotInstalled", "state_data": {}}, state("b"), state("a")]});
    let answer = ann.post(&format!("{STATE}/bulk")).json(body).await.expect(200).json();
    let keys: Vec<_> = answer["created"].as_array().unwrap().iter().map(|record| record["state_key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["a", "b"]);
    let errors: Vec<_> =
        answer["errors"].as_array().unwrap().iter().map(|e| (e["index"].as_i64().unwrap(), e["code"].as_str().unwrap())).collect();
    assert_eq!(errors, [(1, "already_exists"), (2, "validation"), (4, "already_exists")]);

    let many: Vec<_> = (0..1001).map(|n| state(&format!("m{n}"))).collect();
    let refused = ann.post(&format!("{STATE}/bulk")).json(json!({"states": many})).await.assert_problem(413, "too_large");
    assert_eq!((&refused["limit"], &refused["actual"]), (&json!(1000), &json!(1001)));
    assert_eq!(ann.get(&format!("{STATE}/stats")).await.json()["total_states"], 3);
}

both!(a_device_syncs_and_hears_of_conflicts);
async fn a_device_syncs_and_hears_of_conflicts(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let sync = async |device: &str, value: i64, force: bool| {
        let state = json!({"plugin_id": "Demo", "state_key": "k", "state_data": {"v": value}});
        let body = json!({"device_id": device, "states": [state], "force_overwrite": force});
        ann.post(&format!("{STATE}/sync")).json(body).await.expect(200).json()
    };
    assert_eq!(sync("phone", 1, false).await["synced"][0]["version"], 1);
    assert_eq!(sync("phone", 2, false).await["synced"][0]["version"], 2);
    assert_eq!(sync("desk", 2, false).await["success"], true, "the same content is no conflict");
    let conflict = sync("phone", 3, false).await;
    assert_eq!((&conflict["success"], &conflict["synced"]), (&json!(false), &json!([])));
    let conflict = &conflict["conflicts"][0];
    assert_eq!((&conflict["local_data"], &conflict["remote_data"]), (&json!({"v": 3}), &json!({"v": 2})));
    assert_eq!(
        (&conflict["local_version"], &conflict["remote_version"], &conflict["last_modified_local"]),
        (&Value::Null, &json!(2), &Value::Null)
    );
    assert_eq!(sync("phone", 3, true).await["synced"][0]["state_data"], json!({"v": 3}));
}

both!(a_batch_does_each_or_all);
async fn a_batch_does_each_or_all(app: TestApp) {
    let ann = owner(&app, "ann").await;
    create(&ann, "there", json!({"n": 1})).await;
    let key = |key: &str| json!({"plugin_id": "Demo", "state_key": key});
    let batch = async |operations: Value, atomic: bool| {
        let answer = ann.post(&format!("{STATE}/batch")).json(json!({"operations": operations, "atomic": atomic})).await.expect(200).json();
        let result = |result: &Value| (result["status"].as_i64().unwrap(), result["code"].as_str().unwrap_or_default().to_owned());
        answer["results"].as_array().unwrap().iter().map(result).collect::<Vec<_>>()
    };
    let ok = |status: i64| (status, String::new());
    let done = batch(
        json!([
            {"op": "put", "key": key("new"), "document": {"a": 1}},
            {"op": "patch", "key": key("there"), "document": {"m": 2}},
            {"op": "patch", "key": key("new"), "document": {"b": 2}},
            {"op": "put", "key": key("there"), "etag": "\"1\"", "document": 0},
            {"op": "delete", "key": key("none")},
            {"op": "put", "key": {"plugin_id": "NotInstalled"}, "document": 0},
        ]),
        false,
    );
    let failed = |status: i64, code: &str| (status, code.to_owned());
    let expected = [ok(201), ok(200), ok(200), failed(412, "precondition_failed"), failed(404, "not_found"), failed(422, "validation")];
    assert_eq!(done.await, expected);
    assert_eq!(ann.get(&entry("there")).await.json(), json!({"n": 1, "m": 2}));
    assert_eq!(ann.get(&entry("new")).await.json(), json!({"a": 1, "b": 2}));

    let before = app.database.values("SELECT CAST(seq AS TEXT) AS value FROM user_heads");
    let failing =
        json!([{"op": "delete", "key": key("there")}, {"op": "put", "key": key("x"), "document": 1}, {"op": "delete", "key": key("none")}]);
    assert_eq!(batch(failing, true).await, [failed(424, "not_applied"), failed(424, "not_applied"), failed(404, "not_found")]);
    assert_eq!(app.database.values("SELECT CAST(seq AS TEXT) AS value FROM user_heads"), before);
    ann.get(&entry("x")).await.assert_problem(404, "not_found");
    let fine = json!([{"op": "delete", "key": key("there")}, {"op": "put", "key": key("x"), "document": 1}]);
    assert_eq!(batch(fine, true).await, [ok(204), ok(201)]);
    ann.get(&entry("there")).await.assert_problem(404, "not_found");
    let unknown = json!({"operations": [], "surprise": 1});
    ann.post(&format!("{STATE}/batch")).json(unknown).await.assert_problem(422, "validation");
}

both!(operations_on_one_entry_follow_each_other);
async fn operations_on_one_entry_follow_each_other(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let batch = async |atomic: bool, operations: Vec<Value>| {
        let answer = ann.post(&format!("{STATE}/batch")).json(json!({"operations": operations, "atomic": atomic})).await.expect(200).json();
        answer["results"].as_array().unwrap().iter().map(|result| result["status"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    for (atomic, name) in [(false, "x"), (true, "y")] {
        let key = json!({"plugin_id": "Demo", "state_key": name});
        let op = |op: &str, document: Value| json!({"op": op, "key": key, "document": document});
        let done = batch(
            atomic,
            vec![op("put", json!({"a": 1})), op("patch", json!({"b": 2})), op("put", json!({"c": 3})), op("patch", json!({"d": 4}))],
        );
        assert_eq!(done.await, [201, 200, 200, 200], "{name}");
        assert_eq!(ann.get(&entry(name)).await.json(), json!({"c": 3, "d": 4}));
        assert_eq!(ann.get(&entry(name)).await.header("plugyard-version"), "4");
        // From what is stored, and large enough to be compressed.
        let long = "x".repeat(3000);
        let done = batch(atomic, vec![op("patch", json!({"long": long})), op("patch", json!({"c": null}))]);
        assert_eq!(done.await, [200, 200], "{name}");
        assert_eq!(ann.get(&entry(name)).await.json(), json!({"d": 4, "long": long}));
        // What is deleted, or ended as soon as it was written, cannot be patched.
        let refused = if atomic { [424, 404] } else { [204, 404] };
        assert_eq!(batch(atomic, vec![op("delete", Value::Null), op("patch", json!({"e": 5}))]).await, refused, "{name}");
        let mut ended = op("put", json!({"a": 1}));
        ended["ttl_expires_at"] = json!("2020-01-01T00:00:00Z");
        let status = batch(atomic, vec![ended, op("patch", json!({"e": 5}))]).await[1];
        assert_eq!(status, 404, "{name}");
    }
}

both!(mutations_are_applied_once_and_bring_back_what_changed);
async fn mutations_are_applied_once_and_bring_back_what_changed(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let record = create(&ann, "k", json!({"n": 1})).await;
    let key = json!({"plugin_id": "Demo", "state_key": "k"});
    let push = async |cursor: Option<&str>, mutations: Value| {
        let body = json!({"device_id": "phone", "cursor": cursor, "mutations": mutations});
        ann.post(&format!("{STATE}/mutations")).json(body).await.expect(200).json()
    };
    let first = json!([{"id": "m1", "op": "patch", "key": key, "base_etag": "\"1\"", "patch": {"a": 1}}, {"id": "m2", "op": "put", "key": {"plugin_id": "Demo"}, "document": [1]}]);
    let answer = push(None, first.clone()).await;
    assert_eq!((&answer["results"][0]["outcome"], &answer["results"][1]["outcome"]), (&json!("updated"), &json!("created")));
    assert_eq!((answer["changes"].as_array().unwrap().len(), &answer["has_more"]), (2, &json!(false)));
    let cursor = answer["cursor"].as_str().unwrap();
    let again = push(Some(cursor), first).await;
    assert_eq!((&again["results"][0]["replayed"], &again["results"][0]["etag"]), (&json!(true), &answer["results"][0]["etag"]));
    assert_eq!(again["changes"], json!([]));

    ann.put(&format!("{STATE}/{}", id(&record))).json(json!({"state_data": {"n": 9}})).await.expect(200);
    let stale = |id: &str, how: &str| json!({"id": id, "op": "put", "key": key, "base_etag": "\"1\"", "document": {"mine": id}, "on_conflict": how});
    let answer = push(Some(cursor), json!([stale("m3", "fail"), stale("m4", "remote"), stale("m5", "local"), stale("m3", "fail")])).await;
    let results = answer["results"].as_array().unwrap();
    let seen: Vec<_> = results.iter().map(|r| (r["status"].as_i64().unwrap(), r["outcome"].as_str().unwrap_or_default())).collect();
    assert_eq!(seen, [(412, ""), (200, "remote"), (200, "updated"), (412, "")]);
    assert_eq!(results[1]["current"]["document"], json!({"n": 9}));
    assert_eq!(ann.get(&entry("k")).await.json(), json!({"mine": "m5"}));
    let foreign = json!({"device_id": "phone", "cursor": hex::encode(format!("1.x.{}", ann.user_id)), "mutations": [stale("m9", "local")]});
    ann.post(&format!("{STATE}/mutations")).json(foreign).await.assert_problem(410, "gone");
    assert_eq!(ann.get(DEMO).await.json(), json!([1]));
}

both!(a_mutation_sent_twice_at_once_is_applied_once);
async fn a_mutation_sent_twice_at_once_is_applied_once(app: TestApp) {
    let ann = owner(&app, "ann").await;
    for round in 0..10 {
        let mutation = json!({"id": format!("m{round}"), "op": "put", "key": {"plugin_id": "Demo", "state_key": format!("k{round}")}, "document": round});
        let body = json!({"device_id": "phone", "mutations": [mutation]});
        let answers =
            join_all((0..6).map(|_| async { ann.post(&format!("{STATE}/mutations")).json(&body).await.expect(200).json() })).await;
        let results: Vec<_> = answers.iter().map(|answer| (&answer["results"][0]["status"], &answer["results"][0]["replayed"])).collect();
        assert!(results.iter().all(|(status, _)| **status == 200), "{results:?}");
        assert_eq!(results.iter().filter(|(_, replayed)| **replayed == false).count(), 1, "{results:?}");
    }
}

both!(names_are_text);
async fn names_are_text(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let put = ann.put("/api/v1/plugin-state/entry?plugin_id=Demo&state_key=%ff").json(json!(1));
    put.await.assert_problem(422, "validation");
    let item = json!({"op": "delete", "key": {"plugin_id": "Demo"}});
    let many = json!({"operations": vec![item; 1001]});
    let refused = ann.post(&format!("{STATE}/batch")).json(many).await.assert_problem(413, "too_large");
    assert_eq!(refused["detail"], "the request has 1001 items, the limit is 1000");
}

both!(sums_and_limits_are_told);
async fn sums_and_limits_are_told(app: TestApp) {
    let ann = owner(&app, "ann").await;
    create(&ann, "a", json!({"a": 1})).await;
    create(&ann, "b", json!({"a": "x".repeat(5000)})).await;
    ann.post(STATE).json(json!({"plugin_id": "Other", "state_data": {}})).await.expect(200);
    create(&ann, "c", json!({})).await;
    ann.delete(&entry("c")).await.expect(204);
    let stats = ann.get(&format!("{STATE}/stats")).await.expect(200).json();
    assert_eq!((&stats["total_states"], &stats["active_states"], &stats["plugins_with_state"]), (&json!(3), &json!(3), &json!(2)));
    assert_eq!((&stats["total_size"], &stats["plugins"][1]["size"]), (&json!(7 + 5008 + 2), &json!(2)));
    assert!((stats["average_state_size"].as_f64().unwrap() - f64::from(7 + 5008 + 2) / 3.0).abs() < 1e-9);
    assert!(stats["stored_size"].as_i64().unwrap() < 500);
    assert!(stats["last_activity"].is_string());
    let limits = ann.get(&format!("{STATE}/limits")).await.expect(200).json();
    assert_eq!((&limits["document"], &limits["entries"]), (&json!(10 * 1024 * 1024), &json!({"limit": 100_000, "used": 3})));
    assert_eq!(limits["plugin"][0], json!({"plugin_id": "Demo", "limit": 100 * 1024 * 1024, "used": 5015}));
    assert_eq!((&limits["streams"], &limits["snapshots"]), (&json!({"limit": 20, "used": 0}), &json!(10)));
    assert_eq!(limits["import_line"], 10 * 1024 * 1024 + 64 * 1024);
    ann.get("/api/v1/admin/state/stats").await.assert_problem(403, "forbidden");
    let everybody = app.admin().await.get("/api/v1/admin/state/stats").await.expect(200).json();
    assert_eq!((&everybody["items"][0]["plugin_id"], &everybody["items"][0]["user_id"]), (&json!("Demo"), &json!(ann.user_id)));
}

both!(quotas_are_kept, max_state_document = "1 KiB", state_quota_factor = "2", max_state_entries = "4");
async fn quotas_are_kept(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let of_size = |size: usize| json!("x".repeat(size - 2));
    ann.put(&entry("a")).json(of_size(1024)).await.expect(201);
    ann.put(&entry("b")).json(of_size(1000)).await.expect(201);
    let refused = ann.put(&entry("c")).json(of_size(25)).await.assert_problem(507, "quota_exceeded");
    assert_eq!((&refused["limit"], &refused["actual"]), (&json!(2048), &json!(2049)));
    ann.put(&entry("c")).json(of_size(24)).await.expect(201);
    ann.put(&entry("b")).json(of_size(1001)).await.assert_problem(507, "quota_exceeded");
    ann.put(&entry("b")).json(of_size(999)).await.expect(200);
    ann.put("/api/v1/plugin-state/entry?plugin_id=Other").json(of_size(1024)).await.expect(201);
    let refused =
        ann.put("/api/v1/plugin-state/entry?plugin_id=Other&state_key=2").json(json!(1)).await.assert_problem(507, "quota_exceeded");
    assert_eq!((&refused["limit"], &refused["actual"]), (&json!(4), &json!(5)));
    ann.delete(&entry("a")).await.expect(204);
    ann.put("/api/v1/plugin-state/entry?plugin_id=Other&state_key=2").json(json!(1)).await.expect(201);
}

both!(what_is_missing_is_no_document);
async fn what_is_missing_is_no_document(app: TestApp) {
    let ann = owner(&app, "ann").await;
    create(&ann, "k", json!({"a": 1})).await;
    let key = json!({"plugin_id": "Demo", "state_key": "k"});
    for op in ["put", "patch"] {
        let body = json!({"operations": [{"op": op, "key": &key}]});
        let refused = ann.post(&format!("{STATE}/batch")).json(body).await.assert_problem(422, "validation");
        assert_eq!(refused["errors"][0]["pointer"], "/operations/0/document");
        let body = json!({"device_id": "d", "mutations": [{"id": "m", "op": op, "key": &key, "on_conflict": "local"}]});
        let refused = ann.post(&format!("{STATE}/mutations")).json(body).await.assert_problem(422, "validation");
        assert_eq!(refused["errors"][0]["pointer"], "/mutations/0/document");
    }
    assert_eq!(ann.get(&entry("k")).await.text(), "{\"a\":1}");
    let null = json!({"operations": [{"op": "put", "key": &key, "document": null}]});
    assert_eq!(ann.post(&format!("{STATE}/batch")).json(null).await.expect(200).json()["results"][0]["status"], 200);
    assert_eq!(ann.get(&entry("k")).await.text(), "null");
}

both!(small_requests_do_not_name_more_than_fits_into_memory);
async fn small_requests_do_not_name_more_than_fits_into_memory(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let large = json!({"n": 0, "text": "x".repeat(9 << 20)});
    ann.put(&entry("k")).header("plugyard-device", "d1").json(large).await.expect(201);
    let state = json!({"plugin_id": "Demo", "state_key": "k", "state_data": {"n": 1}});
    let body = json!({"device_id": "d2", "states": vec![state; 10]});
    let synced = ann.post(&format!("{STATE}/sync")).json(body).await.expect(200).json();
    let codes: Vec<_> = synced["errors"].as_array().unwrap().iter().map(|error| error["code"].as_str().unwrap()).collect();
    assert_eq!((synced["conflicts"].as_array().unwrap().len(), codes), (8, vec!["too_large"; 2]));

    let patch = |n: u32| json!({"op": "patch", "key": {"plugin_id": "Demo", "state_key": "k"}, "document": {"n": n}});
    let operations: Vec<_> = (1..=9).map(patch).collect();
    let all = json!({"operations": operations, "atomic": true});
    let results = ann.post(&format!("{STATE}/batch")).json(all).await.expect(200).json()["results"].clone();
    let statuses: Vec<_> = results.as_array().unwrap().iter().map(|result| result["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [424, 424, 424, 424, 424, 424, 424, 413, 424]);
    let each = json!({"operations": operations});
    let results = ann.post(&format!("{STATE}/batch")).json(each).await.expect(200).json()["results"].clone();
    assert!(results.as_array().unwrap().iter().all(|result| result["status"] == 200), "{results}");
    assert_eq!(ann.get(&entry("k")).await.json()["n"], 9);
}
