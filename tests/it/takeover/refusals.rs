//! When `migrate-records` does not run, and what does not run before it has.

use serde_json::json;

use super::migrate;
use crate::support::{
    TestApp,
    old_tree::{OldTree, long},
    package,
};

both!(whoever_comes_second_is_told);
async fn whoever_comes_second_is_told(app: TestApp) {
    OldTree::new(&app.home.plugins_dir());
    for args in [&["--apply"][..], &["--undo", "records-x"]] {
        let refused = migrate(&app, args);
        assert_eq!((refused.status, refused.stdout.as_str()), (2, ""), "{refused:?}");
        assert!(refused.stderr.contains("another plugyard process uses the plugins folder; stop it first"), "{refused:?}");
    }
    migrate(&app, &[]).done();
    app.server.stop_gracefully();
    let held = plugyard::files::PluginsFolder::open(&app.home.plugins_dir()).unwrap().lock_exclusive().unwrap();
    for args in [&["user", "list"][..], &["serve", "--listen", "127.0.0.1:0"], &["doctor"]] {
        let refused = app.local().run(args);
        assert_eq!(refused.status, 2, "{args:?}: {refused:?}");
        assert!(refused.stderr.contains("a bulk rewrite of the plugins folder is running"), "{refused:?}");
    }
    assert_eq!(migrate(&app, &["--apply"]).status, 2);
    drop(held);
    migrate(&app, &["--apply"]).done();
}

both!(another_folder_than_the_configured_one_is_refused);
async fn another_folder_than_the_configured_one_is_refused(app: TestApp) {
    let other = app.new_folder();
    for folder in [other.path().to_str().unwrap(), "no/such/folder"] {
        let refused = app.local().run(&["migrate-records", folder]);
        assert_eq!((refused.status, refused.stdout.as_str()), (2, ""), "{refused:?}");
    }
    let there = app.remote(app.admin().await).run(&["migrate-records", "plugins"]);
    assert_eq!(there.status, 2);
    assert!(there.stderr.contains("without --server"), "{there:?}");
}

both!(a_server_refuses_to_write_a_file_with_long_entries);
async fn a_server_refuses_to_write_a_file_with_long_entries(app: TestApp) {
    let ann = app.user("ann").await;
    for slug in ["Demo", "Old"] {
        app.admin().await.publish(package(slug, "1.0.0").zip(), "").await.expect(201);
    }
    let old = OldTree::new(&app.home.plugins_dir());
    old.records(&format!("user_{}", ann.user_id), &json!({"Old": long("Old", "1.0.0")}));
    ann.post("/api/v1/plugins/Demo/install").json(json!({})).await.assert_problem(503, "storage");
    assert!(app.server.log().contains("`plugyard migrate-records`"), "{}", app.server.log());
    app.server.stop_gracefully();
    let refused = app.local().run(&["plugins", "install", "Demo", "--user", "ann"]);
    assert!(refused.status == 1 && refused.stderr.contains("`plugyard migrate-records`"), "{refused:?}");
    migrate(&app, &["--apply"]).done();
    app.server.restart();
    ann.post("/api/v1/plugins/Demo/install").json(json!({})).await.expect(200);
    assert_eq!(ann.get("/api/v1/plugins").await.expect(200).json()["items"].as_array().unwrap().len(), 2);
}
