//! Group commit on SQLite: what shares a transaction must share neither failures nor lies.

use std::{
    future::poll_fn,
    pin::pin,
    sync::mpsc::{self, Receiver, Sender},
    task::Poll,
    thread,
};

use diesel::{Connection as _, connection::SimpleConnection};
use plugyard::{
    Error, Result,
    storage::{Connection, Database, meta},
};
use tokio::task::JoinHandle;

use super::{Store, line, lines, run_on};
use crate::support::Db;

type Work = Box<dyn FnMut(&mut Connection) -> Result<()> + Send>;

/// A job that sits in the writer until it is released. It has written `blocker`.
struct Blocker {
    release: Sender<()>,
    job: JoinHandle<Result<()>>,
}

impl Blocker {
    /// Returns once the job runs.
    async fn start(db: &Database) -> Self {
        let (running, runs) = tokio::sync::oneshot::channel();
        let (release, released) = mpsc::channel();
        let (db, mut running) = (db.clone(), Some(running));
        let job = tokio::spawn(async move {
            db.write(move |conn| {
                put(conn, "blocker")?;
                running.take().unwrap().send(()).unwrap();
                wait(&released);
                Ok(())
            })
            .await
        });
        runs.await.unwrap();
        Self { release, job }
    }

    fn release(self) -> JoinHandle<Result<()>> {
        self.release.send(()).unwrap();
        self.job
    }
}

fn wait(released: &Receiver<()>) {
    released.recv().unwrap();
}

fn put(conn: &mut Connection, key: &str) -> Result<()> {
    meta::get_or_insert(conn, key, "").map(drop)
}

/// The keys that other programs can see.
fn keys(store: &Store) -> Vec<String> {
    lines(&mut store.connect(), "SELECT key AS line FROM meta ORDER BY key")
}

/// Queues a job without waiting for its answer.
async fn queue(db: &Database, work: impl FnMut(&mut Connection) -> Result<()> + Send + 'static) -> JoinHandle<Result<()>> {
    let db = db.clone();
    let (queued, is_queued) = tokio::sync::oneshot::channel();
    let job = tokio::spawn(async move {
        let mut answer = pin!(db.write(work));
        let mut queued = Some(queued);
        poll_fn(|context| {
            // The first poll puts the job into the queue.
            let state = answer.as_mut().poll(context);
            if let Some(queued) = queued.take() {
                queued.send(()).unwrap();
            }
            state
        })
        .await
    });
    is_queued.await.unwrap();
    job
}

/// Runs the jobs in one transaction: they queue up while another job is in the writer. The answers in their order.
async fn in_one_batch(db: &Database, jobs: Vec<Work>) -> Vec<Result<()>> {
    let blocker = Blocker::start(db).await;
    let mut queued = Vec::new();
    for job in jobs {
        queued.push(queue(db, job).await);
    }
    blocker.release().await.unwrap().unwrap();
    let mut answers = Vec::new();
    for job in queued {
        answers.push(job.await.unwrap());
    }
    answers
}

#[test]
fn a_failing_job_takes_back_itself_and_nothing_else() {
    run_on(Db::Sqlite, async |store: Store| {
        let db = store.open();
        let (release, released) = mpsc::channel();
        let (running, runs) = tokio::sync::oneshot::channel();
        let mut running = Some(running);
        let blocker = Blocker::start(&db).await;
        let first = queue(&db, |conn| put(conn, "first")).await;
        let failing = queue(&db, |conn| {
            put(conn, "failing")?;
            Err(Error::Conflict("on purpose".to_owned()))
        })
        .await;
        let refused = queue(&db, |conn| {
            put(conn, "refused")?;
            conn.batch_execute("INSERT INTO meta (key) VALUES ('refused as well')").map_err(Error::from)
        })
        .await;
        let last = queue(&db, move |conn| {
            put(conn, "last")?;
            running.take().unwrap().send(()).unwrap();
            wait(&released);
            Ok(())
        })
        .await;
        blocker.release().await.unwrap().unwrap();
        runs.await.unwrap();
        // The last one runs, and nobody has been answered yet: they are in one transaction.
        assert_eq!(keys(&store), ["blocker"]);
        assert!(!first.is_finished() && !failing.is_finished());
        db.read(|conn| meta::get(conn, "blocker")).await.unwrap().expect("reads go on meanwhile");
        release.send(()).unwrap();
        first.await.unwrap().unwrap();
        assert!(matches!(failing.await.unwrap(), Err(Error::Conflict(_))));
        assert!(matches!(refused.await.unwrap(), Err(Error::Storage { .. })));
        last.await.unwrap().unwrap();
        assert_eq!(keys(&store), ["blocker", "first", "last"]);
    });
}

#[test]
fn a_panicking_job_answers_and_leaves_no_trace() {
    run_on(Db::Sqlite, async |store: Store| {
        let db = store.open();
        let jobs: Vec<Work> = vec![
            Box::new(|conn| put(conn, "before")),
            Box::new(|conn| {
                put(conn, "panicking")?;
                panic!("on purpose")
            }),
            Box::new(|conn| put(conn, "after")),
        ];
        let answers = in_one_batch(&db, jobs).await;
        assert!(matches!(answers[1], Err(Error::Storage { .. })), "{answers:?}");
        assert!(answers[2..].iter().all(Result::is_ok), "what had not run yet runs on a new connection: {answers:?}");
        assert_answers_are_true(&store, &answers, &["before", "panicking", "after"]);
        db.write(|conn| put(conn, "later")).await.unwrap();
        assert!(keys(&store).contains(&"later".to_owned()));
    });
}

