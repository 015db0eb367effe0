//! Looking at releases, and what publishers change about them.

use std::{
    collections::BTreeMap,
    io::{Cursor, Read},
};

use serde_json::{Value, json};

use super::{each, install, publish, publish_versions};
use crate::support::{Client, TestApp, package};

async fn found(client: &Client, query: &str) -> Vec<String> {
    each(&client.get(&format!("/api/v1/releases?{query}")).await.expect(200).json()["items"], "slug")
}

both!(a_search_takes_every_sign_for_itself);
async fn a_search_takes_every_sign_for_itself(app: TestApp) {
    publish(&app, package("Alpha", "1.0.0").with("name", "100% sure").with("category", "charts")).await;
    publish(&app, package("Beta", "1.0.0").with("description", "a snake_case thing")).await;
    publish(&app, package("Gamma", "1.0.0").with("tags", json!(["Ünïcode", "back\\slash"]))).await;
    let ann = app.user("ann").await;
    for (query, expected) in [
        ("", vec!["Alpha", "Beta", "Gamma"]),
        ("q=", vec!["Alpha", "Beta", "Gamma"]),
        ("q=ALPHA", vec!["Alpha"]),
        ("q=0%25+s", vec!["Alpha"]),
        ("q=%25", vec!["Alpha"]),
        ("q=_", vec!["Beta"]),
        ("q=SNAKE_", vec!["Beta"]),
        ("q=%C3%9CN%C3%8FCODE", vec!["Gamma"]),
        ("q=%5C", vec!["Gamma"]),
        ("q='", vec![]),
        ("q=alpha&category=charts", vec!["Alpha"]),
        ("category=charts", vec!["Alpha"]),
        ("category=Charts", vec![]),
        ("category=utilities&q=gamma", vec!["Gamma"]),
    ] {
        assert_eq!(found(&ann, query).await, expected, "{query}");
    }
    let long = format!("q={}", "a".repeat(60_000));
    for bad in ["q=%00", "category=a%00b", "limit=0", "limit=1001", "limit=x", "cursor=!", "cursor=Li4v", &long] {
        ann.get(&format!("/api/v1/releases?{bad}")).await.assert_problem(422, "validation");
    }
}

