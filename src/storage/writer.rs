//! Group commit for SQLite: one thread owns the writing connection, runs whatever waits in one transaction, each job in
//! a savepoint of its own, and answers after the commit. With many clients the cost of a flush is shared by all of them.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use diesel::Connection as _;
use tokio::sync::{mpsc, oneshot};

use super::{
    connection::{AnyConnection as Connection, Begin},
    error::busy,
};
use crate::{
    domain::DatabaseUrl,
    error::{Error, Result},
};

/// Jobs in one transaction at most; bounds how long the first of them waits for the last.
const BATCH: usize = 256;

/// Tells the waiting caller how its job ended, given how the commit did.
type Answer = Box<dyn FnOnce(Result<()>) + Send>;
/// Takes the connection inside the open transaction, or the reason why there is none.
type Job = Box<dyn FnOnce(Result<&mut Connection>) -> Answer + Send>;

/// The handle to the writing thread. Dropping the last one lets it finish what is queued and waits for it.
pub(super) struct Writer {
    /// Taken on drop, which closes the queue.
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Writer {
    pub fn start(url: DatabaseUrl, queue: usize) -> Result<Self> {
        let conn = Connection::open(&url)?;
        let (jobs, waiting) = mpsc::channel(queue);
        let thread = thread::Builder::new()
            .name("database-writer".to_owned())
            .spawn(move || serve(&url, conn, waiting))
            .map_err(|e| Error::storage("cannot start the database writer", e))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Queues the job and waits for its commit. A full queue is refused at once.
    pub async fn write<T, F>(&self, mut work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Connection) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |conn| {
            let result = conn.and_then(|conn| conn.transaction(&mut work));
            Box::new(move |committed| {
                // The caller may have gone away; the commit stands all the same.
                drop(reply.send(committed.and(result)));
            })
        });
        let jobs = self.jobs.as_ref().ok_or_else(stopped)?;
        jobs.try_send(job).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => busy(),
            mpsc::error::TrySendError::Closed(_) => stopped(),
        })?;
        metrics::gauge!("plugyard_writer_queue").set((jobs.max_capacity() - jobs.capacity()) as f64);
        answer.await.map_err(|_| stopped())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the database writer ended in a panic");
        }
    }
}

fn stopped() -> Error {
    Error::damaged("the database writer stopped before it answered")
}

fn serve(url: &DatabaseUrl, conn: Connection, mut waiting: mpsc::Receiver<Job>) {
    let mut conn = Some(conn);
    while let Some(first) = waiting.blocking_recv() {
        let mut jobs = vec![first];
        while jobs.len() < BATCH
            && let Ok(next) = waiting.try_recv()
        {
            jobs.push(next);
        }
        metrics::histogram!("plugyard_writer_batch_size").record(jobs.len() as f64);
        let Some(mut open) = conn.take().or_else(|| reopen(url)) else {
            // Dropping the jobs tells their callers.
            continue;
        };
        // A job that panics takes its batch with it, uncommitted; the connection goes with them.
        match catch_unwind(AssertUnwindSafe(|| run_batch(&mut open, jobs))) {
            Ok(()) => conn = Some(open),
            Err(_) => tracing::error!("a database write panicked"),
        }
    }
}

fn reopen(url: &DatabaseUrl) -> Option<Connection> {
    Connection::open(url).inspect_err(|error| tracing::error!(error = %error.chain(), "cannot reopen the database")).ok()
}

fn run_batch(conn: &mut Connection, jobs: Vec<Job>) {
    if let Err(error) = conn.begin(Begin::Write) {
        // Another process holds the lock for longer than the busy timeout, or the disk failed. No job has run.
        tracing::warn!(error = %error.chain(), "cannot begin a write transaction");
        jobs.into_iter().for_each(|job| job(Err(busy()))(Ok(())));
        return;
    }
    let answers: Vec<Answer> = jobs.into_iter().map(|job| job(Ok(&mut *conn))).collect();
    let committed = conn.commit();
    if let Err(error) = &committed {
        tracing::error!(error = %error.chain(), "cannot commit");
        conn.roll_back();
    }
    for answer in answers {
        answer(match &committed {
            Ok(()) => Ok(()),
            Err(error) => Err(Error::damaged(format!("the database could not commit: {error}"))),
        });
    }
}
