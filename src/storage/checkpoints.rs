//! Copies what was committed from SQLite's write-ahead log to where it belongs, beside the writer: doing it itself, it would
//! let everybody wait for the copy and its two flushes.

use std::{
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

use diesel::connection::SimpleConnection;

use super::connection::AnyConnection as Connection;
use crate::{
    domain::DatabaseUrl,
    error::{Error, Result},
};

/// Jobs after which a copy is worth its flushes: a job writes some ten pages.
const EVERY: usize = 128;
/// Pages of the log from which on the writer copies after all, what is left to copy then, so that the log can begin anew.
/// While it writes, a copy beside it never gets to the end.
pub(super) const WRITERS_OWN: &str = "PRAGMA wal_autocheckpoint = 10000";

/// The handle to the copying thread. Dropping it waits for the thread's end.
pub(super) struct Checkpoints {
    /// Taken on drop, which ends the thread.
    wake: Option<SyncSender<()>>,
    thread: Option<thread::JoinHandle<()>>,
    jobs: usize,
}

impl Checkpoints {
    pub fn start(url: &DatabaseUrl) -> Result<Self> {
        let conn = Connection::open(url)?;
        let (wake, calls) = sync_channel(1);
        let thread = thread::Builder::new()
            .name("database-checkpoints".to_owned())
            .spawn(move || serve(conn, &calls))
            .map_err(|e| Error::storage("cannot start the database's checkpoints", e))?;
        Ok(Self { wake: Some(wake), thread: Some(thread), jobs: 0 })
    }

    /// To be told of every commit.
    pub fn committed(&mut self, jobs: usize) {
        self.jobs += jobs;
        // When a call is waiting already, the next commit calls again.
        if self.jobs >= EVERY && self.wake.as_ref().is_some_and(|wake| wake.try_send(()).is_ok()) {
            self.jobs = 0;
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the database's checkpoints ended in a panic");
        }
    }
}

fn serve(mut conn: Connection, calls: &Receiver<()>) {
    while calls.recv().is_ok() {
        if let Err(error) = conn.batch_execute("PRAGMA wal_checkpoint(PASSIVE)") {
            // Everything is in the log all the same. Whether the disk still takes writes, the writer finds out.
            tracing::warn!(%error, "a checkpoint of the database failed");
        }
    }
}
