//! Exports and imports.

use std::fs;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{DEMO, STATE, create, entry, id, owner};
use crate::support::{Answer, Client, TestApp};

const EXPORT: &str = "/api/v1/plugin-state/export";
const OTHER: &str = "/api/v1/plugin-state/entry?plugin_id=Other";

async fn export(user: &Client) -> String {
    user.get(EXPORT).await.expect(200).text()
}

async fn import(user: &Client, how: &str, text: impl Into<reqwest::Body>) -> Answer {
    user.post(&format!("{STATE}/import?mode={how}")).header("content-type", "application/x-ndjson").body(text).await
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

/// A line as the server writes it.
fn sealed(part: &str, content: &Value) -> String {
    let text = content.to_string();
    format!("{{\"{part}\":{text},\"sha256\":\"{}\"}}\n", hex::encode(Sha256::digest(text.as_bytes())))
}

/// An export of entries of Demo.
fn made_up(entries: &[(&str, Value)]) -> String {
    let header = json!({"format": "plugyard-state", "format_version": 1, "user_id": "x", "plugins": null, "exported_at": "x"});
    let line = |(key, data): &(&str, Value)| {
        sealed(
            "entry",
            &json!({"plugin_id": "Demo", "page_id": null, "state_key": key, "state_strategy": "persistent", "state_schema_version": null,
                "device_id": null, "ttl_expires_at": null, "is_active": true, "plugin_version": null, "version": 1, "created_at": "x",
                "updated_at": "x", "state_data": data}),
        )
    };
    let body: String = entries.iter().map(line).collect();
    format!("{}{body}{}", sealed("header", &header), sealed("trailer", &json!({"entries": entries.len()})))
}

async fn counts(app: &TestApp) -> Vec<String> {
    let sums = "SELECT CAST(seq AS TEXT) AS value FROM user_heads ORDER BY user_id";
    let revisions = "SELECT CAST(count(*) AS TEXT) AS value FROM state_revisions";
    [app.database.values(sums), app.database.values(revisions)].concat()
}

both!(what_was_exported_comes_back);
async fn what_was_exported_comes_back(app: TestApp) {
    let (ann, ben) = (owner(&app, "ann").await, owner(&app, "ben").await);
    let digits = r#"{"z":9007199254740993,"a":1.0,"m":1e400}"#;
    ann.put(&entry("digits")).header("content-type", "application/json").body(digits).await.expect(201);
    let facts = ann.put(&format!("{DEMO}&page_id=p")).header("plugyard-device", "phone").header("plugyard-schema-version", "3");
    facts.header("plugyard-expires", "2999-01-01T00:00:00Z").json(json!([1])).await.expect(201);
    ann.put(&entry("large")).json(json!("x".repeat(5000))).await.expect(201);
    create(&ann, "inactive", json!({})).await;
    ann.put(&entry("ended")).header("plugyard-expires", "2020-01-01T00:00:00Z").json(json!(1)).await.expect(201);
    ann.put(&entry("deleted")).json(json!(1)).await.expect(201);
    ann.delete(&entry("deleted")).await.expect(204);
    ann.put(OTHER).json(json!(null)).await.expect(201);
    app.database.execute("UPDATE state_entries SET active = FALSE WHERE state_key = 'inactive'");

    let answer = ann.get(EXPORT).await.expect(200);
    assert_eq!((answer.header("content-type"), answer.header("cache-control")), ("application/x-ndjson", "private, no-store"));
    let text = answer.text();
    let header: Value = serde_json::from_str(lines(&text)[0]).unwrap();
    assert_eq!((&header["header"]["user_id"], &header["header"]["plugins"]), (&json!(ann.user_id), &json!(null)));
    let trailer: Value = serde_json::from_str(lines(&text)[6]).unwrap();
    assert_eq!((&trailer["trailer"], lines(&text).len()), (&json!({"entries": 5}), 7));
    assert!(text.contains(digits));
    for line in lines(&text) {
        // What a program elsewhere would check.
        let (part, seal) = line.rsplit_once(",\"sha256\":").unwrap();
        let content = part.split_once(':').unwrap().1;
        assert_eq!(seal, format!("\"{}\"}}", hex::encode(Sha256::digest(content.as_bytes()))));
    }

    let none = import(&ben, "merge&dry_run=true", text.clone()).await.expect(200).json();
    assert_eq!(none, json!({"dry_run": true, "created": 5, "updated": 0, "unchanged": 0, "skipped": 0, "deleted": 0}));
    assert_eq!(ben.get(STATE).await.json(), json!([]));
    assert_eq!(import(&ben, "merge", text.clone()).await.expect(200).json()["created"], 5);
    assert_eq!(ben.get(&entry("digits")).await.text(), digits);
    let page = ben.get(&format!("{DEMO}&page_id=p")).await.expect(200);
    assert_eq!(
        (page.header("plugyard-device"), page.header("plugyard-schema-version"), page.header("plugyard-expires")),
        ("phone", "3", "2999-01-01T00:00:00Z")
    );
    assert_eq!(ben.get(&entry("large")).await.json(), json!("x".repeat(5000)));
    assert_eq!(ben.get(OTHER).await.expect(200).text(), "null");
    assert_eq!(ben.get(&format!("{STATE}?is_active=false")).await.json()[0]["state_key"], "inactive");
    // The same again changes nothing.
    let before = counts(&app).await;
    for mode in ["merge", "replace", "skip"] {
        let again = import(&ben, mode, text.clone()).await.expect(200).json();
        let (unchanged, skipped) = if mode == "skip" { (0, 5) } else { (5, 0) };
        assert_eq!((&again["unchanged"], &again["skipped"]), (&json!(unchanged), &json!(skipped)), "{mode}");
    }
    assert_eq!(counts(&app).await, before);
    // But for who and when, one's export is the other's.
    let body = |text: &str| lines(text)[1..].iter().map(|line| line.split("\"version\"").next().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(body(&export(&ben).await), body(&text));
}

both!(the_modes_differ_in_what_is_there);
async fn the_modes_differ_in_what_is_there(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let file = made_up(&[("a", json!("new")), ("b", json!("new"))]);
    let reset = async || {
        for key in ["a", "c"] {
            ann.put(&entry(key)).json(json!("old")).await;
        }
        ann.delete(&entry("b")).await;
        ann.put(OTHER).json(json!("old")).await;
    };
    let there = async |address: &str| {
        let read = ann.get(address).await;
        if read.status == 404 { "-".to_owned() } else { read.json().as_str().unwrap().to_owned() }
    };
    for (mode, expected, sums) in [
        ("skip", ["old", "new", "old", "old"], [1, 0, 1, 0]),
        ("merge", ["new", "new", "old", "old"], [1, 1, 0, 0]),
        ("replace", ["new", "new", "-", "-"], [1, 1, 0, 2]),
    ] {
        reset().await;
        let done = import(&ann, mode, file.clone()).await.expect(200).json();
        assert_eq!(["created", "updated", "skipped", "deleted"].map(|name| done[name].as_i64().unwrap()), sums, "{mode}");
        let found = [there(&entry("a")).await, there(&entry("b")).await, there(&entry("c")).await, there(OTHER).await];
        assert_eq!(found, expected, "{mode}");
    }
    // What changes is a revision like any other, and what is deleted can be had back.
    let record = &ann.get(&format!("{STATE}?state_key=a")).await.json()[0];
    let history = ann.get(&format!("{STATE}/{}/history", id(record))).await.json();
    assert_eq!((&history["items"][0]["change"], &history["items"][0]["actor"]), (&json!("update"), &json!("ann")));
    for bad in ["", "?mode=", "?mode=all", "?mode=merge&dry_run=2"] {
        ann.post(&format!("{STATE}/import{bad}")).header("content-type", "application/x-ndjson").await.assert_problem(422, "validation");
    }
    ann.post(&format!("{STATE}/import?mode=merge")).json(json!({})).await.assert_problem(415, "unsupported_media_type");
}

both!(one_plugins_export_touches_no_other);
async fn one_plugins_export_touches_no_other(app: TestApp) {
    let ann = owner(&app, "ann").await;
    ann.put(DEMO).json(json!("demo")).await.expect(201);
    ann.put(OTHER).json(json!("other")).await.expect(201);
    let of_demo = ann.get(&format!("{EXPORT}?plugin_id=Demo")).await.expect(200).text();
    assert!(of_demo.contains("\"plugins\":[\"Demo\"]") && !of_demo.contains("other"));
    ann.put(&entry("more")).json(json!(1)).await.expect(201);
    assert_eq!(import(&ann, "replace", of_demo.clone()).await.expect(200).json()["deleted"], 1);
    assert_eq!(ann.get(OTHER).await.json(), "other");

    let made = ann.post("/api/v1/tokens").json(json!({"name": "t", "scopes": ["state:Demo"]})).await.expect(201).json();
    let limited = ann.with_token(made["token"].as_str().unwrap());
    let own = export(&limited).await;
    assert!(own.contains("\"plugins\":[\"Demo\"]") && !own.contains("other"), "{own}");
    limited.get(&format!("{EXPORT}?plugin_id=Other")).await.assert_problem(403, "forbidden");
    let whole = export(&ann).await;
    import(&limited, "merge", whole).await.assert_problem(403, "forbidden");
    // Complete for all plugins, but this token reaches one.
    assert_eq!(import(&limited, "replace", made_up(&[])).await.expect(200).json()["deleted"], 1);
    assert_eq!(ann.get(OTHER).await.json(), "other");
    let reader = ann.post("/api/v1/tokens").json(json!({"name": "r", "scopes": ["read"]})).await.expect(201).json();
    ann.with_token(reader["token"].as_str().unwrap()).get(EXPORT).await.assert_problem(403, "forbidden");
}

both!(a_damaged_line_is_named_and_nothing_is_imported);
async fn a_damaged_line_is_named_and_nothing_is_imported(app: TestApp) {
    let ann = owner(&app, "ann").await;
    ann.put(&entry("there")).json(json!("old")).await.expect(201);
    let good = made_up(&[("a", json!({"a": 1})), ("there", json!("new")), ("c", json!(3))]);
    let before = counts(&app).await;
    let told = async |text: &str| {
        let mut all = Vec::new();
        for how in ["merge", "replace&dry_run=true", "replace"] {
            let problem = import(&ann, how, text.to_owned()).await.assert_problem(422, "validation");
            all = problem["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap().to_owned()).collect();
        }
        all
    };
    let without = |skipped: usize| {
        lines(&good).iter().enumerate().filter(|(at, _)| *at != skipped).map(|(_, line)| format!("{line}\n")).collect::<String>()
    };
    let twice = format!("{}{}", lines(&good)[..3].join("\n"), format_args!("\n{}\n", lines(&good)[2]));
    for (bad, expected) in [
        (good.replace("\"new\"", "\"New\""), vec!["line 3/sha256"]),
        (good.replacen("{\"entry\"", "{\"entri\"", 1), vec!["line 2"]),
        (good.replace("}\n", "\n"), vec!["line 1", "line 2", "line 3", "line 4", "line 5"]),
        (without(0), vec!["line 1", "line 4/trailer/entries"]),
        (without(2), vec!["line 4/trailer/entries"]),
        (without(4), vec!["line 5"]),
        (good[..good.len() - 9].to_owned(), vec!["line 5"]),
        (good.clone() + lines(&good)[1], vec!["line 6"]),
        (twice, vec!["line 4/entry"]),
        (String::new(), vec!["line 1"]),
        ("\n\n".to_owned(), vec!["line 1", "line 2"]),
        (
            made_up(&[("x", json!({"__proto__": 1})), ("y\n", json!(1))]),
            vec!["line 2/entry/state_data/__proto__", "line 3/entry/state_key"],
        ),
        (made_up(&[("k", json!(1))]).replace("\"Demo\"", "\"no slug\""), vec!["line 2/sha256"]),
    ] {
        assert_eq!(told(&bad).await, expected, "{bad}");
    }
    assert_eq!(counts(&app).await, before);
    assert_eq!(ann.get(&entry("there")).await.json(), "old");
    assert_eq!(ann.get(STATE).await.json().as_array().unwrap().len(), 1);
    import(&ann, "merge", good.trim_end().to_owned()).await.expect(200);
    let many: Vec<String> = (0..60).map(|n| format!("k{n}")).collect();
    let many: Vec<_> = many.iter().map(|key| (key.as_str(), json!({"prototype": 1}))).collect();
    let problem = import(&ann, "merge", made_up(&many)).await.assert_problem(422, "validation");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 50);
}

both!(an_import_needs_no_room_in_between, max_state_document = "1 KiB", state_quota_factor = "2");
async fn an_import_needs_no_room_in_between(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let of_size = |size: usize| json!("x".repeat(size - 2));
    for (key, size) in [("a", 100), ("b", 1000), ("c", 900)] {
        ann.put(&entry(key)).json(of_size(size)).await.expect(201);
    }
    let turned = made_up(&[("a", of_size(1000)), ("b", of_size(100)), ("c", of_size(900)), ("d", of_size(24))]);
    let done = import(&ann, "merge", turned).await.expect(200).json();
    assert_eq!(["created", "updated", "unchanged"].map(|name| done[name].as_i64().unwrap()), [1, 2, 1]);
    assert_eq!(ann.get(&format!("{STATE}/stats")).await.json()["total_size"], 2024);
}

both!(an_import_keeps_to_policies_and_quotas, max_state_document = "1 KiB", state_quota_factor = "2", max_state_entries = "3");
async fn an_import_keeps_to_policies_and_quotas(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let of_size = |size: usize| json!("x".repeat(size - 2));
    let before = counts(&app).await;
    let refused = import(&ann, "merge", made_up(&[("a", of_size(1025))])).await.assert_problem(422, "validation");
    assert_eq!(refused["errors"][0]["message"], "the state document is too large: 1025 bytes, the limit is 1024 bytes");
    let large = made_up(&[("a", of_size(100_000))]);
    assert_eq!(import(&ann, "merge", large).await.assert_problem(413, "too_large")["limit"], 1024 + 64 * 1024);
    let three = made_up(&[("a", of_size(1000)), ("b", of_size(1000)), ("c", of_size(1000))]);
    let refused = import(&ann, "merge", three).await.assert_problem(507, "quota_exceeded");
    assert_eq!((&refused["limit"], &refused["actual"]), (&json!(2048), &json!(3000)));
    let four = made_up(&[("a", json!(1)), ("b", json!(1)), ("c", json!(1)), ("d", json!(1))]);
    assert_eq!(import(&ann, "merge", four).await.assert_problem(507, "quota_exceeded")["limit"], 3);
    assert_eq!(counts(&app).await, before);
    // Together with what is there: also a dry run notices.
    ann.put(&entry("there")).json(of_size(1024)).await.expect(201);
    let two = made_up(&[("a", of_size(1000)), ("b", of_size(1000))]);
    for how in ["merge&dry_run=true", "merge"] {
        assert_eq!(import(&ann, how, two.clone()).await.assert_problem(507, "quota_exceeded")["actual"], 3024, "{how}");
    }
    assert_eq!(ann.get(STATE).await.json().as_array().unwrap().len(), 1);
    assert_eq!(import(&ann, "replace", two).await.expect(200).json()["deleted"], 1);

    let schema = json!({"schemas": {"1": {"type": "integer"}}, "preconditions_required": true, "excluded_members": ["secret"]});
    app.admin().await.put(&format!("{STATE}/policies/Demo")).json(schema).await.expect(200);
    let refused = import(&ann, "merge", made_up(&[("a", json!(1)), ("b", json!("x"))])).await.assert_problem(422, "validation");
    assert_eq!(refused["errors"][0]["pointer"], "line 3/entry/state_data");
    assert_eq!(import(&ann, "merge", made_up(&[("a", json!(1))])).await.expect(200).json()["updated"], 1);
    app.admin().await.put(&format!("{STATE}/policies/Demo")).json(json!({"excluded_members": ["secret"]})).await.expect(200);
    import(&ann, "merge", made_up(&[("a", json!({"secret": 1, "b": 2}))])).await.expect(200);
    assert_eq!(ann.get(&entry("a")).await.text(), "{\"b\":2}");
    let stranger = app.user("eve").await;
    let refused = import(&stranger, "merge", made_up(&[("a", json!(1))])).await.assert_problem(422, "validation");
    assert_eq!(refused["errors"][0], json!({"pointer": "line 2/entry/plugin_id", "message": "Demo is not installed"}));
}

both!(damage_is_an_error_of_the_export);
async fn damage_is_an_error_of_the_export(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let record = create(&ann, "k", json!({"a": 1})).await;
    ann.put(OTHER).json(json!(1)).await.expect(201);
    app.database.execute("UPDATE state_entries SET data = 'broken!' WHERE state_key = 'k'");
    assert_eq!(ann.get(EXPORT).await.assert_problem(500, "state_corrupt")["entry"], record["id"]);
    ann.get(&format!("{EXPORT}?plugin_id=Other")).await.expect(200);
}

both!(an_administrator_moves_state_between_accounts);
async fn an_administrator_moves_state_between_accounts(app: TestApp) {
    let (ann, ben) = (owner(&app, "ann").await, owner(&app, "ben").await);
    ann.put(DEMO).json(json!({"a": 1})).await.expect(201);
    let of = |user: &Client| format!("/api/v1/users/{}/plugin-state", user.user_id);
    ann.get(&format!("{}/export", of(&ben))).await.assert_problem(403, "forbidden");
    let admin = app.admin().await;
    let text = admin.get(&format!("{}/export", of(&ann))).await.expect(200).text();
    let done = admin.post(&format!("{}/import?mode=skip", of(&ben))).header("content-type", "application/x-ndjson").body(text).await;
    assert_eq!(done.expect(200).json()["created"], 1);
    assert_eq!(ben.get(DEMO).await.json(), json!({"a": 1}));
}

both!(an_export_larger_than_memory_is_streamed);
async fn an_export_larger_than_memory_is_streamed(app: TestApp) {
    let ann = owner(&app, "ann").await;
    // Hexadecimal digits shrink to little more than half.
    let noise = |n: u32| (0..40_000_u32).map(|at| format!("{:08x}", (at * 7919 + n).wrapping_mul(2_654_435_761))).collect::<String>();
    for n in 0..24 {
        ann.put(&entry(&format!("k{n}"))).json(json!(noise(n))).await.expect(201);
    }
    ann.get(EXPORT).await.expect(200);
    let files = || fs::read_dir(app.home.plugins_dir().join("cache")).unwrap().count();
    let (files_before, before) = (files(), app.server.reset_peak_memory());
    let text = export(&ann).await;
    let grown = app.server.peak_memory() - before;
    assert!(text.len() > 7 * 1024 * 1024, "{}", text.len());
    println!("{grown} KiB to export");
    assert!(grown < 3 * 1024, "{grown} KiB more");
    let before = app.server.reset_peak_memory();
    assert_eq!(import(&ann, "merge", text).await.expect(200).json()["unchanged"], 24);
    let grown = app.server.peak_memory() - before;
    println!("{grown} KiB to import");
    assert!(grown < 6 * 1024, "{grown} KiB more");
    assert_eq!(files(), files_before, "nothing is left");
}

both!(state_travels_on_the_command_line);
async fn state_travels_on_the_command_line(app: TestApp) {
    let (ann, ben) = (owner(&app, "ann").await, owner(&app, "ben").await);
    ann.put(DEMO).header("content-type", "application/json").body("{\"a\":1.0}").await.expect(201);
    ann.put(OTHER).json(json!(2)).await.expect(201);
    let admin = app.admin().await.clone();
    for home in [app.local(), app.remote(&admin)] {
        let text = home.run(&["state", "export", "--user", "ann"]).done().stdout;
        assert_eq!(lines(&text).len(), 4);
        assert_eq!(lines(&home.run(&["state", "export", "Demo", "--user", "ann"]).done().stdout).len(), 3);
        let file = home.path().join("state.ndjson");
        let path = file.to_str().unwrap();
        home.run(&["state", "export", "--user", "ann", "--to", path]).done();
        let of = |text: &str| lines(text)[1..].iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        assert_eq!(of(&fs::read_to_string(&file).unwrap()), of(&text));
        let tried = home.run(&["state", "import", path, "--mode", "merge", "--dry-run", "--user", "ben", "--output", "json"]).done();
        assert_eq!((&tried.json()["created"], &tried.json()["dry_run"]), (&json!(2), &json!(true)));
        ben.get(DEMO).await.expect(404);
        let done = home.run_with_input(&["state", "import", "-", "--mode", "merge", "--user", "ben"], &text).done();
        assert_eq!(done.stdout, "2 created, 0 updated, 0 unchanged, 0 skipped, 0 deleted\n");
        assert_eq!(ben.get(DEMO).await.text(), "{\"a\":1.0}");
        let damaged = home.run_with_input(&["state", "import", "-", "--mode", "replace", "--user", "ben"], &text.replace("1.0", "1.1"));
        assert_eq!(damaged.status, 1);
        assert!(damaged.stderr.contains("line 2/sha256"), "{}", damaged.stderr);
        for address in [DEMO, OTHER] {
            ben.delete(address).await.expect(204);
        }
    }
    assert_eq!(app.local().run(&["state", "export", "--user", "nobody", "--to", "x"]).status, 1);
    assert!(!app.local().path().join("x").exists());
}
