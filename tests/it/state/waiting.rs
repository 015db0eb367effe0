//! Writes that wait for their turn, because another process keeps the first of them waiting.

use std::{
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use diesel::{Connection, PgConnection, SqliteConnection, connection::SimpleConnection};
use futures_util::future::join_all;
use serde_json::json;

use super::{entry, owner};
use crate::support::{Db, TestApp, app::run_on};

/// No state is written before it is told to COMMIT; reads go on.
fn lock(app: &TestApp) -> Box<dyn SimpleConnection> {
    match app.db {
        Db::Sqlite => {
            let mut other = SqliteConnection::establish(app.database.url.strip_prefix("sqlite://").unwrap()).unwrap();
            other.batch_execute("PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE").unwrap();
            Box::new(other)
        }
        Db::Postgres => {
            let mut other = PgConnection::establish(&app.database.url).unwrap();
            other.batch_execute("BEGIN; LOCK TABLE user_heads IN EXCLUSIVE MODE").unwrap();
            Box::new(other)
        }
    }
}

both!(a_full_queue_is_refused_at_once, writer_queue = "1");
async fn a_full_queue_is_refused_at_once(app: TestApp) {
    let ann = owner(&app, "ann").await;
    let mut other = lock(&app);
    // More than connections, of which PostgreSQL has several.
    let writes = (0..20).map(|n| {
        let ann = ann.clone();
        async move { ann.put(&entry(&format!("k{n}"))).json(json!(n)).await }
    });
    let refused = std::sync::atomic::AtomicUsize::new(0);
    let counted = writes.map(|write| async {
        let answer = write.await;
        if answer.status == 503 {
            answer.assert_problem(503, "busy");
            assert_eq!(answer.header("retry-after"), "1");
            refused.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
        answer.status
    });
    let release = async {
        // The others wait until then, so these were refused without waiting.
        while refused.load(std::sync::atomic::Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(!app.server.log().contains("cannot begin a write transaction"), "nor did the writer give up");
        assert_eq!(ann.get("/api/v1/plugin-state").await.expect(200).json(), json!([]), "reads go on");
        other.batch_execute("COMMIT").unwrap();
    };
    let (statuses, ()) = tokio::join!(join_all(counted), release);
    assert!(statuses.contains(&201) && statuses.iter().all(|status| matches!(status, 201 | 503)), "{statuses:?}");
}

#[test]
fn a_stop_finishes_what_waits() {
    run_on(Db::Sqlite, &[], async |app: TestApp| {
        let ann = owner(&app, "ann").await;
        let mut other = lock(&app);
        let writes = (0..10).map(|n| {
            let ann = ann.clone();
            async move { ann.put(&entry(&format!("k{n}"))).json(json!(n)).await }
        });
        let stop = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let address = *app.server.address().lock().unwrap();
            thread::scope(|scope| {
                let stopping = scope.spawn(|| app.server.stop_gracefully());
                let give_up = Instant::now() + Duration::from_secs(30);
                while TcpStream::connect(address).is_ok() {
                    assert!(Instant::now() < give_up, "the server goes on accepting connections");
                    thread::sleep(Duration::from_millis(5));
                }
                other.batch_execute("COMMIT").unwrap();
                stopping.join().unwrap()
            })
        };
        let (answers, status) = tokio::join!(join_all(writes), stop);
        assert!(status.success());
        assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [201; 10]);
        assert_eq!(app.database.values("SELECT CAST(count(*) AS TEXT) AS value FROM state_entries"), ["10"]);
    });
}
