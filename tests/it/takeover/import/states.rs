//! State rows, their histories and configs: from a BrainDrive database to `/plugin-state`.

use serde_json::{Value, json};

use super::{
    source::{Source, dashed, gzipped, user_id},
    target::everything,
};
use crate::support::{Client, Db, TestApp};

const ID: &str = "d66ca7d9-d829-4281-b565-b9aa8b02a9f1";

/// The revisions of an entry, oldest first: version, change and document as text.
async fn revisions(user: &Client, id: &str) -> Vec<(i64, String, String)> {
    let listed = user.get(&format!("/api/v1/plugin-state/{id}/history")).await.expect(200).json();
    let mut found = Vec::new();
    for item in listed["items"].as_array().unwrap().iter().rev() {
        let version = item["version"].as_i64().unwrap();
        let one = user.get(&format!("/api/v1/plugin-state/{id}/history/{version}")).await.expect(200).json();
        found.push((version, item["change"].as_str().unwrap().to_owned(), one["document"].to_string()));
    }
    found
}

fn dry<'a>(source: &'a Source, folder: &'a str) -> [&'a str; 5] {
    ["braindrive", "--database", &source.database.url, "--plugins", folder]
}

both!(states_come_over_with_ids_digits_times_and_history);
async fn states_come_over_with_ids_digits_times_and_history(app: TestApp) {
    app.server.kill9();
    let source = Source::new(&app);
    let ann = user_id(1);
    source.user(&ann, "ann", "ann's old password");
    source.plugin_row("ann-review-id-of-old", &ann, "Review", "1.2.0", &[]);
    let digits = r#"{"z":1.50,"a":12345678901234567890,"ä":"x"}"#;
    let facts = [
        ("page_id", Some("page 1")),
        ("state_key", Some("k")),
        ("state_schema_version", Some("2")),
        ("ttl_expires_at", Some("2125-01-02 03:04:05.678901")),
    ];
    source.state(ID, &ann, "ann-review-id-of-old", digits, &facts);
    source.history("h1", ID, "1", r#"{"a":1}"#, &[("change_type", Some("create")), ("created_at", Some("2025-03-04 05:06:07"))]);
    source.history("h2", ID, "2", r#"{"a": 2}"#, &[]);
    source.history("h3", ID, "3", r#"{"a":2}"#, &[]);
    source.history("h4", ID, "4", r#"{"a":12345678901234567890,"z":1.50,"ä":"x"}"#, &[("created_at", Some("2025-03-05 05:06:07"))]);
    let large = json!({"text": "long ".repeat(1000)}).to_string();
    source.state("large", &dashed(&ann), "Review", &gzipped(&large), &[("compression_type", Some("gzip"))]);
    let session = [("state_key", Some("session")), ("state_strategy", Some("session")), ("is_active", Some("false"))];
    source.state("session", &ann, &format!("{ann}_Review"), "[1, 2]", &session);
    source.state("elsewhere", &ann, "Dashboard", "{}", &[("state_strategy", None), ("access_count", None)]);

    let before = source.snapshot();
    let folder = source.folder();
    let dry = app.import(&dry(&source, &folder)).clean();
    assert!(app.database.values("SELECT id AS value FROM state_entries").is_empty(), "a dry run writes nothing");
    let applied = app.import_database(&source).clean();
    assert_eq!(dry.report["items"], applied.report["items"], "a dry run says what will happen");
    assert_eq!(source.snapshot(), before, "sources stay as they are");
    assert_eq!(applied.item("state", &format!("plugin_states/{ID}"))["target"], format!("state {ID} of user {ann}, plugin Review"));
    for (row, version) in [("h1", 1), ("h2", 2), ("h3", 2), ("h4", 3)] {
        let item = applied.item("state", &format!("plugin_state_history/{row}"));
        assert_eq!((&item["outcome"], &item["target"]), (&json!("done"), &json!(format!("revision {version} of state {ID}"))));
    }
    let said = applied.said("state", "plugin_states/session");
    assert!(said.contains("belongs to the browser") && said.contains("inactive"), "{said}");
    assert!(applied.said("state", "plugin_states/elsewhere").contains("the user has no plugin Dashboard"));

    let stored = everything(&app.database, app.db, &app.home);
    app.import_database(&source).clean().assert_nothing_done();
    assert_eq!(everything(&app.database, app.db, &app.home), stored, "the second run changes nothing");
    assert_eq!(app.local().run(&["doctor"]).status, 0);

    app.server.restart();
    let ann = app.anonymous().log_in("ann", "ann's old password").await;
    let answer = ann.get(&format!("/api/v1/plugin-state/{ID}")).await.expect(200);
    assert!(answer.text().contains(&format!("\"state_data\":{digits}")), "{}", answer.text());
    let record = answer.json();
    for (name, value) in [
        ("id", json!(ID)),
        ("user_id", json!(ann.user_id)),
        ("plugin_id", json!("Review")),
        ("page_id", json!("page 1")),
        ("state_key", json!("k")),
        ("state_schema_version", json!("2")),
        ("state_strategy", json!("persistent")),
        ("access_count", json!(3)),
        ("device_id", json!("phone")),
        ("is_active", json!(true)),
        ("version", json!(3)),
        ("created_at", json!("2025-03-04T05:06:07.123Z")),
        ("updated_at", json!("2025-03-05T05:06:07Z")),
        ("last_accessed", json!("2025-03-06T05:06:07Z")),
        ("ttl_expires_at", json!("2125-01-02T03:04:05.678Z")),
        ("plugin_version", Value::Null),
    ] {
        assert_eq!(record[name], value, "{name} of {record}");
    }
    let history = revisions(&ann, ID).await;
    let expected = [(1, "create", "{\"a\":1}"), (2, "update", "{\"a\":2}"), (3, "update", digits)];
    assert_eq!(history, expected.map(|(version, change, text)| (version, change.to_owned(), text.to_owned())));
    let listed = ann.get(&format!("/api/v1/plugin-state/{ID}/history")).await.expect(200).json();
    let second = &listed["items"][1];
    assert_eq!((&second["created_at"], &second["device_id"]), (&json!("2025-03-04T06:00:00Z"), &json!("tablet")));
    let large_record = ann.get("/api/v1/plugin-state/large").await.expect(200).json();
    assert_eq!((large_record["state_data"].to_string(), &large_record["compression_type"]), (large, &json!("zstd")));

    // Lists, sums and the feed of changes know them as if they had been written here.
    let ids = |answer: Value| -> Vec<String> {
        let mut ids: Vec<_> = answer.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(ann.get("/api/v1/plugin-state/").await.expect(200).json()), [ID, "elsewhere", "large"]);
    assert_eq!(ids(ann.get("/api/v1/plugin-state/?is_active=false").await.expect(200).json()), ["session"]);
    let changes = ann.get("/api/v1/plugin-state/changes").await.expect(200).json();
    assert_eq!(changes["changes"].as_array().unwrap().len(), 4);
    assert_sums_are_right(&app);

    // Whatever is done with them goes on from there.
    let put = ann.put(&format!("/api/v1/plugin-state/{ID}")).json(json!({"state_data": {"a": 4}})).await.expect(200).json();
    assert_eq!((&put["version"], &put["plugin_version"]), (&json!(4), &json!("1.2.0")));
    let back = ann.post(&format!("/api/v1/plugin-state/{ID}/rollback")).json(json!({"to": 2})).await.expect(200).json();
    assert_eq!((&back["version"], &back["state_data"]), (&json!(5), &json!({"a": 2})));
    ann.delete("/api/v1/plugin-state/large").await.expect(200);
    app.server.stop_gracefully();
    let again = app.import_database(&source).clean();
    again.assert_nothing_done();
    assert_eq!(again.outcome("state", "plugin_states/large"), "already_done", "what was deleted here stays deleted");
    assert_sums_are_right(&app);
}

/// Counts of entries and bytes against the entries themselves.
#[track_caller]
pub fn assert_sums_are_right(app: &TestApp) {
    let counted = app.database.values(
        "SELECT user_id || ' ' || plugin_slug || ' ' || COUNT(*) || ' ' || SUM(size) || ' ' || SUM(stored_size) AS value \
         FROM state_entries WHERE deleted_at IS NULL GROUP BY user_id, plugin_slug ORDER BY 1",
    );
    let kept = app.database.values(
        "SELECT user_id || ' ' || plugin_slug || ' ' || entries || ' ' || size || ' ' || stored_size AS value FROM state_usage \
         WHERE entries > 0 ORDER BY 1",
    );
    assert_eq!(kept, counted);
    let wrong = app.database.values(
        "SELECT h.user_id AS value FROM user_heads h WHERE h.entries <> (SELECT COUNT(*) FROM state_entries e WHERE e.user_id = h.user_id \
         AND e.deleted_at IS NULL) OR h.seq < (SELECT COALESCE(MAX(e.seq), 0) FROM state_entries e WHERE e.user_id = h.user_id)",
    );
    assert!(wrong.is_empty(), "{wrong:?}");
}

both!(of_several_rows_for_one_key_the_newest_is_the_entry);
async fn of_several_rows_for_one_key_the_newest_is_the_entry(app: TestApp) {
    app.server.kill9();
    let source = Source::new(&app);
    let ann = user_id(1);
    source.user(&ann, "ann", "ann's old password");
    source.plugin_row("ann-demo", &ann, "Demo", "1.0.0", &[]);
    let key = |updated_at| [("state_key", Some("k")), ("updated_at", Some(updated_at))];
    source.state("second", &dashed(&ann), "Demo", r#"{"n":2}"#, &key("2025-03-04 05:06:08"));
    source.state("third", &ann, "ann-demo", r#"{"n":3}"#, &key("2025-03-04 05:06:09.5"));
    source.state("first", &ann, &format!("{ann}_Demo"), r#"{"n":1}"#, &key("2025-03-04 05:06:07"));
    source.state("damaged", &ann, "Demo", "{oops", &key("2025-03-04 05:06:10"));
    source.history("h", "second", "1", r#"{"n":1.5}"#, &[("created_at", Some("2025-03-04 05:06:07.5"))]);
    source.state("alone", &ann, "Demo", r#"{"n":9}"#, &[("state_key", Some(""))]);

    let applied = app.import_database(&source);
    assert_eq!(applied.outcome("state", "plugin_states/damaged"), "failed");
    assert!(applied.said("state", "plugin_states/third").contains("newest of 3 rows"), "{:#}", applied.report);
    assert_eq!(applied.item("state", "plugin_states/second")["target"], "revision 3 of state third");
    app.server.restart();
    let ann = app.anonymous().log_in("ann", "ann's old password").await;
    let documents: Vec<_> = revisions(&ann, "third").await.into_iter().map(|(_, _, document)| document).collect();
    assert_eq!(documents, [r#"{"n":1}"#, r#"{"n":1.5}"#, r#"{"n":2}"#, r#"{"n":3}"#]);
    for gone in ["first", "second", "damaged"] {
        ann.get(&format!("/api/v1/plugin-state/{gone}")).await.expect(404);
    }
    let alone = ann.get("/api/v1/plugin-state/alone").await.expect(200).json();
    assert_eq!((&alone["page_id"], &alone["state_key"]), (&Value::Null, &Value::Null), "an empty key is none");
    assert_sums_are_right(&app);
}

both!(states_follow_the_slug_of_a_row_that_stays_behind);
async fn states_follow_the_slug_of_a_row_that_stays_behind(app: TestApp) {
    app.server.kill9();
    let source = Source::new(&app);
    let ann = user_id(1);
    source.user(&ann, "ann", "ann's old password");
    source.plugin_row("newer", &ann, "Twice", "1.1.0", &[]);
    source.plugin_row("older", &ann, "Twice", "1.0.0", &[("updated_at", Some("2024-01-01 00:00:00"))]);
    let unversioned = format!("{ann}_randomcolor");
    source.plugin_row(&unversioned, &ann, "random-color", "latest", &[]);
    source.state("a", &ann, "older", r#"{"of":"a"}"#, &[]);
    source.state("b", &ann, &unversioned, r#"{"of":"b"}"#, &[]);
    let applied = app.import_database(&source);
    assert_eq!(applied.outcome("plugin", &format!("plugin/{unversioned}")), "failed");
    for (id, slug) in [("a", "Twice"), ("b", "random-color")] {
        let item = applied.item("state", &format!("plugin_states/{id}"));
        assert_eq!((&item["outcome"], &item["target"]), (&json!("done"), &json!(format!("state {id} of user {ann}, plugin {slug}"))));
    }
    app.server.restart();
    let ann = app.anonymous().log_in("ann", "ann's old password").await;
    for (id, slug) in [("a", "Twice"), ("b", "random-color")] {
        let found = ann.get(&format!("/api/v1/plugin-state/?plugin_id={slug}")).await.expect(200).json();
        assert_eq!((&found[0]["id"], &found[0]["state_data"]), (&json!(id), &json!({"of": id})));
    }
}

both!(an_id_that_is_taken_is_told_before_anything_is_written);
async fn an_id_that_is_taken_is_told_before_anything_is_written(app: TestApp) {
    app.server.kill9();
    let (ann, ben) = (user_id(1), user_id(2));
    let first = Source::new(&app);
    first.user(&ann, "ann", "ann's old password");
    first.plugin_row("demo-of-old", &ann, "Demo", "1.0.0", &[]);
    first.plugin_row("other-of-old", &ann, "Other", "1.0.0", &[]);
    first.state("taken", &ann, "demo-of-old", r#"{"of":"ann"}"#, &[]);
    app.import_database(&first).clean();

    let second = Source::new(&app);
    second.user(&ann, "ann", "ann's old password");
    second.user(&ben, "ben", "ben's old password");
    second.plugin_row("demo-of-old", &ben, "Demo", "1.0.0", &[]);
    second.plugin_row("other-of-old", &ann, "Else", "1.0.0", &[]);
    second.state("taken", &ben, "Demo", r#"{"of":"ben"}"#, &[]);
    second.history("before", "taken", "1", r#"{"of":"ben before"}"#, &[]);
    second.state("free", &ben, "Demo", r#"{"of":"ben"}"#, &[("state_key", Some("k"))]);
    let folder = second.folder();
    let dry = app.import(&dry(&second, &folder));
    let applied = app.import_database(&second);
    assert_eq!((dry.output.status, &dry.report["items"]), (applied.output.status, &applied.report["items"]));
    assert_eq!(applied.output.status, 1);
    for (kind, source) in [
        ("plugin", "plugin/demo-of-old"),
        ("plugin", "plugin/other-of-old"),
        ("state", "plugin_states/taken"),
        ("state", "plugin_state_history/before"),
    ] {
        let item = dry.item(kind, source);
        assert_eq!(item["outcome"], "failed", "{item:#}");
        assert!(item["reason"].as_str().unwrap().contains(&format!("of user {ann}")), "{item:#}");
    }
    assert_eq!(applied.outcome("state", "plugin_states/free"), "done");
    let kept = app.database.values("SELECT user_id || id AS value FROM state_entries ORDER BY 1");
    assert_eq!(kept, [format!("{ann}taken"), format!("{ben}free")]);
}

both!(each_bad_state_is_one_line_and_the_others_come_over);
async fn each_bad_state_is_one_line_and_the_others_come_over(app: TestApp) {
    app.server.kill9();
    let source = Source::new(&app);
    let (ann, gone) = (user_id(1), user_id(9));
    source.user(&ann, "ann", "ann's old password");
    let huge = format!("\"{}\"", "x".repeat(10 * 1024 * 1024));
    let bad = [
        ("bad-json", "{oops", None, "cannot be kept"),
        ("twice", r#"{"a":1,"a":2}"#, None, "here twice"),
        ("bad-base64", "!", Some("gzip"), "not base64"),
        ("bad-gzip", "aGVsbG8=", Some("gzip"), "not gzip"),
        ("other", "{}", Some("lz4"), "nobody here can read"),
        ("bomb", &gzipped(&" ".repeat(30 * 1024 * 1024)), Some("gzip"), "larger than the limit of 10485760 bytes"),
        ("huge", &gzipped(&huge), Some("gzip"), "larger than the limit of 10485760 bytes"),
    ];
    for (id, data, compression, _) in &bad {
        source.state(id, &ann, "Demo", data, &[("state_key", Some(id)), ("compression_type", *compression)]);
    }
    source.state("no-slug", &ann, "../etc", "{}", &[("state_key", Some("a"))]);
    source.state("no-user", "nobody", "Demo", "{}", &[]);
    source.state("orphan", &gone, "Demo", r#"{"kept":1}"#, &[]);
    let odd = [
        ("state_key", Some("odd")),
        ("access_count", Some("many")),
        ("updated_at", Some("yesterday")),
        ("state_strategy", Some("cloud")),
        ("sync_status", Some("conflict")),
        ("ttl_expires_at", Some("2025-01-01 00:00:00")),
    ];
    source.state("odd", &ann, "Demo", r#"{"kept":2}"#, &odd);
    source.state("good", &ann, "Demo", r#"{"kept":3}"#, &[("state_key", Some("good"))]);
    source.history("h-good", "good", "1", r#"{"kept":0}"#, &[("ip_address", Some("192.0.2.7"))]);
    source.history("h-bad", "good", "2", "{oops", &[]);
    source.history("h-of-bad", "bad-json", "1", "{}", &[]);
    // PostgreSQL takes nothing but text.
    let not_text: &[_] = match app.db {
        Db::Sqlite => &[("plugin_states/bytes", "failed", "not UTF-8"), ("plugin_state_history/h-bytes", "failed", "not UTF-8")],
        Db::Postgres => &[],
    };
    if let Db::Sqlite = app.db {
        source.history("h-bytes", "good", "3", "{}", &[]);
        source.state("bytes", &ann, "Demo", "{}", &[("state_key", Some("bytes"))]);
        for table in ["plugin_states", "plugin_state_history"] {
            let bytes = "CAST(X'7b2261223a22e9227d' AS TEXT)";
            source.database.execute(&format!("UPDATE {table} SET state_data = {bytes} WHERE id LIKE '%bytes'"));
        }
    }
    source.history("h-lost", "deleted long ago", "1", "{}", &[]);

    let applied = app.import_database(&source);
    assert_eq!(applied.output.status, 1, "some failed");
    for (id, _, _, why) in &bad {
        assert_eq!(applied.outcome("state", &format!("plugin_states/{id}")), "failed");
        let said = applied.said("state", &format!("plugin_states/{id}"));
        assert!(said.contains(why), "{said}");
    }
    for (id, outcome, why) in [
        ("plugin_states/no-slug", "failed", "no name that a slug can have"),
        ("plugin_states/no-user", "failed", "no user's id"),
        ("plugin_states/orphan", "skipped", "--keep-orphans"),
        ("plugin_states/good", "done", "no plugin Demo"),
        ("plugin_state_history/h-good", "done", ""),
        ("plugin_state_history/h-bad", "failed", "cannot be kept"),
        ("plugin_state_history/h-of-bad", "skipped", "was not taken over"),
        ("plugin_state_history/h-lost", "skipped", "was not taken over"),
    ]
    .iter()
    .chain(not_text)
    {
        assert_eq!(applied.outcome("state", id), *outcome, "{id}");
        let said = applied.said("state", id);
        assert!(said.contains(why), "{said}");
    }
    let said = applied.said("state", "plugin_states/odd");
    for why in
        ["access_count \\\"many\\\"", "updated_at \\\"yesterday\\\"", "\\\"cloud\\\"", "\\\"conflict\\\"", "time ended at 2025-01-01"]
    {
        assert!(said.contains(why), "{why} in {said}");
    }
    assert!(applied.said("config", "plugin_state_history").contains("ip_address"));

    let kept = app.import(&[&dry(&source, &source.folder())[..], &["--keep-orphans", "--apply"]].concat());
    assert_eq!(kept.outcome("state", "plugin_states/orphan"), "done");
    assert_eq!(kept.item("user", "plugin_states/orphan")["target"], format!("user {gone}"));
    assert_eq!(kept.outcome("state", "plugin_states/good"), "already_done");
    let odd =
        app.database.values("SELECT strategy || ' ' || access_count || ' ' || updated_at AS value FROM state_entries WHERE id = 'odd'");
    assert_eq!(odd, ["persistent 0 1741064767123"], "what cannot be read is taken from what can");

    app.server.restart();
    let admin = app.admin().await;
    let orphans = admin.get(&format!("/api/v1/users/{gone}/plugin-state/orphan")).await.expect(200).json();
    assert_eq!(orphans["state_data"], json!({"kept": 1}));
    let ann = app.anonymous().log_in("ann", "ann's old password").await;
    let good = ann.get("/api/v1/plugin-state/good").await.expect(200).json();
    assert_eq!((&good["state_data"], &good["version"]), (&json!({"kept": 3}), &json!(2)));
    ann.get("/api/v1/plugin-state/odd").await.expect(404);
    assert_sums_are_right(&app);
}

both!(configs_become_policies_as_far_as_they_can);
async fn configs_become_policies_as_far_as_they_can(app: TestApp) {
    app.server.kill9();
    let source = Source::new(&app);
    let ann = user_id(1);
    source.user(&ann, "ann", "ann's old password");
    source.plugin_row("ann-demo", &ann, "Demo", "1.0.0", &[]);
    let config = |id: &str, plugin: &str, data: &str, other: &[(&str, Option<&str>)]| {
        let row = [("id", Some(id)), ("plugin_id", Some(plugin)), ("config_data", Some(data))];
        source.row("plugin_state_configs", &[&row[..], other].concat());
    };
    let whole = r#"{"maxStateSize":64,"excludeKeys":["token"],"preserveKeys":["a"],"maxHistory":3}"#;
    config(
        "new",
        "ann-demo",
        whole,
        &[("updated_at", Some("2025-03-05 00:00:00")), ("config_version", Some("1.0.0")), ("created_by", Some("eve"))],
    );
    config("old", "Demo", r#"{"maxStateSize":1}"#, &[("updated_at", Some("2025-03-04 00:00:00"))]);
    config("bad", "Other", "{oops", &[]);
    config("empty", "Other", r#"{"preserveKeys":[]}"#, &[]);
    config("off", "Off", r#"{"maxStateSize":1}"#, &[("is_active", Some("0"))]);

    let applied = app.import_database(&source);
    for (id, outcome, why) in [
        ("new", "done", "preserveKeys [\\\"a\\\"] has no place"),
        ("new", "done", "config_version"),
        ("new", "done", "created_by"),
        ("old", "skipped", "plugin_state_configs/new is newer"),
        ("bad", "failed", "does not parse"),
        ("empty", "skipped", "nothing of it has a place"),
        ("off", "skipped", "switched off"),
    ] {
        let source = format!("plugin_state_configs/{id}");
        assert_eq!(applied.outcome("config", &source), outcome, "{id}");
        let said = applied.said("config", &source);
        assert!(said.contains(why), "{said}");
    }
    let stored = everything(&app.database, app.db, &app.home);
    assert_eq!(app.import_database(&source).outcome("config", "plugin_state_configs/new"), "already_done");
    assert_eq!(everything(&app.database, app.db, &app.home), stored, "the second run changes nothing");

    app.server.restart();
    let ann = app.anonymous().log_in("ann", "ann's old password").await;
    let policy = ann.get("/api/v1/plugin-state/policies/Demo").await.expect(200).json();
    assert_eq!(policy["source"], "administrator", "{policy}");
    let create = |data: Value| ann.post("/api/v1/plugin-state/").json(json!({"plugin_id": "Demo", "state_data": data}));
    create(json!({"a": "x".repeat(64)})).await.assert_problem(413, "too_large");
    assert_eq!(create(json!({"a": 1, "token": "secret"})).await.expect(200).json()["state_data"], json!({"a": 1}));

    // A policy that is there already stays.
    app.server.stop_gracefully();
    app.database.execute("UPDATE state_policies SET policy = '{\"max_document\": 9}'");
    assert_eq!(app.import_database(&source).outcome("config", "plugin_state_configs/new"), "skipped");
}
