use reqwest::multipart::Form;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{failed, fetching, install};
use crate::support::{TestApp, package, upstream::Upstream};

fetching!(a_repository_installs_its_latest_release);
async fn a_repository_installs_its_latest_release(app: TestApp, upstream: Upstream) {
    let ann = app.user("ann").await;
    upstream.release("v1.0.0", package("Notes", "1.0.0").module("pad").zip());
    // Where the archive is said to be, it has moved away.
    upstream.redirect("/download/v1.0.0.zip", "/cdn/1?signed=yes");
    upstream.page("/cdn/1?signed=yes", 200, package("Notes", "1.0.0").module("pad").zip());
    let answer = install(&ann, json!({"repo_url": upstream.url("/me/notes.git"), "version": "latest"})).await;
    insta::assert_snapshot!(answer.snapshot(), @r#"
    200
    {
      "status": "success",
      "message": "Plugin 'Notes' installed successfully from http://127.0.0.1:[port]/me/notes",
      "data": {
        "plugin_id": "[id 1]_Notes",
        "plugin_slug": "Notes",
        "version": "1.0.0",
        "modules_created": [
          "pad"
        ],
        "plugin_directory": null,
        "source": "github",
        "file_size": 470,
        "repo_url": "http://127.0.0.1:[port]/me/notes",
        "release": "v1.0.0"
      }
    }
    "#);
    assert_eq!(upstream.seen(), ["/api/repos/me/notes/releases/latest", "/download/v1.0.0.zip", "/cdn/1?signed=yes"]);
    let status = ann.get("/api/v1/plugins/Notes/status").await.expect(200).json();
    insta::assert_snapshot!(crate::support::redact::redact(&status["data"]["installation_metadata"]), @r#"
    {
      "installation_type": "remote",
      "source_url": "http://127.0.0.1:[port]/me/notes",
      "installed_by": "ann",
      "installed_at": "[time]",
      "sha256": "f9f93ad6691db54548427d3b031328d2bb900fb3cd5d5522c8f56005a1809e95",
      "release": "v1.0.0"
    }
    "#);
    let plugin = ann.get("/api/v1/plugins/by-slug/Notes").await.expect(200).json();
    assert_eq!((&plugin["installationType"], &plugin["sourceUrl"]), (&json!("remote"), &json!(upstream.url("/me/notes"))));
    app.assert_no_leftovers();
}

fetching!(a_release_can_be_named);
async fn a_release_can_be_named(app: TestApp, upstream: Upstream) {
    for version in ["1.0.0", "1.1.0", "1.2.0"] {
        upstream.release(&format!("v{version}"), package("Notes", version).zip());
    }
    let repository = upstream.url("/me/notes");
    for (name, wanted) in [
        ("ann", json!({"repo_url": repository, "version": "v1.0.0"})),
        ("bob", json!({"repo_url": repository, "version": "1.0.0"})),
        ("carol", json!({"repo_url": format!("{repository}/releases/tag/v1.0.0")})),
    ] {
        let user = app.user(name).await;
        let installed = install(&user, wanted).await.expect(200).json();
        assert_eq!((&installed["data"]["version"], &installed["data"]["release"]), (&json!("1.0.0"), &json!("v1.0.0")), "{name}");
    }
    let dan = app.user("dan").await;
    let message = failed(&install(&dan, json!({"repo_url": repository, "version": "9.9.9"})).await, "release_lookup", "source_failed");
    assert_eq!(message, format!("{repository} has no release 9.9.9"));
    failed(&install(&dan, json!({"repo_url": upstream.url("/me/other")})).await, "release_lookup", "source_failed");
}

fetching!(an_archive_is_installed_from_its_address);
async fn an_archive_is_installed_from_its_address(app: TestApp, upstream: Upstream) {
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    let archive = package("Notes", "1.0.0").tar_gz();
    upstream.page("/files/notes.tgz?key=secret", 200, archive.clone());
    let address = upstream.url("/files/notes.tgz?key=secret#x");
    let hash = hex::encode(Sha256::digest(&archive));

    let message =
        failed(&install(&ann, json!({"repo_url": address, "sha256": "0".repeat(64)})).await, "download_and_extract", "source_failed");
    assert_eq!(message, format!("the archive's sha256 is {hash}, expected was {}", "0".repeat(64)));
    failed(&install(&ann, json!({"repo_url": address, "sha256": "abc"})).await, "url_parsing", "validation");
    failed(&install(&ann, json!({"repo_url": address, "version": "^1"})).await, "url_parsing", "validation");
    failed(&install(&ann, json!({"repo_url": address, "version": "2.0.0"})).await, "plugin_validation", "validation");
    assert_eq!(app.admin().await.get("/api/v1/releases").await.expect(200).json()["items"], json!([]));

    let installed = install(&ann, json!({"repo_url": address, "version": "1.0.0", "sha256": hash.to_uppercase()})).await.expect(200).json();
    assert_eq!((&installed["data"]["source"], &installed["data"]["file_size"]), (&json!("url"), &json!(archive.len())));
    // What could be a secret is not kept.
    let record = &ann.get("/api/v1/plugins/Notes/status").await.expect(200).json()["data"]["installation_metadata"];
    assert_eq!((&record["source_url"], &record["sha256"]), (&json!(upstream.url("/files/notes.tgz")), &json!(hash)));
    assert!(
        !std::fs::read_to_string(app.home.plugins_dir().join(format!("users/user_{}/installed_plugins.json", ann.user_id)))
            .unwrap()
            .contains("secret")
    );

    // The same through the form.
    let form = Form::new().text("method", "url").text("repo_url", address).text("version", "latest");
    let answer = bob.post("/api/v1/plugins/install").multipart(form).await.expect(200).json();
    assert_eq!(answer["data"]["plugin_slug"], "Notes");
    let none = bob.post("/api/v1/plugins/install").multipart(Form::new().text("method", "github")).await;
    failed(&none, "unknown", "validation");
    app.assert_no_leftovers();
}

fetching!(an_administrator_installs_for_a_user);
async fn an_administrator_installs_for_a_user(app: TestApp, upstream: Upstream) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    upstream.release("v1.0.0", package("Notes", "1.0.0").zip());
    let route = format!("/api/v1/users/{}/plugins/install-from-url", ann.user_id);
    admin.post(&route).json(json!({"repo_url": upstream.url("/me/notes")})).await.expect(200);
    assert_eq!(ann.get("/api/v1/plugins").await.expect(200).json()["items"][0]["slug"], "Notes");
    assert_eq!(admin.get("/api/v1/plugins").await.expect(200).json()["items"], json!([]));
}

fetching!(who_may_not_publish_makes_nobody_ask, user_uploads = "deny");
async fn who_may_not_publish_makes_nobody_ask(app: TestApp, upstream: Upstream) {
    let ann = app.user("ann").await;
    upstream.release("v1.0.0", package("Notes", "1.0.0").zip());
    let body = json!({"repo_url": upstream.url("/me/notes")});
    install(&ann, body.clone()).await.assert_problem(403, "publish_not_allowed");
    install(app.anonymous(), body).await.assert_problem(401, "unauthenticated");
    assert_eq!(upstream.seen(), Vec::<String>::new());
}

fetching!(commands_install_from_an_address);
async fn commands_install_from_an_address(app: TestApp, upstream: Upstream) {
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    let archive = package("Notes", "1.0.0").zip();
    let hash = hex::encode(Sha256::digest(&archive));
    upstream.release("v1.0.0", archive);
    upstream.release("v1.1.0", package("Notes", "1.1.0").zip());
    let repository = upstream.url("/me/notes");
    let local = app.local().run(&["plugins", "install", &repository, "--release", "v1.0.0", "--sha256", &hash, "--user", "ann"]).done();
    assert_eq!(local.stdout, "Notes 1.0.0 is installed for ann\n");
    let remote = app.remote(&bob).run(&["plugins", "install", &upstream.url("/download/v1.0.0.zip"), "--sha256", &hash]).done();
    assert_eq!(remote.stdout, "Notes 1.0.0 is installed for bob\n");
    let refused = app.remote(&bob).run(&["plugins", "install", &repository, "--sha256", &hash]);
    assert_eq!(refused.status, 1);
    assert!(refused.stderr.contains("expected was"), "{}", refused.stderr);
    app.local().run(&["plugins", "install", &repository, "--all-users"]).done();
    assert_eq!(app.admin().await.get("/api/v1/plugins").await.expect(200).json()["items"][0]["version"], "1.1.0");
    for wrong in [
        &["plugins", "install", "Notes", "--user", "ann", "--sha256", "x"][..],
        &["plugins", "install", "Notes", "--user", "ann", "--release", "x"],
    ] {
        assert_eq!(app.local().run(wrong).status, 2);
    }
    assert_eq!(ann.get("/api/v1/plugins").await.expect(200).json()["items"][0]["version"], "1.0.0");
}
