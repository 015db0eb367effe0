//! `plugins`

use std::fs;

use serde_json::{Value, json};

use super::both_modes;
use crate::support::{Client, TestApp, package, program::Home, redact::redact};

fn json_of(home: &Home, args: &[&str]) -> Value {
    home.run(&[args, &["--output", "json"]].concat()).done().json()
}

fn text_of(home: &Home, args: &[&str]) -> String {
    home.run(args).done().stdout
}

async fn publish(admin: &Client, slug: &str, version: &str) {
    admin.publish(package(slug, version).zip(), "").await.expect(201);
}

both!(the_list_has_one_line_for_each_slug);
async fn the_list_has_one_line_for_each_slug(app: TestApp) {
    let admin = app.admin().await;
    assert_eq!(text_of(&app.local(), &["plugins", "list"]), "");
    assert_eq!(json_of(&app.local(), &["plugins", "list"]), json!([]));
    for (slug, version) in [("Demo", "1.0.0"), ("Demo", "1.10.0"), ("Demo", "1.9.0"), ("Demo", "2.0.0-rc.1"), ("Another", "0.1.0")] {
        publish(admin, slug, version).await;
    }
    for home in both_modes(&app).await {
        assert_eq!(text_of(&home, &["plugins", "disable", "Demo"]), "Demo is disabled for everybody\n");
        assert_eq!(text_of(&home, &["plugins", "list"]), "Another (0.1.0) — ENABLED\nDemo (1.10.0) — DISABLED\n");
        let expected = json!([
            {"slug": "Another", "version": "0.1.0", "enabled": true},
            {"slug": "Demo", "version": "1.10.0", "enabled": false},
        ]);
        assert_eq!(json_of(&home, &["plugins", "list"]), expected);
        assert_eq!(json_of(&home, &["plugins", "disable", "Demo"]), json!({"slug": "Demo", "user": null, "enabled": false}));
        assert_eq!(text_of(&home, &["plugins", "enable", "Demo"]), "Demo is enabled for everybody\n");
        assert_eq!(json_of(&home, &["plugins", "enable", "Demo"]), json!({"slug": "Demo", "user": null, "enabled": true}));
    }
}

both!(a_users_plugins_are_apart_from_everybody_elses);
async fn a_users_plugins_are_apart_from_everybody_elses(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    app.user("ben").await;
    publish(admin, "Demo", "1.0.0").await;
    publish(admin, "Demo", "2.0.0").await;
    for home in both_modes(&app).await {
        let for_ann = ["--user", "ann@example.org"];
        let run = |args: &[&str]| text_of(&home, &[args, &for_ann].concat());
        assert_eq!(run(&["plugins", "install", "Demo@^1"]), "Demo 1.0.0 is installed for ann\n");
        let twice = home.run(&[&["plugins", "install", "Demo"][..], &for_ann].concat());
        assert_eq!((twice.status, twice.stdout.as_str()), (1, ""), "{twice:?}");
        assert!(twice.stderr.contains("already installed"), "{twice:?}");

        for _ in 0..2 {
            assert_eq!(run(&["plugins", "disable", "Demo"]), "Demo is disabled for ann\n");
            assert_eq!(run(&["plugins", "list"]), "Demo (1.0.0) — DISABLED\n");
        }
        assert_eq!(ann.get("/api/v1/plugins").await.expect(200).json()["items"][0]["enabled"], false);
        assert_eq!(text_of(&home, &["plugins", "list"]), "Demo (2.0.0) — ENABLED\n");
        assert_eq!(text_of(&home, &["plugins", "list", "--user", "ben"]), "");
        for _ in 0..2 {
            let by_id = json_of(&home, &["plugins", "enable", "Demo", "--user", &ann.user_id]);
            assert_eq!(by_id, json!({"slug": "Demo", "user": "ann", "enabled": true}));
        }
        assert_eq!(json_of(&home, &["plugins", "list", "--user", "ANN"]), json!([{"slug": "Demo", "version": "1.0.0", "enabled": true}]));

        assert_eq!(run(&["plugins", "uninstall", "Demo"]), "Demo is uninstalled for ann\n");
        assert_eq!(run(&["plugins", "uninstall", "Demo"]), "Demo was not installed for ann\n");
        let again = json_of(&home, &[&["plugins", "uninstall", "Demo"][..], &for_ann].concat());
        assert_eq!(again, json!({"slug": "Demo", "user": "ann", "uninstalled": false}));
        let absent = home.run(&[&["plugins", "enable", "Demo"][..], &for_ann].concat());
        assert_eq!((absent.status, absent.stdout.as_str()), (1, ""), "{absent:?}");
    }
}

