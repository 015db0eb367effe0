//! Copies what was committed from SQLite's write-ahead log to where it belongs, beside the writer: doing it itself, it would
//! let everybody wait for the copy and its two flushes. While many write, those flushes would hold up the writer's own, so that
//! the copy waits; what is written again meanwhile is copied once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::Duration,
};

use diesel::connection::SimpleConnection;

use super::connection::AnyConnection as Connection;
use crate::{
    domain::DatabaseUrl,
    error::{Error, Result},
};

/// How often the thread looks at what was committed.
const TICK: Duration = Duration::from_millis(250);
/// Jobs after which a copy is worth its flushes although somebody writes: a job writes some five pages.
const WORTH: usize = 128;
/// Jobs in a tick from which on it would disturb them.
const MANY: usize = 100;
/// Pages of the log, 80 MiB, from which on the writer copies after all, so that the log can begin anew. While it writes, a copy
/// beside it never gets to the end.
pub(super) const WRITERS_OWN: &str = "PRAGMA wal_autocheckpoint = 20000";

/// The handle to the copying thread. Dropping it waits for the thread's end.
pub(super) struct Checkpoints {
    jobs: Arc<AtomicUsize>,
    /// Taken on drop, which ends the thread.
    running: Option<Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Checkpoints {
    pub fn start(url: &DatabaseUrl) -> Result<Self> {
        let conn = Connection::open(url)?;
        let (running, ended) = channel();
        let jobs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&jobs);
        let thread = thread::Builder::new()
            .name("database-checkpoints".to_owned())
            .spawn(move || serve(conn, &counted, &ended))
            .map_err(|e| Error::storage("cannot start the database's checkpoints", e))?;
        Ok(Self { jobs, running: Some(running), thread: Some(thread) })
    }

    /// To be told of every commit.
    pub fn committed(&self, jobs: usize) {
        self.jobs.fetch_add(jobs, Relaxed);
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.running = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the database's checkpoints ended in a panic");
        }
    }
}

fn serve(mut conn: Connection, jobs: &AtomicUsize, ended: &Receiver<()>) {
    let (mut seen, mut copied) = (0, 0);
    while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(TICK) {
        let before = std::mem::replace(&mut seen, jobs.load(Relaxed));
        let is_due = match seen - before {
            0 => seen != copied,
            new => new < MANY && seen - copied >= WORTH,
        };
        if !is_due {
            continue;
        }
        copied = seen;
        if let Err(error) = conn.batch_execute("PRAGMA wal_checkpoint(PASSIVE)") {
            // Everything is in the log all the same. Whether the disk still takes writes, the writer finds out.
            tracing::warn!(%error, "a checkpoint of the database failed");
        }
    }
}
