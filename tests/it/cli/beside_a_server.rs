//! Commands and servers on the same data at the same time.

use serde_json::json;

use crate::support::{Db, TestApp, package};

both!(a_second_server_on_one_sqlite_file_is_refused);
async fn a_second_server_on_one_sqlite_file_is_refused(app: TestApp) {
    if app.db == Db::Postgres {
        let second = app.second_server();
        app.anonymous().at(&second).get("/readyz").await.expect(200);
        return;
    }
    let other_name = format!("sqlite://{}/./plugyard.db", app.home.path().display());
    let other_folder = app.home.path().join("other").display().to_string();
    for home in [app.local(), app.local().with("database_url", &other_name), app.local().with("plugins_dir", &other_folder)] {
        let refused = home.run(&["serve", "--listen", "127.0.0.1:0"]);
        assert_eq!(refused.status, 2, "{refused:?}");
        assert!(refused.stderr.contains("another `plugyard serve` uses the database"), "{refused:?}");
        assert_eq!(refused.stdout, "");
    }
    app.server.kill9();
    app.server.restart();
    app.anonymous().get("/readyz").await.expect(200);
}

both!(a_command_is_seen_by_the_running_server);
async fn a_command_is_seen_by_the_running_server(app: TestApp) {
    let (admin, ann) = (app.admin().await, app.user("ann").await);
    admin.publish(package("Demo", "1.0.0").zip(), "").await.expect(201);
    ann.post("/api/v1/plugins/Demo/install").json(json!({})).await.expect(200);
    let path = "/api/v1/plugins/Demo/dist/index.js";
    for scope in [&[][..], &["--user", "ann"]] {
        for (command, status) in [("disable", 404), ("enable", 200)] {
            app.local().run(&[&["plugins", command, "Demo"], scope].concat()).done();
            ann.comes_to(path, status).await;
        }
    }
}
