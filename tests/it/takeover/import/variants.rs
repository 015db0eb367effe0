//! Other content under a version that is taken.

use std::{
    fs::File,
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};

use super::source::{Source, dashed, plugin_json, user_id};
use crate::support::{Client, TestApp};

async fn version_of(client: &Client, slug: &str) -> String {
    let listed = client.get("/api/v1/plugins").await.expect(200).json();
    let found = listed["items"].as_array().unwrap().iter().find(|item| item["slug"] == slug).unwrap();
    found["version"].as_str().unwrap().to_owned()
}

async fn bundle_of(client: &Client, slug: &str) -> String {
    client.get(&format!("/api/v1/plugins/{slug}/dist/remoteEntry.js")).await.expect(200).text()
}

fn versions(answer: &Value) -> Vec<String> {
    answer["versions"].as_array().unwrap().iter().map(|one| one["version"].as_str().unwrap().to_owned()).collect()
}

both!(the_most_common_content_is_the_version_and_edits_are_kept_apart);
async fn the_most_common_content_is_the_version_and_edits_are_kept_apart(app: TestApp) {
    let (ann, ben, eve) = (app.user("ann").await, app.user("ben").await, app.user("eve").await);
    let stranger = app.user("stranger").await;
    app.server.kill9();
    let source = Source::new(&app);
    for (user, bundle) in [(&ann, "// edited\n"), (&ben, "// plain\n"), (&eve, "// plain\n")] {
        source.plugin(&format!("{}/Demo", user.user_id), &plugin_json("Demo", "1.0.0"), bundle);
    }
    let applied = app.import_folder(&source).clean();
    let said = applied.said("release", &format!("{}/Demo", ann.user_id));
    assert!(said.contains("kept as a variant"), "{said}");
    app.import_folder(&source).clean().assert_nothing_done();
    app.server.restart();

    assert_eq!(version_of(&ben, "Demo").await, "1.0.0");
    let variant = version_of(&ann, "Demo").await;
    assert_eq!((variant.starts_with("1.0.0+"), variant.len()), (true, "1.0.0+".len() + 12), "{variant}");
    assert_eq!((bundle_of(&ann, "Demo").await, bundle_of(&ben, "Demo").await), ("// edited\n".to_owned(), "// plain\n".to_owned()));
    let manifest = ann.get("/api/v1/plugins/manifest").await.expect(200).json();
    let entry = manifest["Demo"]["entry_url"].as_str().unwrap();
    assert_eq!(app.anonymous().get(entry).await.expect(200).text(), "// edited\n");

    // Seen by its users and administrators alone.
    for (caller, sees) in [(&ann, true), (&ben, false), (&stranger, false), (app.admin().await, true)] {
        let listed = caller.get("/api/v1/releases/Demo").await.expect(200).json();
        assert_eq!(versions(&listed).contains(&variant), sees);
        assert_eq!(listed["latest"], "1.0.0");
        for part in ["", "/files", "/archive"] {
            let answer = caller.get(&format!("/api/v1/releases/Demo/{variant}{part}")).await;
            assert_eq!(answer.status, if sees { 200 } else { 404 }, "{part}");
        }
    }
    let install = json!({"version": variant});
    stranger.post("/api/v1/plugins/Demo/install").json(&install).await.assert_problem(404, "not_found");
    ben.post("/api/v1/plugins/Demo/update").json(&install).await.assert_problem(404, "not_found");

    // Never chosen by ranges, channels, update checks or `latest`, and never public.
    let admin = app.admin().await;
    for words in ["latest", "%5E1", "%3D1.0.0"] {
        assert_eq!(admin.get(&format!("/api/v1/releases/Demo/{words}")).await.expect(200).json()["version"], "1.0.0");
    }
    admin.put("/api/v1/releases/Demo/channels/beta").json(&install).await.assert_problem(409, "conflict");
    admin.patch(&format!("/api/v1/releases/Demo/{variant}")).json(json!({"visibility": "public"})).await.assert_problem(409, "conflict");
    app.anonymous().get(&format!("/api/v1/files/Demo/v{variant}/dist/remoteEntry.js")).await.assert_problem(404, "not_found");
    let updates = ann.get("/api/v1/plugins/Demo/update/available").await.expect(200).json();
    assert_eq!(updates["data"]["update_available"], false, "{updates}");

    // Its user can leave it and come back.
    ann.post("/api/v1/plugins/Demo/update").json(json!({"version": "1.0.0"})).await.expect(200);
    assert_eq!(bundle_of(&ann, "Demo").await, "// plain\n");
    ann.post("/api/v1/plugins/Demo/rollback").json(json!({})).await.expect(200);
    assert_eq!(bundle_of(&ann, "Demo").await, "// edited\n");
}

/// Two folders of one user with the same version: in that without dashes older files.
fn twins(source: &Source, user: &str) -> [String; 2] {
    let (old, new) = (format!("{user}/Demo"), format!("{}/Demo", dashed(user)));
    source.plugin(&new, &plugin_json("Demo", "1.0.0"), "// newer\n");
    source.plugin(&old, &plugin_json("Demo", "1.0.0"), "// older\n");
    for part in ["plugin.json", "dist/remoteEntry.js", "dist/chunk.js"] {
        let file = File::options().write(true).open(format!("{}/{old}/{part}", source.folder())).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
    }
    [old, new]
}

