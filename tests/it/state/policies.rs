//! What a plugin's manifest, or an administrator, says about its state.

use serde_json::{Value, json};

use super::{DEMO, STATE, entry, owner};
use crate::support::{TestApp, package};

async fn set(app: &TestApp, policy: Value) {
    app.admin().await.put(&format!("{STATE}/policies/Demo")).json(policy).await.expect(200);
}

both!(the_manifests_policy_is_the_default_and_an_administrators_replaces_it);
async fn the_manifests_policy_is_the_default_and_an_administrators_replaces_it(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let policy = async |slug: &str| ann.get(&format!("{STATE}/policies/{slug}")).await.expect(200).json();
    assert_eq!(
        (&policy("Demo").await["source"], &policy("Demo").await["policy"]["retention"]["revisions"]),
        (&json!("default"), &json!(50))
    );
    let strict = package("Strict", "1.0.0").with("state_policy", json!({"retention": {"revisions": 2}, "excluded_members": ["token"]}));
    app.admin().await.publish(strict.zip(), "").await.expect(201);
    ann.post("/api/v1/plugins/Strict/install").json(json!({})).await.expect(200);
    assert_eq!(policy("Strict").await["source"], "manifest");
    let address = "/api/v1/plugin-state/entry?plugin_id=Strict";
    for n in 0..4 {
        ann.put(address).json(json!({"token": "secret", "n": n})).await;
    }
    assert_eq!(ann.get(address).await.text(), "{\"n\":3}");
    assert_eq!(app.database.values("SELECT CAST(count(*) AS TEXT) AS value FROM state_revisions"), ["2"]);

    let bad = package("Bad", "1.0.0").with("state_policy", json!({"schemas": {"1": {"type": "strin"}}}));
    app.admin().await.publish(bad.zip(), "").await.assert_problem(422, "validation");
    set(&app, json!({"max_document": 10})).await;
    assert_eq!(policy("Demo").await["source"], "administrator");
    let refused = ann.put(DEMO).json(json!("12345678901")).await.assert_problem(413, "too_large");
    assert_eq!((&refused["limit"], &refused["actual"]), (&json!(10), &json!(13)));
    ann.put(&format!("{STATE}/policies/Demo")).json(json!({})).await.assert_problem(403, "forbidden");
    app.admin().await.put(&format!("{STATE}/policies/Demo")).json(json!({"surprise": 1})).await.assert_problem(422, "validation");
}

both!(documents_are_checked_against_the_schema_of_their_version);
async fn documents_are_checked_against_the_schema_of_their_version(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let size = json!({"type": "object", "properties": {"size": {"type": "integer", "default": 5}, "inner": {"type": "object", "properties": {"x": {"default": 1.5}}}}});
    set(&app, json!({"schemas": {"1": {"type": "array"}, "2": size}})).await;
    let refused = ann.put(DEMO).json(json!({"size": "x", "inner": 7})).await.assert_problem(422, "validation");
    let mut pointers: Vec<_> = refused["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/inner", "/size"]);
    ann.put(DEMO).header("plugyard-schema-version", "1").json(json!({})).await.assert_problem(422, "validation");
    ann.put(DEMO).header("plugyard-schema-version", "3").json(json!({})).await.assert_problem(422, "validation");
    ann.put(DEMO).header("plugyard-schema-version", "2").json(json!({"inner": {}})).await.expect(201);
    let filled = ann.get(&format!("{DEMO}&defaults=true")).await.expect(200);
    assert_eq!(filled.text(), r#"{"inner":{"x":1.5},"size":5}"#);
    assert_eq!(ann.get(DEMO).await.text(), r#"{"inner":{}}"#, "never stored");
    // A precondition comes before the schema.
    ann.put(DEMO).header("if-match", "\"7\"").json(json!({"size": "x"})).await.assert_problem(412, "precondition_failed");
    // What a newer form wrote is not replaced by an older one.
    ann.put(DEMO).header("plugyard-schema-version", "1").json(json!([])).await.assert_problem(409, "incompatible_version");
}

both!(preconditions_can_be_demanded_and_the_installation_waived);
async fn preconditions_can_be_demanded_and_the_installation_waived(app: TestApp) {
    let ann = owner(&app, "ann").await;
    set(&app, json!({"preconditions_required": true, "default_ttl_seconds": 3600})).await;
    ann.put(DEMO).json(json!(1)).await.assert_problem(428, "precondition_required");
    let created = ann.put(DEMO).header("if-none-match", "*").json(json!(1)).await.expect(201);
    assert!(!created.header("plugyard-expires").is_empty());
    ann.patch(DEMO).json(json!({})).await.assert_problem(428, "precondition_required");
    ann.delete(DEMO).await.assert_problem(428, "precondition_required");
    ann.put(DEMO).header("if-match", created.header("etag")).json(json!(2)).await.expect(200);
    // A device that says what it knew has a precondition, also where it wants to have its way.
    let mine = json!({"id": "m1", "op": "put", "key": {"plugin_id": "Demo"}, "base_etag": created.header("etag"), "document": 3, "on_conflict": "local"});
    let blind = json!({"id": "m2", "op": "delete", "key": {"plugin_id": "Demo"}, "on_conflict": "local"});
    let body = json!({"device_id": "phone", "mutations": [mine, blind]});
    let results = &ann.post(&format!("{STATE}/mutations")).json(body).await.expect(200).json()["results"];
    assert_eq!(
        (&results[0]["status"], &results[1]["status"], &results[1]["code"]),
        (&json!(200), &json!(428), &json!("precondition_required"))
    );
    assert_eq!(ann.get(DEMO).await.text(), "3");

    let ben = app.user("ben").await;
    ben.put(DEMO).header("if-none-match", "*").json(json!(1)).await.assert_problem(422, "validation");
    set(&app, json!({"without_installation": true})).await;
    ben.put(DEMO).json(json!(1)).await.expect(201);
    app.admin().await.put(&format!("{STATE}/policies/Nowhere")).json(json!({"without_installation": true})).await.expect(200);
    ben.put("/api/v1/plugin-state/entry?plugin_id=Nowhere").json(json!(1)).await.expect(201);
}

both!(an_older_plugin_does_not_replace_what_a_newer_one_wrote);
async fn an_older_plugin_does_not_replace_what_a_newer_one_wrote(app: TestApp) {
    let ann = owner(&app, "ann").await;
    for version in ["1.1.0", "2.0.0"] {
        app.admin().await.publish(package("Demo", version).zip(), "").await.expect(201);
        ann.post("/api/v1/plugins/Demo/update").json(json!({"version": version})).await.expect(200);
        ann.put(&entry(version)).json(json!({"v": version})).await.expect(201);
    }
    assert_eq!(ann.get(&entry("2.0.0")).await.header("plugyard-plugin-version"), "2.0.0");
    ann.post("/api/v1/plugins/Demo/rollback").await.expect(200);
    ann.put(&entry("2.0.0")).json(json!({"v": 1})).await.assert_problem(409, "incompatible_version");
    ann.put(&entry("1.1.0")).json(json!({"v": 1})).await.expect(200);
    ann.post("/api/v1/plugins/Demo/rollback").await.expect(200);
    ann.put(&entry("1.1.0")).json(json!({"v": 2})).await.expect(200);
    set(&app, json!({"reads_forward": true})).await;
    ann.put(&entry("2.0.0")).json(json!({"v": 1})).await.expect(200);
}