/// When the disk is full, SQLite can take back the whole transaction below the job that meets it.
#[test]
fn a_full_disk_costs_no_acknowledged_write_and_passes() {
    run_on(Db::Sqlite, async |store: Store| {
        let db = store.open();
        let jobs: Vec<Work> = vec![
            Box::new(|conn| put(conn, "before")),
            Box::new(|conn| {
                let pages = lines(conn, "SELECT CAST(page_count AS TEXT) AS line FROM pragma_page_count").remove(0);
                conn.batch_execute(&format!("PRAGMA max_page_count = {pages}"))?;
                put(conn, "filling")?;
                conn.batch_execute("UPDATE meta SET value = CAST(randomblob(1000000) AS TEXT) WHERE key = 'filling'").map_err(Error::from)
            }),
            Box::new(|conn| put(conn, "after")),
            Box::new(|conn| put(conn, "last")),
        ];
        let answers = in_one_batch(&db, jobs).await;
        assert!(matches!(answers[1], Err(Error::Storage { .. })), "{answers:?}");
        assert!(answers[2..].iter().all(Result::is_ok), "what had not run yet runs on a new connection: {answers:?}");
        assert_answers_are_true(&store, &answers, &["before", "filling", "after", "last"]);
        db.write(|conn| {
            conn.batch_execute("PRAGMA max_page_count = 1000000")?;
            put(conn, "later")
        })
        .await
        .unwrap();
        assert!(keys(&store).contains(&"later".to_owned()));
    });
}

/// A success is there, and a failure is not.
fn assert_answers_are_true(store: &Store, answers: &[Result<()>], written: &[&str]) {
    let kept = keys(store);
    for (answer, key) in answers.iter().zip(written) {
        assert_eq!(answer.is_ok(), kept.contains(&(*key).to_owned()), "{key} was answered {answer:?}; there are {kept:?}");
    }
}

#[test]
fn a_full_queue_is_refused_at_once() {
    run_on(Db::Sqlite, async |store: Store| {
        let db = store.open_with_queue(2);
        let blocker = Blocker::start(&db).await;
        let waiting = [queue(&db, |conn| put(conn, "one")).await, queue(&db, |conn| put(conn, "two")).await];
        // The writer is still occupied, so nothing but a refusal could come back.
        assert!(matches!(db.write(|conn| put(conn, "three")).await, Err(Error::Busy { .. })));
        blocker.release().await.unwrap().unwrap();
        for job in waiting {
            job.await.unwrap().unwrap();
        }
        assert_eq!(keys(&store), ["blocker", "one", "two"]);
        db.write(|conn| put(conn, "later")).await.unwrap();
    });
}

#[test]
fn dropping_the_database_finishes_what_is_queued() {
    run_on(Db::Sqlite, async |store: Store| {
        let db = store.open();
        let blocker = Blocker::start(&db).await;
        for key in ["one", "two"] {
            let mut write = Box::pin(db.write(move |conn| put(conn, key)));
            // Queued; then its caller goes away.
            let waits = poll_fn(|context| Poll::Ready(write.as_mut().poll(context).is_pending())).await;
            assert!(waits);
        }
        let dropping = thread::spawn(move || drop(db));
        blocker.release().await.unwrap().unwrap();
        dropping.join().unwrap();
        assert_eq!(keys(&store), ["blocker", "one", "two"]);
    });
}

/// Takes as long as the busy timeout.
#[test]
fn a_lock_of_another_program_ends_in_busy() {
    run_on(Db::Sqlite, async |store: Store| {
        let db = store.open();
        let mut other = store.connect();
        other.batch_execute("BEGIN IMMEDIATE").unwrap();
        assert!(matches!(db.write(|conn| put(conn, "one")).await, Err(Error::Busy { .. })));
        db.read(|conn| meta::get(conn, "one")).await.unwrap();
        other.batch_execute("ROLLBACK").unwrap();
        db.write(|conn| put(conn, "two")).await.unwrap();
        assert_eq!(keys(&store), ["two"]);
    });
}

#[test]
fn what_is_committed_comes_from_the_log_into_the_file() {
    run_on(Db::Sqlite, async |store: Store| {
        let db = store.open();
        // More jobs than a copy waits for, and fewer pages than make the writer copy by itself.
        for n in 0..200 {
            db.write(move |conn| put(conn, &format!("key{n}"))).await.unwrap();
        }
        let alone = store.folder.path().join("alone.db");
        for attempt in 0.. {
            assert!(attempt < 1000, "nobody copies");
            std::fs::copy(store.sqlite_file(), &alone).unwrap();
            let mut conn = Connection::Sqlite(diesel::SqliteConnection::establish(alone.to_str().unwrap()).unwrap());
            // Without the log beside it; caught in the middle of a copy, it may be damaged.
            let count =
                conn.batch_execute("SELECT * FROM meta").map(|()| line(&mut conn, "SELECT CAST(count(*) AS TEXT) AS line FROM meta"));
            if count.is_ok_and(|count| count.parse::<u32>().unwrap() >= 128) {
                break;
            }
            drop(conn);
            for file in std::fs::read_dir(store.folder.path()).unwrap() {
                let file = file.unwrap();
                if file.file_name().to_str().unwrap().starts_with("alone.db") {
                    std::fs::remove_file(file.path()).unwrap();
                }
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        // So it was the thread beside the writer: the log still holds all of it.
        assert!(std::fs::metadata(store.folder.path().join("plugyard.db-wal")).unwrap().len() < 10_000 * 4096);
    });
}