both!(a_package_is_published_and_installed_in_one_go);
async fn a_package_is_published_and_installed_in_one_go(app: TestApp) {
    app.user("ann").await;
    for (home, slug) in both_modes(&app).await.into_iter().zip(["Local", "Remote"]) {
        let folder = app.new_folder();
        let archive = folder.path().join("demo.tar.gz");
        fs::write(&archive, package(slug, "1.0.0").tar_gz()).unwrap();
        let nobody = home.run(&["plugins", "install", archive.to_str().unwrap(), "--user", "nobody"]);
        assert_eq!(nobody.status, 1, "{nobody:?}");
        assert_eq!(home.run(&["releases", "show", slug]).status, 1, "nothing is published for nobody");

        let installed = json_of(&home, &["plugins", "install", archive.to_str().unwrap(), "--user", "ann"]);
        assert_eq!((&installed["slug"], &installed["version"], &installed["user"]), (&json!(slug), &json!("1.0.0"), &json!("ann")));
        let status = json_of(&home, &["plugins", "status", slug, "--user", "ann"]);
        assert_eq!(status["installation_metadata"]["installation_type"], "local");
    }
}

both!(a_server_takes_the_tokens_owner_for_granted);
async fn a_server_takes_the_tokens_owner_for_granted(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    app.user("ben").await;
    publish(admin, "Demo", "1.0.0").await;
    let home = app.remote(&ann);
    assert_eq!(text_of(&home, &["plugins", "install", "Demo"]), "Demo 1.0.0 is installed for ann\n");
    assert_eq!(text_of(&home, &["plugins", "status", "Demo"]), "Demo 1.0.0 is healthy and enabled for ann\n");
    assert_eq!(text_of(&home, &["plugins", "disable", "Demo", "--user", "ann"]), "Demo is disabled for ann\n");
    for args in
        [&["plugins", "disable", "Demo"][..], &["plugins", "list", "--user", "ben"], &["plugins", "uninstall", "Demo", "--user", "ben"]]
    {
        let refused = home.run(args);
        assert_eq!(refused.status, 1, "{args:?}: {refused:?}");
        assert!(refused.stderr.contains("only administrators"), "{refused:?}");
    }
    assert_eq!(text_of(&home, &["plugins", "uninstall", "Demo"]), "Demo is uninstalled for ann\n");
}

both!(what_is_wrong_with_a_plugin_is_told);
async fn what_is_wrong_with_a_plugin_is_told(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    publish(admin, "Demo", "1.0.0").await;
    let status = ["plugins", "status", "Demo", "--user", "ann"];
    for home in both_modes(&app).await {
        assert_eq!(text_of(&home, &status), "Demo is not installed for ann\n");
    }
    ann.post("/api/v1/plugins/Demo/install").json(json!({})).await.expect(200);
    insta::assert_snapshot!(redact(&json_of(&app.local(), &status)), @r#"
    {
      "slug": "Demo",
      "user": "ann",
      "status": "healthy",
      "version": "1.0.0",
      "enabled": true,
      "bundle_exists": true,
      "bundle_size": 29,
      "package_json_valid": true,
      "assets_present": true,
      "installation_metadata": {
        "installation_type": "production",
        "source_url": null,
        "installed_by": "ann",
        "installed_at": "[time]"
      },
      "drift": null
    }
    "#);
    assert_eq!(json_of(&app.remote(admin), &status), json_of(&app.local(), &status));

    fs::remove_file(app.home.plugins_dir().join("shared/Demo/v1.0.0/dist/index.js")).unwrap();
    for home in both_modes(&app).await {
        let damaged = home.run(&status);
        assert_eq!(damaged.status, 1, "{damaged:?}");
        assert!(damaged.stdout.starts_with("Demo 1.0.0 is unhealthy"), "{damaged:?}");
        assert!(damaged.stdout.contains("its bundle is missing"), "{damaged:?}");
    }
    fs::remove_dir_all(app.home.plugins_dir().join(format!("users/user_{}", ann.user_id))).unwrap();
    for home in both_modes(&app).await {
        let drifted = home.run(&status);
        assert_eq!(drifted.status, 1, "{drifted:?}");
        assert!(drifted.stdout.contains("disagree: row without record"), "{drifted:?}");
    }
}

both!(what_others_need_goes_only_on_request);
async fn what_others_need_goes_only_on_request(app: TestApp) {
    let admin = app.admin().await;
    app.user("ann").await;
    publish(admin, "Base", "1.0.0").await;
    admin.publish(package("Top", "1.0.0").with("dependencies", json!({"Base": "^1"})).zip(), "").await.expect(201);
    for home in both_modes(&app).await {
        for slug in ["Base", "Top"] {
            home.run(&["plugins", "install", slug, "--user", "ann"]).done();
        }
        for command in ["disable", "uninstall"] {
            let refused = home.run(&["plugins", command, "Base", "--user", "ann"]);
            assert_eq!(refused.status, 1, "{refused:?}");
            assert!(refused.stderr.contains("Top"), "{refused:?}");
        }
        home.run(&["plugins", "disable", "Base", "--user", "ann", "--cascade"]).done();
        assert_eq!(text_of(&home, &["plugins", "list", "--user", "ann"]), "Base (1.0.0) — DISABLED\nTop (1.0.0) — DISABLED\n");
        for slug in ["Base", "Top"] {
            home.run(&["plugins", "enable", slug, "--user", "ann"]).done();
        }
        home.run(&["plugins", "uninstall", "Base", "--user", "ann", "--cascade"]).done();
        assert_eq!(text_of(&home, &["plugins", "list", "--user", "ann"]), "");
    }
}
