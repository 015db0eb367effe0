//! Group commit for SQLite: one thread owns the writing connection, runs whatever waits in one transaction, each job in
//! a savepoint of its own, and answers after the commit. With many clients the cost of a flush is shared by all of them.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use diesel::{connection::SimpleConnection, r2d2::R2D2Connection};
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

/// SQLite ends the whole transaction when a statement meets a full disk, for instance. Later statements would then commit
/// by themselves. A savepoint around the batch tells: it is gone as well.
const MARK: &str = "SAVEPOINT batch";
const CHECK: &str = "RELEASE batch; SAVEPOINT batch";

/// Tells the waiting caller how its job ended, given how the commit did.
type Answer = Box<dyn FnOnce(Result<()>) + Send>;
/// Takes the connection inside the open transaction, or the reason why there is none.
type Job = Box<dyn FnOnce(Result<&mut Connection>) -> Done + Send>;

struct Done {
    answer: Answer,
    succeeded: bool,
}

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
            let result = conn.and_then(|conn| conn.in_savepoint(&mut work));
            let succeeded = result.is_ok();
            // The caller may have gone away; the commit stands all the same.
            Done { succeeded, answer: Box::new(move |committed| drop(reply.send(committed.and(result)))) }
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
    let mut jobs = VecDeque::new();
    loop {
        if jobs.is_empty() {
            match waiting.blocking_recv() {
                Some(first) => jobs.push_back(first),
                None => return,
            }
        }
        while jobs.len() < BATCH
            && let Ok(next) = waiting.try_recv()
        {
            jobs.push_back(next);
        }
        metrics::histogram!("plugyard_writer_batch_size").record(jobs.len() as f64);
        let Some(mut open) = conn.take().or_else(|| reopen(url)) else {
            // Dropping the jobs tells their callers.
            jobs.clear();
            continue;
        };
        run_batch(&mut open, &mut jobs);
        // A lost transaction counts as broken: closing the connection ends what is left of it.
        if !open.is_broken() {
            conn = Some(open);
        }
    }
}

fn reopen(url: &DatabaseUrl) -> Option<Connection> {
    Connection::open(url).inspect_err(|error| tracing::error!(error = %error.chain(), "cannot reopen the database")).ok()
}

/// Runs the jobs in one transaction. Should that be lost on the way, jobs that have not run yet stay for the next one.
fn run_batch(conn: &mut Connection, jobs: &mut VecDeque<Job>) {
    if let Err(error) = conn.begin(Begin::Write).and_then(|()| Ok(conn.batch_execute(MARK)?)) {
        // Another process holds the lock for longer than the busy timeout, or the disk failed. No job has run.
        tracing::warn!(error = %error.chain(), "cannot begin a write transaction");
        jobs.drain(..).for_each(|job| (job(Err(busy())).answer)(Ok(())));
        return;
    }
    let mut whole = true;
    let mut answers = Vec::with_capacity(jobs.len());
    while whole && let Some(job) = jobs.pop_front() {
        match catch_unwind(AssertUnwindSafe(|| job(Ok(&mut *conn)))) {
            Ok(done) => {
                whole = done.succeeded || conn.batch_execute(CHECK).is_ok();
                answers.push(done.answer);
            }
            Err(_) => {
                tracing::error!("a database write panicked");
                whole = false;
            }
        }
    }
    let committed = match whole {
        true => conn.commit(),
        false => Err(Error::damaged("a write beside this one failed and took the transaction with it")),
    };
    if let Err(error) = &committed {
        tracing::error!(error = %error.chain(), "cannot commit");
    }
    for answer in answers {
        answer(match &committed {
            Ok(()) => Ok(()),
            Err(error) => Err(Error::damaged(format!("the database could not commit: {error}"))),
        });
    }
}