async fn the_newer_is_installed_and_the_other_can_come_back(ann: &Client) {
    assert_eq!((version_of(ann, "Demo").await.as_str(), bundle_of(ann, "Demo").await.as_str()), ("1.0.0", "// newer\n"));
    ann.post("/api/v1/plugins/Demo/rollback").json(json!({})).await.expect(200);
    assert_eq!(bundle_of(ann, "Demo").await, "// older\n");
}

both!(of_two_folders_of_one_user_the_newer_wins_and_the_other_can_come_back);
async fn of_two_folders_of_one_user_the_newer_wins_and_the_other_can_come_back(app: TestApp) {
    let ann = app.user("ann").await;
    app.server.kill9();
    let source = Source::new(&app);
    let [old, new] = twins(&source, &ann.user_id);
    let applied = app.import_folder(&source).clean();
    assert_eq!(applied.item("release", &new)["target"], "release Demo 1.0.0");
    assert!(applied.said("release", &old).contains("other folder of this plugin is newer"), "{:#}", applied.report);
    app.import_folder(&source).clean().assert_nothing_done();
    app.server.restart();
    the_newer_is_installed_and_the_other_can_come_back(&ann).await;
}

both!(of_two_folders_of_a_row_the_newer_wins_and_the_other_can_come_back);
async fn of_two_folders_of_a_row_the_newer_wins_and_the_other_can_come_back(app: TestApp) {
    app.server.kill9();
    let source = Source::new(&app);
    let ann = user_id(1);
    source.user(&ann, "ann", "ann's old password");
    source.plugin_row(&format!("{ann}_Demo"), &ann, "Demo", "1.0.0", &[]);
    let [old, new] = twins(&source, &ann);
    let applied = app.import_database(&source).clean();
    assert_eq!(applied.item("release", &new)["target"], "release Demo 1.0.0");
    assert!(applied.said("release", &old).contains("other folder of this plugin is newer"), "{:#}", applied.report);
    app.import_database(&source).clean().assert_nothing_done();
    app.server.restart();
    the_newer_is_installed_and_the_other_can_come_back(&app.anonymous().log_in("ann", "ann's old password").await).await;
}

both!(rows_find_their_files_in_the_older_places);
async fn rows_find_their_files_in_the_older_places(app: TestApp) {
    app.server.kill9();
    let source = Source::new(&app);
    let [ann, ben] = [user_id(1), user_id(2)];
    let rows = [(&ann, "ForAll"), (&ben, "ForAll"), (&ann, "Prefixed"), (&ben, "Bare"), (&ann, "Dashed")];
    for (user, name) in [(&ann, "ann"), (&ben, "ben")] {
        source.user(user, name, "an old password");
    }
    for (user, slug) in rows {
        source.plugin_row(&format!("{user}_{slug}"), user, slug, "1.0.0", &[]);
    }
    source.plugin("any-name", &plugin_json("ForAll", "1.0.0"), "// for all\n");
    source.plugin(&format!("{ben}/ForAll"), &plugin_json("ForAll", "1.0.0"), "// ben's own\n");
    source.plugin(&format!("{ann}/{ann}_Prefixed"), &plugin_json("Prefixed", "1.0.0"), "// prefixed\n");
    source.plugin(&format!("{}/Dashed", dashed(&ann)), &plugin_json("Dashed", "1.0.0"), "// dashed\n");
    // Nothing but its name says what it is.
    source.bundle(&format!("{ben}/{ben}_Bare"), "// bare\n");
    let applied = app.import_database(&source).clean();
    for (user, slug) in rows {
        assert_eq!(applied.item("plugin", &format!("plugin/{user}_{slug}"))["notes"], json!([]), "has files");
    }
    app.import_database(&source).clean().assert_nothing_done();
    app.server.restart();
    let [ann, ben] = [app.anonymous().log_in("ann", "an old password").await, app.anonymous().log_in("ben", "an old password").await];
    for (user, slug, bundle) in [
        (&ann, "ForAll", "// for all\n"),
        (&ben, "ForAll", "// ben's own\n"),
        (&ann, "Prefixed", "// prefixed\n"),
        (&ann, "Dashed", "// dashed\n"),
        (&ben, "Bare", "// bare\n"),
    ] {
        assert_eq!(bundle_of(user, slug).await, bundle);
    }
}

both!(a_published_version_keeps_its_content);
async fn a_published_version_keeps_its_content(app: TestApp) {
    let admin = app.admin().await;
    admin.publish(crate::support::package("Demo", "1.0.0").zip(), "").await.expect(201);
    app.server.kill9();
    let source = Source::new(&app);
    source.plugin(&format!("{}/Demo", user_id(1)), &plugin_json("Demo", "1.0"), "// mine\n");
    let applied = app.import_folder(&source).clean();
    let target = applied.item("release", &format!("{}/Demo", user_id(1)))["target"].as_str().unwrap();
    assert!(target.starts_with("release Demo 1.0.0+"), "{target}");
    assert!(applied.said("release", &format!("{}/Demo", user_id(1))).contains("written \\\"1.0\\\""), "{:#}", applied.report);
    app.server.restart();
    let published = app.admin().await.get("/api/v1/files/Demo/v1.0.0/dist/index.js").await;
    assert_eq!(published.status, 404, "private as it was");
}