both!(the_catalogue_is_read_in_parts_over_one_order);
async fn the_catalogue_is_read_in_parts_over_one_order(app: TestApp) {
    let slugs = ["b", "A", "a-1", "B2", "z", "Z9", "0"];
    for slug in slugs {
        publish_versions(&app, slug, &["1.0.0", "1.1.0"]).await;
    }
    let ann = app.user("ann").await;
    for limit in [1, 3, 7, 1000] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        for _ in 0..slugs.len() {
            let part = ann.get(&format!("/api/v1/releases?limit={limit}{cursor}")).await.expect(200).json();
            assert!(part["items"].as_array().unwrap().iter().all(|item| item["version"] == "1.1.0"));
            seen.extend(each(&part["items"], "slug"));
            let Some(next) = part["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let mut sorted = slugs;
        sorted.sort_unstable();
        assert_eq!(seen, sorted, "by {limit}");
    }
}

both!(the_catalogue_counts_installations_and_tells_availability);
async fn the_catalogue_counts_installations_and_tells_availability(app: TestApp) {
    publish_versions(&app, "Demo", &["1.0.0", "2.0.0"]).await;
    let (admin, ann, bob) = (app.admin().await, app.user("ann").await, app.user("bob").await);
    let entry = async || {
        let item = ann.get("/api/v1/releases").await.expect(200).json()["items"][0].clone();
        json!([item["version"], item["installs"], item["available"]])
    };
    assert_eq!(entry().await, json!(["2.0.0", 0, true]));
    install(&ann, "Demo", "1.0.0").await.expect(200);
    install(&bob, "Demo", "2.0.0").await.expect(200);
    admin.put("/api/v1/releases/Demo/availability").json(json!({"status": "disabled"})).await.expect(200);
    assert_eq!(entry().await, json!(["2.0.0", 2, false]));
    assert_eq!(ann.get("/api/v1/releases/Demo").await.expect(200).json()["available"], false);
    ann.get("/api/v1/plugins/Demo/dist/index.js").await.assert_problem(404, "not_found");
    install(&app.user("carl").await, "Demo", "1.0.0").await.assert_problem(409, "unavailable");
    ann.put("/api/v1/releases/Demo/availability").json(json!({"status": "enabled"})).await.assert_problem(403, "forbidden");
    admin.put("/api/v1/releases/Demo/availability").json(json!({"status": "enabled"})).await.expect(200);
    ann.get("/api/v1/plugins/Demo/dist/index.js").await.expect(200);
    bob.delete("/api/v1/plugins/Demo/uninstall").await.expect(200);
    admin.post("/api/v1/releases/Demo/2.0.0/yank").json(json!({"reason": "x"})).await.expect(200);
    assert_eq!(entry().await, json!(["1.0.0", 1, true]));
}

both!(a_version_can_be_named_in_every_way_wherever_one_is_wanted);
async fn a_version_can_be_named_in_every_way_wherever_one_is_wanted(app: TestApp) {
    publish_versions(&app, "Demo", &["1.0.0", "1.9.0", "1.10.0", "2.0.0-rc.1"]).await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    let beta = admin.put("/api/v1/releases/Demo/channels/beta").json(json!({"version": "2.0.0-rc.1"})).await.expect(200).json();
    assert_eq!(beta, json!({"slug": "Demo", "name": "beta", "version": "2.0.0-rc.1"}));
    let list = ann.get("/api/v1/releases/Demo").await.expect(200).json();
    assert_eq!(each(&list["versions"], "version"), ["2.0.0-rc.1", "1.10.0", "1.9.0", "1.0.0"]);
    assert_eq!(json!([list["latest"], list["channels"]]), json!(["1.10.0", [{"name": "beta", "version": "2.0.0-rc.1"}]]));

    for (wanted, exact) in [
        ("1.0.0", "1.0.0"),
        ("latest", "1.10.0"),
        ("1", "1.10.0"),
        ("*", "1.10.0"),
        ("~1.9", "1.9.0"),
        ("%3C1.10", "1.9.0"),
        ("%3E=1,%20%3C1.10", "1.9.0"),
        ("%5E2.0.0-rc.0", "2.0.0-rc.1"),
        ("beta", "2.0.0-rc.1"),
    ] {
        for rest in ["", "/files"] {
            let answer = ann.get(&format!("/api/v1/releases/Demo/{wanted}{rest}")).await.expect(200).json();
            assert_eq!(answer["version"], exact, "{wanted}{rest}");
        }
        let archive = ann.get(&format!("/api/v1/releases/Demo/{wanted}/archive")).await.expect(200);
        assert_eq!(archive.header("content-disposition"), format!("attachment; filename=\"Demo-{exact}.zip\""));
        admin.patch(&format!("/api/v1/releases/Demo/{wanted}")).json(json!({"visibility": "private"})).await.expect(200);
        let decoded = percent_encoding::percent_decode_str(wanted).decode_utf8().unwrap().into_owned();
        install(&ann, "Demo", &decoded).await.expect(200);
        assert_eq!(super::shown(&ann, "Demo").await["version"], exact, "{wanted}");
        ann.delete("/api/v1/plugins/Demo/uninstall").await.expect(200);
    }
    for absent in ["^2", "~3", "9.9.9", "gamma", "v1.0.0", "no%20such", "1.0.0+x"] {
        ann.get(&format!("/api/v1/releases/Demo/{absent}")).await.assert_problem(404, "not_found");
    }
}

both!(channels_move_and_never_read_like_versions);
async fn channels_move_and_never_read_like_versions(app: TestApp) {
    publish_versions(&app, "Demo", &["1.0.0", "2.0.0"]).await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    for (wanted, exact) in [("^1", "1.0.0"), ("latest", "2.0.0"), ("stable", "2.0.0"), ("1.0.0", "1.0.0")] {
        let set = admin.put("/api/v1/releases/Demo/channels/stable").json(json!({"version": wanted})).await.expect(200).json();
        assert_eq!(set["version"], exact, "{wanted}");
    }
    for bad in ["latest", "v", "x", "v1", "config", "availability", "channels", "Stable", "a_b", "1", "-a"] {
        let answer = admin.put(&format!("/api/v1/releases/Demo/channels/{bad}")).json(json!({"version": "1.0.0"})).await;
        answer.assert_problem(422, "validation");
    }
    let channel = "/api/v1/releases/Demo/channels/stable";
    admin.put(channel).json(json!({"version": "7.0.0"})).await.assert_problem(404, "not_found");
    admin.put(channel).json(json!({"version": "no such"})).await.assert_problem(422, "validation");
    admin.put(channel).json(json!({"version": "1.0.0", "x": 1})).await.assert_problem(422, "validation");
    ann.put(channel).json(json!({"version": "1.0.0"})).await.assert_problem(403, "publish_not_allowed");
    ann.delete(channel).await.assert_problem(403, "publish_not_allowed");

    admin.post("/api/v1/releases/Demo/1.0.0/yank").json(json!({"reason": "x"})).await.expect(200);
    ann.get("/api/v1/releases/Demo/stable").await.assert_problem(404, "not_found");
    assert_eq!(ann.get("/api/v1/releases/Demo/1.0.0").await.expect(200).json()["yank_reason"], "x");
    admin.delete(channel).await.expect(204);
    admin.delete(channel).await.assert_problem(404, "not_found");
    let again = admin.publish(package("Demo", "2.0.0").module("m1").zip(), "channel=stable").await.expect(200).json();
    assert_eq!(again["version"], "2.0.0");
    assert_eq!(ann.get("/api/v1/releases/Demo/stable").await.expect(200).json()["version"], "2.0.0");
}

both!(visibility_steers_the_shared_address_alone);
async fn visibility_steers_the_shared_address_alone(app: TestApp) {
    publish_versions(&app, "Demo", &["1.0.0", "2.0.0"]).await;
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    install(&ann, "Demo", "1.0.0").await.expect(200);
    let (shared, release) = ("/api/v1/files/Demo/v1.0.0/dist/index.js", "/api/v1/releases/Demo/1.0.0");
    let entry = async || super::shown(&ann, "Demo").await["entry_url"].as_str().unwrap().to_owned();
    app.anonymous().get(shared).await.assert_problem(404, "not_found");
    assert!(entry().await.starts_with("/api/v1/public/plugins/"));
    let answer = admin.patch(release).json(json!({"visibility": "public"})).await.expect(200).json();
    assert_eq!(answer["visibility"], "public");
    app.anonymous().get(shared).await.expect(200);
    assert_eq!(entry().await, shared);
    app.anonymous().get("/api/v1/files/Demo/v2.0.0/dist/index.js").await.assert_problem(404, "not_found");
    ann.patch(release).json(json!({"visibility": "private"})).await.assert_problem(403, "publish_not_allowed");
    for bad in [json!({"visibility": "secret"}), json!({"visibility": null}), json!({}), json!({"visibility": "public", "x": 1})] {
        admin.patch(release).json(bad).await.assert_problem(422, "validation");
    }
    admin.patch(release).json(json!({"visibility": "private"})).await.expect(200);
    app.anonymous().get(shared).await.assert_problem(404, "not_found");
}

both!(an_archive_holds_what_was_published);
async fn an_archive_holds_what_was_published(app: TestApp) {
    let demo = package("Demo", "1.0.0").file("assets/ä b.css", "a{}").file("assets/large.bin", vec![7; 300_000]).file("empty.txt", "");
    publish(&app, demo.clone()).await;
    let ann = app.user("ann").await;
    let archive = ann.get("/api/v1/releases/Demo/latest/archive").await.expect(200);
    assert_eq!(archive.header("content-type"), "application/zip");
    let mut zip = zip::ZipArchive::new(Cursor::new(archive.bytes.clone())).unwrap();
    let mut files = BTreeMap::new();
    for at in 0..zip.len() {
        let mut entry = zip.by_index(at).unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        files.insert(entry.name().unwrap().into_owned(), content);
    }
    assert_eq!(files, demo.files());
    let listed = ann.get("/api/v1/releases/Demo/1.0.0/files").await.expect(200).json()["items"].clone();
    assert_eq!(each(&listed, "path"), demo.files().into_keys().collect::<Vec<_>>());
    let sizes = listed.as_array().unwrap().iter().map(|file| file["size"].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!(sizes, demo.files().values().map(|content| content.len() as u64).collect::<Vec<_>>());
    let again = app.admin().await.publish(archive.bytes, "").await.expect(200).json();
    let release = ann.get("/api/v1/releases/Demo/1.0.0").await.expect(200).json();
    assert_eq!(again["digest"], release["digest"]);
    assert_eq!(json!([release["file_count"], release["manifest"]["slug"]]), json!([files.len(), "Demo"]));
    assert_ne!(release["manifest"], Value::Null);
}
