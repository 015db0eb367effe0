//! Entries by their natural key.

use serde_json::json;

use super::{DEMO, STATE, create, entry, owner};
use crate::support::TestApp;

both!(an_entry_is_created_replaced_patched_and_deleted);
async fn an_entry_is_created_replaced_patched_and_deleted(app: TestApp) {
    let ann = owner(&app, "ann").await;
    ann.get(DEMO).await.assert_problem(404, "not_found");
    let created = ann.put(DEMO).json(json!({"a": 1})).await.expect(201);
    insta::assert_snapshot!(created.snapshot(), @r#"
    201
    {
      "plugin_id": "Demo",
      "page_id": null,
      "state_key": null,
      "state_strategy": "persistent",
      "ttl_expires_at": null,
      "id": "[id 1]",
      "user_id": "[id 2]",
      "state_schema_version": null,
      "compression_type": null,
      "state_size": 7,
      "last_accessed": "[time]",
      "access_count": 0,
      "is_active": true,
      "version": 1,
      "device_id": null,
      "sync_status": "synced",
      "created_at": "[time]",
      "updated_at": "[time]",
      "etag": "\"1\"",
      "seq": 1,
      "plugin_version": "1.0.0",
      "stored_size": 7
    }
    "#);
    assert_eq!((created.header("etag"), created.header("plugyard-version"), created.header("plugyard-seq")), ("\"1\"", "1", "1"));
    assert_eq!(created.header("plugyard-plugin-version"), "1.0.0");

    let read = ann.get(DEMO).await.expect(200);
    assert_eq!((read.text().as_str(), read.header("etag"), read.header("content-type")), ("{\"a\":1}", "\"1\"", "application/json"));
    assert!(read.header("last-modified").ends_with(" GMT"));
    ann.get(DEMO).header("if-none-match", "\"1\"").await.expect(304);
    let head = ann.request(reqwest::Method::HEAD, DEMO).await.expect(200);
    assert_eq!((head.header("content-length"), head.bytes.len()), ("7", 0));

    let replaced = ann.put(DEMO).header("prefer", "return=minimal").json(json!({"a": 1, "b": [2]})).await.expect(204);
    assert_eq!((replaced.header("etag"), replaced.header("plugyard-version")), ("\"2\"", "2"));
    let patched =
        ann.patch(DEMO).header("content-type", "application/merge-patch+json").body(r#"{"a":null,"c":{"d":1.0}}"#).await.expect(200);
    assert_eq!(patched.header("etag"), "\"3\"");
    assert_eq!(ann.get(DEMO).await.text(), r#"{"b":[2],"c":{"d":1.0}}"#);

    ann.delete(DEMO).await.expect(204);
    ann.get(DEMO).await.assert_problem(404, "not_found");
    ann.delete(DEMO).await.assert_problem(404, "not_found");
    ann.patch(DEMO).json(json!({})).await.assert_problem(404, "not_found");
    let again = ann.put(DEMO).json(json!({"a": 1})).await.expect(201);
    assert_eq!((again.header("etag"), again.header("plugyard-version")), ("\"5\"", "5"), "both numbers go on");
    assert_eq!(again.json()["id"], created.json()["id"]);
}

both!(a_write_without_page_never_touches_a_pages_entry);
async fn a_write_without_page_never_touches_a_pages_entry(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let of_page = format!("{DEMO}&page_id=p");
    ann.put(&of_page).json(json!("page")).await.expect(201);
    ann.put(DEMO).json(json!("none")).await.expect(201);
    ann.put(&format!("{DEMO}&page_id=")).json(json!("none again")).await.expect(200);
    ann.put(&format!("{of_page}&state_key=k")).json(json!("page and key")).await.expect(201);
    for (address, expected) in [(DEMO, "\"none again\""), (&of_page, "\"page\""), (&format!("{of_page}&state_key=k"), "\"page and key\"")] {
        assert_eq!(ann.get(address).await.text(), expected);
    }
    ann.delete(DEMO).await.expect(204);
    assert_eq!(ann.get(&of_page).await.text(), "\"page\"");
}

both!(preconditions_are_met_or_nothing_happens);
async fn preconditions_are_met_or_nothing_happens(app: TestApp) {
    let ann = owner(&app, "ann").await;
    assert_eq!(
        ann.put(DEMO).header("if-match", "\"1\"").json(json!(1)).await.assert_problem(412, "precondition_failed")["current"],
        json!(null)
    );
    ann.put(DEMO).header("if-match", "*").json(json!(1)).await.assert_problem(412, "precondition_failed");
    for answer in [
        ann.patch(DEMO).header("if-match", "\"1\"").json(json!({})).await,
        ann.delete(DEMO).header("if-match", "\"1\"").await,
        ann.delete(DEMO).header("if-match", "*").await,
    ] {
        assert_eq!(answer.assert_problem(412, "precondition_failed")["current"], json!(null));
    }
    ann.put(DEMO).header("if-none-match", "*").json(json!({"a": 1})).await.expect(201);
    let refused = ann.put(DEMO).header("if-none-match", "*").json(json!(2)).await.assert_problem(412, "precondition_failed");
    insta::assert_snapshot!(crate::support::redact::redact(&refused["current"]), @r#"
    {
      "etag": "\"1\"",
      "version": 1,
      "updated_at": "[time]",
      "device_id": null,
      "document": {
        "a": 1
      }
    }
    "#);
    ann.put(DEMO).header("if-match", "\"7\"").json(json!(2)).await.assert_problem(412, "precondition_failed");
    ann.put(DEMO).header("if-match", "W/\"1\"").json(json!(2)).await.assert_problem(412, "precondition_failed");
    ann.patch(DEMO).header("if-match", "\"7\"").json(json!({})).await.assert_problem(412, "precondition_failed");
    ann.delete(DEMO).header("if-match", "\"x\"").await.assert_problem(412, "precondition_failed");
    ann.put(DEMO).header("if-none-match", "\"1\"").json(json!(2)).await.assert_problem(400, "bad_request");
    assert_eq!(ann.get(DEMO).await.text(), "{\"a\":1}");
    ann.put(DEMO).header("if-match", "\"7\", \"1\"").json(json!(2)).await.expect(200);
    ann.delete(DEMO).header("if-match", "\"2\"").await.expect(204);
}

both!(a_refused_caller_is_shown_the_document_below_64_kib);
async fn a_refused_caller_is_shown_the_document_below_64_kib(app: TestApp) {
    let ann = owner(&app, "ann").await;
    for (size, is_shown) in [(65_535, true), (65_536, false)] {
        let document = json!("x".repeat(size - 2));
        ann.put(DEMO).json(&document).await;
        let refused = ann.put(DEMO).header("if-match", "\"99\"").json(json!(1)).await.assert_problem(412, "precondition_failed");
        assert!(refused["current"]["etag"].is_string(), "{size}");
        assert_eq!(refused["current"].get("document"), is_shown.then_some(&document), "{size}");
    }
}

both!(the_order_of_checks, max_state_document = "1 KiB", state_quota_factor = "1");
async fn the_order_of_checks(app: TestApp) {
    let ann = owner(&app, "ann").await;
    ann.put(DEMO).json(json!({"a": 1})).await.expect(201);
    let nobody = app.anonymous();
    let large = "[".repeat(2 * 1024 * 1024);
    // Each of these breaks every later rule as well.
    nobody.put(DEMO).header("if-match", "\"7\"").body(large.clone()).await.assert_problem(401, "unauthenticated");
    ann.put(DEMO).header("if-match", "\"7\"").body(large).await.assert_problem(413, "too_large");
    ann.put(DEMO).header("if-match", "\"7\"").body("[").await.assert_problem(415, "unsupported_media_type");
    let json = |address: &str| ann.put(address).header("if-match", "\"7\"").header("content-type", "application/json");
    json(DEMO).body("[").await.assert_problem(400, "malformed_json");
    ann.put(&format!("{STATE}/none")).header("if-match", "\"7\"").json(json!({"state_data": {}})).await.assert_problem(404, "not_found");
    json("/api/v1/plugin-state/entry?plugin_id=NotInstalled").body("{}").await.assert_problem(412, "precondition_failed");
    ann.put("/api/v1/plugin-state/entry?plugin_id=NotInstalled").json(json!({})).await.assert_problem(422, "validation");
    let schema = json!({"schemas": {"1": {"type": "object"}}});
    app.admin().await.put(&format!("{STATE}/policies/Demo")).json(schema).await.expect(200);
    let long = "x".repeat(1015);
    ann.put(&entry("k")).json(json!(long)).await.assert_problem(422, "validation");
    ann.put(&entry("k")).json(json!({"a": long})).await.assert_problem(507, "quota_exceeded");
}

both!(a_write_that_changes_nothing_changes_nothing);
async fn a_write_that_changes_nothing_changes_nothing(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let first = ann.put(DEMO).json(json!({"a": 1, "b": {"c": 1, "d": 2}})).await.expect(201);
    let before = ann.get(DEMO).await;
    let again = ann.put(DEMO).header("content-type", "application/json").body("{ \"b\": {\"d\":2,\"c\":1}, \"a\": 1 }").await.expect(200);
    assert_eq!((again.header("etag"), again.header("plugyard-version")), (first.header("etag"), "1"));
    assert_eq!(again.json()["updated_at"], first.json()["updated_at"]);
    assert_eq!(ann.get(DEMO).await.bytes, before.bytes);
    ann.put(DEMO).header("content-type", "application/json").body(r#"{"a":1.0,"b":{"c":1,"d":2}}"#).await.expect(200);
    assert_eq!(ann.get(DEMO).await.header("etag"), "\"2\"", "other digits are another document");

    // TTL or device alone move the tag, and make no revision.
    let end = "2999-01-01T00:00:00Z";
    let timed =
        ann.put(DEMO).header("plugyard-expires", end).header("content-type", "application/json").body(r#"{"a":1.0,"b":{"c":1,"d":2}}"#);
    let timed = timed.await.expect(200);
    assert_eq!((timed.header("etag"), timed.header("plugyard-version"), timed.header("plugyard-expires")), ("\"3\"", "2", end));
    let id = timed.json()["id"].as_str().unwrap().to_owned();
    let history = ann.get(&format!("{STATE}/{id}/history")).await.expect(200).json();
    assert_eq!(history["items"].as_array().unwrap().len(), 2);
    let custom = ann.put(&format!("{STATE}/{id}")).json(json!({"state_strategy": "custom"})).await.expect(200).json();
    assert_eq!((&custom["etag"], &custom["version"]), (&json!("\"4\""), &json!(2)));
    let history = ann.get(&format!("{STATE}/{id}/history")).await.expect(200).json();
    assert_eq!(history["items"].as_array().unwrap().len(), 2, "nor does a strategy");
    let kept = ann.put(DEMO).json(json!({"e": 1})).await.expect(200);
    assert_eq!(kept.header("plugyard-expires"), end, "what is not named stays");
    assert_eq!(ann.put(DEMO).header("plugyard-expires", "never").json(json!({"e": 1})).await.expect(200).header("plugyard-expires"), "");
}

both!(state_is_the_users_own);
async fn state_is_the_users_own(app: TestApp) {
    let (ann, ben) = (owner(&app, "ann").await, owner(&app, "ben").await);
    let record = create(&ann, "k", json!({"secret": 1})).await;
    let id = super::id(&record);
    for address in [entry("k"), format!("{STATE}/{id}"), format!("{STATE}/{id}/history"), format!("{STATE}/{id}/history/1")] {
        ben.get(&address).await.assert_problem(404, "not_found");
    }
    ben.put(&format!("{STATE}/{id}")).json(json!({"state_data": {}})).await.assert_problem(404, "not_found");
    ben.delete(&format!("{STATE}/{id}")).await.assert_problem(404, "not_found");
    ben.delete(&format!("{STATE}/{id}?purge=true")).await.assert_problem(404, "not_found");
    ben.post(&format!("{STATE}/{id}/rollback")).json(json!({"to": 1})).await.assert_problem(404, "not_found");
    assert_eq!(ben.get(STATE).await.expect(200).json(), json!([]));
    create(&ben, "k", json!({"other": 2})).await;
    assert_eq!(ann.get(&entry("k")).await.text(), "{\"secret\":1}");

    let of_ann = format!("/api/v1/users/{}/plugin-state", ann.user_id);
    ben.get(&of_ann).await.assert_problem(403, "forbidden");
    let seen = app.admin().await.get(&format!("{of_ann}/{id}")).await.expect(200).json();
    assert_eq!(seen["state_data"], json!({"secret": 1}));
}

both!(injections_are_data);
async fn injections_are_data(app: TestApp) {
    let ann = owner(&app, "ann").await;
    for text in [
        "'; DROP TABLE state_entries; --",
        "\" OR 1=1",
        "%' OR '1'='1",
        "\\",
        "../../etc/passwd",
        "%00",
        "${jndi:ldap://x}",
        "{{7*7}}",
        "<script>",
        "\u{202e}",
        "👩‍👩‍👧",
        "null",
        "$1",
        "?",
        ":a",
        "a\\u0000b",
        "'",
        "''",
        "_",
        "%",
    ] {
        let body =
            json!({"plugin_id": "Demo", "page_id": text, "state_key": text, "device_id": text, "state_data": {text: text, "n": [text]}});
        let record = ann.post(STATE).json(&body).await.expect(200).json();
        for (sent, back) in [("page_id", "page_id"), ("state_key", "state_key"), ("device_id", "device_id"), ("state_data", "state_data")] {
            assert_eq!(record[back], body[sent], "{text}");
        }
        let query = |name: &str| reqwest::Url::parse_with_params("http://x/", [(name, text)]).unwrap().query().unwrap().to_owned();
        for name in ["page_id", "state_key", "device_id"] {
            let listed = ann.get(&format!("{STATE}?{}", query(name))).await.expect(200).json();
            assert_eq!(listed.as_array().unwrap().len(), 1, "{text} by {name}");
            assert_eq!(listed[0]["id"], record["id"]);
        }
        let by_key = format!("{DEMO}&{}&{}", query("page_id"), query("state_key"));
        assert_eq!(ann.get(&by_key).await.expect(200).json(), body["state_data"]);
    }
    for bad in ["a\0b", "a\nb", &"x".repeat(256)] {
        for name in ["page_id", "state_key", "device_id"] {
            ann.post(STATE).json(json!({"plugin_id": "Demo", "state_data": {}, name: bad})).await.assert_problem(422, "validation");
        }
        ann.post(STATE).json(json!({"plugin_id": bad, "state_data": {}})).await.assert_problem(422, "validation");
    }
}

both!(ended_entries_are_gone_at_once_and_can_be_created_over);
async fn ended_entries_are_gone_at_once_and_can_be_created_over(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let past = "2020-01-01T00:00:00Z";
    let created = ann.put(&entry("k")).header("plugyard-expires", past).json(json!({"a": 1})).await.expect(201);
    let id = created.json()["id"].as_str().unwrap().to_owned();
    ann.get(&entry("k")).await.assert_problem(404, "not_found");
    ann.get(&format!("{STATE}/{id}")).await.assert_problem(404, "not_found");
    ann.put(&format!("{STATE}/{id}")).json(json!({})).await.assert_problem(404, "not_found");
    assert_eq!(ann.get(STATE).await.json(), json!([]));
    let changes = ann.get(&format!("{STATE}/changes")).await.expect(200).json();
    assert_eq!((changes["changes"][0]["deleted"].as_bool(), changes["changes"].as_array().unwrap().len()), (Some(true), 1));
    let over = ann.post(STATE).json(json!({"plugin_id": "Demo", "state_key": "k", "state_data": {"b": 2}})).await.expect(200).json();
    assert_eq!((&over["id"], &over["version"], &over["ttl_expires_at"]), (&json!(id), &json!(2), &json!(null)));
    assert_eq!(ann.get(&entry("k")).await.text(), "{\"b\":2}");
}

both!(a_token_for_one_plugins_state_reaches_that_alone);
async fn a_token_for_one_plugins_state_reaches_that_alone(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let demo = create(&ann, "k", json!({})).await;
    let other = ann.post(STATE).json(json!({"plugin_id": "Other", "state_data": {"o": 1}})).await.expect(200).json();
    let token = |scopes: &[&str]| json!({"name": "t", "scopes": scopes});
    let made = ann.post("/api/v1/tokens").json(token(&["state:Demo"])).await.expect(201).json();
    let limited = ann.with_token(made["token"].as_str().unwrap());
    let listed = limited.get(STATE).await.expect(200).json();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["id"]), (1, &demo["id"]));
    assert_eq!(limited.get(&format!("{STATE}/changes")).await.json()["changes"].as_array().unwrap().len(), 1);
    let of_other = format!("{STATE}/{}", super::id(&other));
    limited.get(&of_other).await.assert_problem(404, "not_found");
    limited.delete(&of_other).await.assert_problem(404, "not_found");
    limited.get("/api/v1/plugin-state/entry?plugin_id=Other").await.assert_problem(403, "forbidden");
    limited.put("/api/v1/plugin-state/entry?plugin_id=Other").json(json!({})).await.assert_problem(403, "forbidden");
    limited.put(&entry("k")).json(json!({"a": 1})).await.expect(200);

    let made = ann.post("/api/v1/tokens").json(token(&["read", "install"])).await.expect(201).json();
    let reader = ann.with_token(made["token"].as_str().unwrap());
    reader.get(STATE).await.assert_problem(403, "forbidden");
    reader.get(&entry("k")).await.assert_problem(403, "forbidden");
}
