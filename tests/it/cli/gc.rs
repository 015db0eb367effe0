//! `gc`

use serde_json::json;

use crate::support::{TestApp, package};

both!(files_that_nobody_needs_go_and_come_back_as_they_were);
async fn files_that_nobody_needs_go_and_come_back_as_they_were(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    for version in ["1.0.0", "1.1.0", "1.2.0", "2.0.0"] {
        admin.publish(package("Demo", version).zip(), "").await.expect(201);
    }
    ann.post("/api/v1/plugins/Demo/install").json(json!({"version": "1.0.0"})).await.expect(200);
    ann.post("/api/v1/plugins/Demo/update").json(json!({"version": "1.1.0"})).await.expect(200);
    admin.put("/api/v1/releases/Demo/channels/stable").json(json!({"version": "1.2.0"})).await.expect(200);
    let is_there = |version: &str| app.home.plugins_dir().join(format!("shared/Demo/v{version}/dist/index.js")).exists();

    let nothing = json!({"dry_run": false, "releases": [], "total_size": 0});
    assert_eq!(app.local().run(&["gc", "--output", "json"]).done().json(), nothing, "nothing is old enough");
    let in_grace = app.local().with("gc_retention", "0s").run(&["gc"]).done().stdout;
    assert_eq!(in_grace, "total: 0 bytes removed\n", "open pages may still load from 1.0.0");

    let home = app.local().with("gc_retention", "0s").with("grace_period", "0s");
    let size = home.run(&["releases", "show", "Demo@1.0.0", "--output", "json"]).done().json()["size"].clone();
    let dry = home.run(&["gc", "--dry-run", "--output", "json"]).done().json();
    let expected = json!([{"slug": "Demo", "version": "1.0.0", "size": size}]);
    assert_eq!(dry, json!({"dry_run": true, "releases": expected, "total_size": size}));
    let text = home.run(&["gc", "--dry-run"]).done().stdout;
    assert_eq!(text, format!("Demo 1.0.0: {size} bytes\ntotal: {size} bytes would be removed\n"));
    assert!(is_there("1.0.0"), "a dry run removes nothing");

    let real = home.run(&["gc", "--output", "json"]).done().json();
    assert_eq!(real, json!({"dry_run": false, "releases": expected, "total_size": size}));
    assert_eq!(["1.0.0", "1.1.0", "1.2.0", "2.0.0"].map(is_there), [false, true, true, true]);
    assert_eq!(home.run(&["gc", "--output", "json"]).done().json(), nothing);
    ann.get("/api/v1/plugins/Demo/dist/index.js").await.expect(200);
    admin.post("/api/v1/plugins/Demo/install").json(json!({"version": "1.0.0"})).await.assert_problem(410, "gone");

    let other = package("Demo", "1.0.0").file("dist/index.js", "other");
    admin.publish(other.zip(), "").await.assert_problem(409, "version_taken");
    assert!(!is_there("1.0.0"));
    admin.publish(package("Demo", "1.0.0").zip(), "").await.expect(200);
    assert!(is_there("1.0.0"));
    admin.post("/api/v1/plugins/Demo/install").json(json!({"version": "1.0.0"})).await.expect(200);
    assert_eq!(home.run(&["gc", "--output", "json"]).done().json(), nothing);
}

both!(a_release_whose_folder_is_gone_is_named_by_both_runs);
async fn a_release_whose_folder_is_gone_is_named_by_both_runs(app: TestApp) {
    for version in ["1.0.0", "2.0.0"] {
        app.admin().await.publish(package("Demo", version).zip(), "").await.expect(201);
    }
    std::fs::remove_dir_all(app.home.plugins_dir().join("shared/Demo/v1.0.0")).unwrap();
    let home = app.local().with("gc_retention", "0s").with("grace_period", "0s");
    let named = |args: &[&str]| home.run(args).done().json()["releases"].clone();
    let dry = named(&["gc", "--dry-run", "--output", "json"]);
    assert_eq!(dry[0]["version"], "1.0.0");
    assert_eq!(named(&["gc", "--output", "json"]), dry);
    for again in [&["gc", "--dry-run", "--output", "json"][..], &["gc", "--output", "json"]] {
        assert_eq!(named(again), json!([]));
    }
}

both!(no_server_cleans_up_or_gives_defaults);
async fn no_server_cleans_up_or_gives_defaults(app: TestApp) {
    let home = app.remote(app.admin().await);
    for args in [&["gc"][..], &["gc", "--dry-run"], &["defaults", "apply"]] {
        let refused = home.run(args);
        assert_eq!((refused.status, refused.stdout.as_str()), (2, ""), "{args:?}: {refused:?}");
        assert!(refused.stderr.contains("without --server"), "{refused:?}");
    }
}
