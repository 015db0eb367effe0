//! The door: what `read` and `write` promise on both databases.

use std::{
    os::unix::fs::PermissionsExt,
    sync::{
        Arc, Barrier,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
};

use diesel::connection::SimpleConnection;
use plugyard::{
    Error, Result,
    storage::{Connection, Database, meta},
};

use super::{Store, line, run_on, stores};
use crate::support::{Db, postgres::Cluster};

fn execute(conn: &mut Connection, sql: &str) -> Result<()> {
    Ok(conn.batch_execute(sql)?)
}

async fn value(db: &Database, key: &'static str) -> Option<String> {
    db.read(move |conn| meta::get(conn, key)).await.unwrap()
}

stores!(reading_cannot_write);
async fn reading_cannot_write(store: Store) {
    let db = store.open();
    for sql in ["INSERT INTO meta VALUES ('key', '')", "DELETE FROM meta", "CREATE TABLE own (id TEXT)", "DROP TABLE meta"] {
        let refused = db.read(|conn| execute(conn, sql)).await.unwrap_err();
        assert!(matches!(refused, Error::Storage { .. }), "{refused:?}");
        assert!(refused.chain().to_string().contains("read"), "{}", refused.chain());
    }
    assert_eq!(value(&db, "key").await, None);
    db.write(|conn| meta::get_or_insert(conn, "key", "value")).await.unwrap();
    assert_eq!(value(&db, "key").await.as_deref(), Some("value"));
}

stores!(a_failed_write_leaves_no_trace);
async fn a_failed_write_leaves_no_trace(store: Store) {
    let db = store.open();
    let failed = db.write(|conn| -> Result<()> {
        meta::get_or_insert(conn, "failed", "")?;
        Err(Error::Conflict("on purpose".to_owned()))
    });
    assert!(matches!(failed.await, Err(Error::Conflict(_))));
    let refused = db.write(|conn| {
        meta::get_or_insert(conn, "refused", "")?;
        execute(conn, "INSERT INTO meta (key) VALUES ('without a value')")
    });
    assert!(matches!(refused.await, Err(Error::Storage { .. })));
    let panicked = db.write(|conn| -> Result<()> {
        meta::get_or_insert(conn, "panicked", "")?;
        panic!("on purpose")
    });
    assert!(matches!(panicked.await, Err(Error::Storage { .. })));
    assert_eq!(line(&mut store.connect(), "SELECT CAST(count(*) AS TEXT) AS line FROM meta WHERE key <> 'probe'"), "0");
    db.write(|conn| meta::get_or_insert(conn, "later", "")).await.unwrap();
    assert!(matches!(db.read(|_| -> Result<()> { panic!("on purpose") }).await, Err(Error::Storage { .. })));
    assert!(value(&db, "later").await.is_some());
}

stores!(a_read_sees_one_picture_while_writers_go_on);
async fn a_read_sees_one_picture_while_writers_go_on(store: Store) {
    let db = store.open();
    db.write(|conn| meta::get_or_insert(conn, "old", "")).await.unwrap();
    let (has_read, reads) = tokio::sync::oneshot::channel();
    let (written, writes) = mpsc::channel();
    let reader = tokio::spawn({
        let db = db.clone();
        async move {
            db.read(move |conn| {
                let count = "SELECT CAST(count(*) AS TEXT) AS line FROM meta";
                let before = line(conn, count);
                has_read.send(()).unwrap();
                writes.recv().unwrap();
                Ok((before, line(conn, count), meta::get(conn, "new")?))
            })
            .await
        }
    });
    reads.await.unwrap();
    db.write(|conn| meta::get_or_insert(conn, "new", "")).await.unwrap();
    assert!(value(&db, "new").await.is_some(), "another reader sees it");
    written.send(()).unwrap();
    assert_eq!(reader.await.unwrap().unwrap(), ("1".to_owned(), "1".to_owned(), None));
}

stores!(parallel_increments_lose_nothing);
async fn parallel_increments_lose_nothing(store: Store) {
    const TASKS: usize = 64;
    const EACH: usize = 5;
    const INCREMENT: &str = "UPDATE meta SET value = CAST(CAST(value AS BIGINT) + 1 AS TEXT) WHERE key = 'counter'";
    let db = store.open();
    db.write(|conn| meta::get_or_insert(conn, "counter", "0")).await.unwrap();
    let tasks = (0..TASKS).map(|_| {
        let db = db.clone();
        tokio::spawn(async move {
            let mut acknowledged = 0;
            while acknowledged < EACH {
                match db.write(|conn| execute(conn, INCREMENT)).await {
                    Ok(()) => acknowledged += 1,
                    // Sixteen connections to PostgreSQL for all of them: on a slow disk some wait too long.
                    Err(Error::Busy { .. }) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(value(&db, "counter").await.unwrap(), (TASKS * EACH).to_string());
}

#[test]
fn what_the_databases_ask_to_repeat_is_repeated() {
    run_on(Db::Postgres, async |store: Store| {
        // Each takes what the other takes next; and: each changes what the other has read.
        let deadlock = |own: &str, other: &str| {
            let add = |key| format!("UPDATE meta SET value = value || '{own}' WHERE key = '{key}'");
            ["SELECT 1".to_owned(), add(own), add(other)]
        };
        let serialisation = |own: &str, other: &str| {
            let read = format!("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; SELECT * FROM meta WHERE key = '{other}'");
            [read, "SELECT 1".to_owned(), format!("UPDATE meta SET value = value || '{own}' WHERE key IN ('a', 'b')")]
        };
        for conflict in [&deadlock as &dyn Fn(&str, &str) -> [String; 3], &serialisation] {
            let db = store.open();
            db.write(|conn| execute(conn, "DELETE FROM meta; INSERT INTO meta VALUES ('a', ''), ('b', '')")).await.unwrap();
            let meet = Arc::new(Barrier::new(2));
            let attempts = Arc::new(AtomicU32::new(0));
            let write = |own, other| {
                let (db, meet, attempts) = (db.clone(), Arc::clone(&meet), Arc::clone(&attempts));
                let statements: [String; 3] = conflict(own, other);
                tokio::spawn(async move {
                    let mut first = true;
                    db.write(move |conn| {
                        attempts.fetch_add(1, Ordering::Relaxed);
                        let [begin, before, after] = &statements;
                        execute(conn, begin)?;
                        execute(conn, before)?;
                        // Only the first time: the other one is not there for a repetition.
                        if std::mem::take(&mut first) {
                            meet.wait();
                        }
                        execute(conn, after)
                    })
                    .await
                })
            };
            let (one, two) = (write("a", "b"), write("b", "a"));
            one.await.unwrap().unwrap();
            two.await.unwrap().unwrap();
            // Perhaps more than once, where the other one takes its time to end.
            assert!(attempts.load(Ordering::Relaxed) >= 3, "one of them was repeated");
            for key in ["a", "b"] {
                assert_eq!(value(&db, key).await.unwrap().len(), 2, "both have written {key}");
            }
        }
    });
}

#[test]
fn a_lost_connection_is_replaced() {
    run_on(Db::Postgres, async |store: Store| {
        let db = store.open();
        let name = store.name().to_owned();
        let cut = move || {
            let sql = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
            Cluster::get().unwrap().psql("postgres", &sql).unwrap();
        };
        value(&db, "key").await;
        cut();
        assert_eq!(value(&db, "key").await, None, "between two transactions");
        let mut attempts = 0;
        let counted = db.write(move |conn| {
            attempts += 1;
            meta::get_or_insert(conn, "key", "value")?;
            if attempts == 1 {
                cut();
            }
            meta::get_or_insert(conn, "other key", "value")?;
            Ok(attempts)
        });
        assert_eq!(counted.await.unwrap(), 2, "in the middle of one");
        assert!(value(&db, "key").await.is_some() && value(&db, "other key").await.is_some());
    });
}

#[test]
fn a_commit_that_may_have_taken_effect_is_not_repeated() {
    run_on(Db::Postgres, async |store: Store| {
        let db = store.open();
        // Ends the connection inside the COMMIT.
        let trap = "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS \
                    $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$; \
                    CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON meta DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cut()";
        store.connect().batch_execute(trap).unwrap();
        let attempts = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&attempts);
        let lost = db.write(move |conn| {
            counter.fetch_add(1, Ordering::Relaxed);
            meta::get_or_insert(conn, "key", "value")
        });
        let lost = lost.await.unwrap_err();
        assert!(matches!(lost, Error::Storage { .. }), "{lost:?}");
        assert_eq!(attempts.load(Ordering::Relaxed), 1);
        assert_eq!(value(&db, "key").await, None);
    });
}

#[test]
fn sqlite_keeps_what_it_has_acknowledged_and_keeps_it_private() {
    run_on(Db::Sqlite, async |store: Store| {
        let db = store.open();
        let settings = |conn: &mut Connection| {
            let ask = |name| format!("SELECT CAST({name} AS TEXT) AS line FROM pragma_{name}");
            Ok(["journal_mode", "synchronous", "foreign_keys"].map(|name| line(conn, &ask(name))))
        };
        // 2 is FULL: a commit is flushed before it returns.
        assert_eq!(db.write(settings).await.unwrap(), ["wal", "2", "1"]);
        assert_eq!(db.read(settings).await.unwrap(), ["wal", "2", "1"]);
        db.write(|conn| meta::get_or_insert(conn, "key", "value")).await.unwrap();
        let files = std::fs::read_dir(store.folder.path()).unwrap().map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().permissions().mode() & 0o777)
        });
        let mut files = files.collect::<Vec<_>>();
        files.sort();
        let private = ["plugyard.db", "plugyard.db-shm", "plugyard.db-wal"].map(|name| (name.to_owned(), 0o600));
        assert_eq!(files, private);
    });
}

#[test]
fn postgres_keeps_what_it_has_acknowledged() {
    run_on(Db::Postgres, async |store: Store| {
        let settings = |conn: &mut Connection| Ok(["synchronous_commit", "fsync"].map(|name| setting(conn, name)));
        assert_eq!(store.open().write(settings).await.unwrap(), ["on", "on"]);
        // Somebody's choice for the whole database is not ours; a stronger promise is kept.
        for (chosen, in_force) in [("off", "on"), ("remote_apply", "remote_apply")] {
            let sql = format!("ALTER DATABASE {} SET synchronous_commit = {chosen}", store.name());
            Cluster::get().unwrap().psql("postgres", &sql).unwrap();
            assert_eq!(setting(&mut store.connect(), "synchronous_commit"), chosen);
            assert_eq!(store.open().write(settings).await.unwrap(), [in_force, "on"]);
        }
    });
}

fn setting(conn: &mut Connection, name: &str) -> String {
    line(conn, &format!("SELECT current_setting('{name}') AS line"))
}
