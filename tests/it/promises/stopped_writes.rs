//! A database that takes no writes: they are refused at once and undone, reads go on, and when the fault is mended so do writes.

use std::{fs, path::PathBuf, process::Command, time::Duration};

use diesel::{Connection, PgConnection, connection::SimpleConnection};
use futures_util::future::join_all;
use serde_json::json;

use crate::support::{Answer, Client, Db, TestApp, app::run_on, server::TestServer};

const ENTRY: &str = "/api/v1/plugin-state/entry?plugin_id=Demo";

/// A user who may keep state.
async fn ann(app: &TestApp) -> Client {
    let policy = json!({"without_installation": true});
    app.admin().await.put("/api/v1/plugin-state/policies/Demo").json(policy).await.expect(200);
    app.user("ann").await
}

async fn put(user: &Client, key: &str, value: i64) -> Answer {
    user.put(&format!("{ENTRY}&state_key={key}")).json(json!(value)).await
}

async fn assert_stopped(ann: &Client, sums: &[&str]) {
    let writes = join_all((0..20).map(|n| {
        let ann = ann.clone();
        async move { put(&ann, &format!("refused{n}"), 1).await }
    }));
    for answer in writes.await {
        answer.assert_problem(503, "storage");
        assert_eq!(answer.header("retry-after"), "1");
    }
    let ready = ann.get("/readyz").await.expect(503).json();
    assert_eq!(ready["database"], "failing");
    ann.get("/healthz").await.expect(200);
    // Reads go on, and see nothing of it.
    assert_eq!(ann.get(&format!("{ENTRY}&state_key=k")).await.expect(200).text(), "1");
    let keys = ann.get("/api/v1/plugin-state").await.expect(200).json();
    let keys: Vec<_> = keys.as_array().unwrap().iter().map(|record| record["state_key"].as_str().unwrap().to_owned()).collect();
    assert_eq!(keys, sums);
    ann.get("/api/v1/auth/me").await.expect(200);
}

#[test]
fn a_failing_flush_stops_writes() {
    run_on(Db::Sqlite, &[], async |app: TestApp| {
        let library = library(&app);
        let ann = ann(&app).await;
        app.server.stop_gracefully();
        let flag = app.home.path().join("the disk fails");
        let home = app.home.clone().with_variable("LD_PRELOAD", library.to_str().unwrap());
        let server = TestServer::start(&home.with_variable("FAIL_FSYNC", flag.to_str().unwrap()));
        let ann = ann.at(&server);
        put(&ann, "k", 1).await.expect(201);
        ann.get("/readyz").await.expect(200);

        fs::write(&flag, "").unwrap();
        put(&ann, "k", 2).await.assert_problem(503, "storage");
        assert_stopped(&ann, &["k"]).await;
        let metrics = ann.get("/metrics").await.expect(200).text();
        assert!(metrics.contains("plugyard_writes_stopped 1"), "{metrics}");

        fs::remove_file(&flag).unwrap();
        ann.comes_to("/readyz", 200).await;
        put(&ann, "k", 3).await.expect(200);
        assert!(ann.get("/metrics").await.expect(200).text().contains("plugyard_writes_stopped 0"));
        // Nothing of what was refused comes back with the file.
        server.kill9();
        server.restart();
        assert_eq!(ann.get(&format!("{ENTRY}&state_key=k")).await.expect(200).text(), "3");
        assert_eq!(ann.get("/api/v1/plugin-state").await.expect(200).json().as_array().unwrap().len(), 1);
    });
}

/// The compiler is there, because the program itself needs it.
fn library(app: &TestApp) -> PathBuf {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/failing_fsync.c");
    let library = app.home.path().join("failing_fsync.so");
    let made = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).status().expect("cc can be started");
    assert!(made.success());
    library
}

#[test]
fn a_database_that_may_only_be_read_stops_writes() {
    run_on(Db::Postgres, &[], async |app: TestApp| {
        let ann = ann(&app).await;
        put(&ann, "k", 1).await.expect(201);
        let name = app.database.url.rsplit('/').next().unwrap();
        let mut other = PgConnection::establish(&app.database.url.replace(name, "postgres")).unwrap();
        let mut set = |value: &str| {
            other.batch_execute(&format!("ALTER DATABASE {name} SET default_transaction_read_only = {value}")).unwrap();
            // It counts for new connections.
            other.batch_execute(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")).unwrap();
        };
        set("on");
        ann.comes_to("/readyz", 503).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_stopped(&ann, &["k"]).await;
        set("off");
        ann.comes_to("/readyz", 200).await;
        put(&ann, "k", 3).await.expect(200);
    });
}
