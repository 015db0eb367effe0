//! Group commit for SQLite: one thread owns the writing connection, runs whatever waits in one transaction and answers after
//! the commit. With many clients the cost of a flush is shared by all of them. When a job fails, the transaction begins anew with
//! a savepoint for each job: savepoints cost a fifth of a small job's time, and few jobs fail.
//! After a commit that failed nothing is written before one of the writer's own has worked: what the disk still takes,
//! nobody knows. Reads go on.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc::SyncSender},
    thread,
    time::{Duration, Instant},
};

use diesel::{connection::SimpleConnection, r2d2::R2D2Connection};
use tokio::sync::{mpsc, oneshot};

use super::{
    changes::{self, Changes, notes::Notes},
    checkpoints::{Checkpoints, WRITERS_OWN},
    connection::{AnyConnection as Connection, Begin},
    error::busy,
    meta,
};
use crate::{
    domain::DatabaseUrl,
    error::{Error, Result},
};

/// Jobs in one transaction at most; bounds how long the first of them waits for the last.
const BATCH: usize = 256;

/// How long the watcher of other processes waits for the writer, which may itself wait for another process's lock.
const PATIENCE: Duration = Duration::from_millis(200);

/// How often a writer that has stopped tries whether the disk takes writes again.
const PROBE_EVERY: Duration = Duration::from_millis(500);
/// How long a request waits at most for hearing that writes are stopped.
const GLANCE: Duration = Duration::from_millis(5);

/// Transactions after one with a failed job in which each job gets a savepoint: others will fail soon.
const CAREFUL: u32 = 32;

/// What is to be written, for a caller who waits.
trait Job: Send {
    /// Runs inside the open transaction; whether it succeeded. May be called again after a rollback.
    fn run(&mut self, conn: &mut Connection, savepoint: bool) -> bool;

    /// Tells the caller how it ended, given how the commit did.
    fn answer(self: Box<Self>, committed: Result<()>);
}

struct Waiting<T, F> {
    work: F,
    result: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Job for Waiting<T, F>
where
    T: Send,
    F: FnMut(&mut Connection) -> Result<T> + Send,
{
    fn run(&mut self, conn: &mut Connection, savepoint: bool) -> bool {
        let result = if savepoint { conn.in_savepoint(&mut self.work) } else { (self.work)(conn) };
        self.result.insert(result).is_ok()
    }

    fn answer(self: Box<Self>, committed: Result<()>) {
        let Self { work, result, reply } = *self;
        // What it shares with the caller is the caller's alone before he hears of it: the last one cleans up.
        drop(work);
        // The caller may have gone away; the commit stands all the same.
        drop(reply.send(committed.and_then(|()| result.unwrap_or_else(|| Err(stopped())))));
    }
}

type Jobs = VecDeque<Box<dyn Job>>;

enum Task {
    Write(Box<dyn Job>),
    /// Whether another process has committed since this was asked the last time.
    AskForOthers(SyncSender<bool>),
}

/// The handle to the writing thread. Dropping the last one lets it finish what is queued and waits for it.
pub(super) struct Writer {
    /// Taken on drop, which closes the queue.
    tasks: Option<mpsc::Sender<Task>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Writer {
    pub fn start(url: DatabaseUrl, queue: usize, changes: Arc<Changes>) -> Result<Self> {
        let conn = Own::open(&url)?;
        let checkpoints = Checkpoints::start(&url)?;
        let (tasks, waiting) = mpsc::channel(queue);
        let thread = thread::Builder::new()
            .name("database-writer".to_owned())
            .spawn(move || serve(&url, conn, waiting, &changes, &checkpoints))
            .map_err(|e| Error::storage("cannot start the database writer", e))?;
        Ok(Self { tasks: Some(tasks), thread: Some(thread) })
    }

    /// Whether another process has committed since this was asked the last time; yes when there is no answer in time.
    /// Blocks for a moment.
    pub fn others_have_committed(&self) -> bool {
        let (reply, answer) = std::sync::mpsc::sync_channel(1);
        let asked = self.tasks.as_ref().is_some_and(|tasks| tasks.try_send(Task::AskForOthers(reply)).is_ok());
        !asked || answer.recv_timeout(PATIENCE).unwrap_or(true)
    }

    /// Queues the job and waits for its commit. A full queue is refused at once.
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Connection) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Waiting { work, result: None, reply });
        let tasks = self.tasks.as_ref().ok_or_else(stopped)?;
        tasks.try_send(Task::Write(job)).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => busy(),
            mpsc::error::TrySendError::Closed(_) => stopped(),
        })?;
        metrics::gauge!("plugyard_writer_queue").set((tasks.max_capacity() - tasks.capacity()) as f64);
        answer.await.map_err(|_| stopped())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.tasks = None;
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

/// The connection with what is known of it.
struct Own {
    conn: Connection,
    notes: Notes,
    /// Tells its own commits from those of others.
    version: i64,
    /// Transactions left in which each job gets a savepoint.
    careful: u32,
}

impl Own {
    fn open(url: &DatabaseUrl) -> Result<Self> {
        let mut conn = Connection::open(url)?;
        conn.batch_execute(WRITERS_OWN)?;
        let notes = match &mut conn {
            Connection::Sqlite(conn) => Notes::install(conn)?,
            Connection::Postgres(_) => Notes::default(),
        };
        let version = version(&mut conn)?;
        Ok(Self { conn, notes, version, careful: 0 })
    }

    /// The connection's `data_version` does not move with its own commits.
    fn others_have_committed(&mut self) -> Result<bool> {
        let before = std::mem::replace(&mut self.version, version(&mut self.conn)?);
        Ok(before != self.version)
    }
}

fn version(conn: &mut Connection) -> Result<i64> {
    match conn {
        Connection::Sqlite(conn) => changes::data_version(conn),
        Connection::Postgres(_) => Ok(0),
    }
}

fn serve(url: &DatabaseUrl, own: Own, mut waiting: mpsc::Receiver<Task>, changes: &Changes, checkpoints: &Checkpoints) {
    let mut own = own;
    let mut jobs = Jobs::new();
    loop {
        if jobs.is_empty() {
            match waiting.blocking_recv() {
                Some(task) => jobs.extend(accept(task, &mut own)),
                None => return,
            }
        }
        while jobs.len() < BATCH
            && let Ok(task) = waiting.try_recv()
        {
            jobs.extend(accept(task, &mut own));
        }
        if jobs.is_empty() {
            continue;
        }
        let count = jobs.len();
        metrics::histogram!("plugyard_writer_batch_size").record(count as f64);
        let whole = run_batch(&mut own, &mut jobs, changes);
        checkpoints.committed(count);
        // A lost transaction counts as broken: closing the connection ends what is left of it.
        if !whole || own.conn.is_broken() {
            drop(own);
            match come_back(url, &mut waiting, &mut jobs, changes) {
                Some(mended) => own = mended,
                None => return,
            }
        }
    }
}

/// A new connection whose commits reach the disk. Until there is one, whoever wants to write is refused at once. None when
/// nobody wants to write any more.
fn come_back(url: &DatabaseUrl, waiting: &mut mpsc::Receiver<Task>, jobs: &mut Jobs, changes: &Changes) -> Option<Own> {
    let stopped = metrics::gauge!("plugyard_writes_stopped");
    let mut failed = false;
    loop {
        match try_again(url, changes) {
            Ok(own) => {
                stopped.set(0);
                if failed {
                    tracing::info!("the database takes writes again");
                }
                return Some(own);
            }
            Err(error) if failed => tracing::debug!(error = %error.chain(), "writes stay stopped"),
            Err(error) => tracing::error!(error = %error.chain(), "writes are stopped until a commit works"),
        }
        stopped.set(1);
        failed = true;
        let again = Instant::now() + PROBE_EVERY;
        while Instant::now() < again {
            jobs.drain(..).for_each(|job| job.answer(Err(Error::damaged("writes are stopped since a commit failed"))));
            match waiting.try_recv() {
                Ok(Task::Write(job)) => jobs.push_back(job),
                // Nobody can tell.
                Ok(Task::AskForOthers(reply)) => drop(reply.send(true)),
                Err(mpsc::error::TryRecvError::Empty) => thread::sleep(GLANCE),
                Err(mpsc::error::TryRecvError::Disconnected) => return None,
            }
        }
    }
}

/// What happened while there was no connection, nobody knows.
fn try_again(url: &DatabaseUrl, changes: &Changes) -> Result<Own> {
    changes.note_everything();
    let mut own = Own::open(url)?;
    own.conn.in_transaction(Begin::Write, meta::probe)?;
    Ok(own)
}

/// A job to be run, or a question that is answered at once: no transaction is open now.
fn accept(task: Task, own: &mut Own) -> Option<Box<dyn Job>> {
    match task {
        Task::Write(job) => Some(job),
        Task::AskForOthers(reply) => {
            let others = own.others_have_committed().unwrap_or(true);
            if reply.send(others).is_err() {
                tracing::debug!("the watcher of other processes lost patience and assumes the worst");
            }
            None
        }
    }
}

/// Runs the jobs in one transaction; false when it could not be committed. Should it be lost on the way, jobs that have not run
/// yet stay for the next one.
fn run_batch(own: &mut Own, jobs: &mut Jobs, changes: &Changes) -> bool {
    let (ran, whole) = loop {
        if let Err(error) = own.conn.begin(Begin::Write) {
            // Another process holds the lock for longer than the busy timeout, or the disk failed. Nothing has been written.
            tracing::warn!(error = %error.chain(), "cannot begin a write transaction");
            jobs.drain(..).for_each(|job| job.answer(Err(busy())));
            return true;
        }
        let savepoints = own.careful > 0;
        match run_jobs(&mut own.conn, jobs, savepoints) {
            Ran::All => break (jobs.len(), true),
            Ran::Lost(ran) => break (ran, false),
            Ran::Failed => own.conn.roll_back(),
        }
        own.careful = CAREFUL;
    };
    own.careful = own.careful.saturating_sub(1);
    let committed = match whole {
        true => own.conn.commit(),
        false => Err(Error::damaged("a write beside this one failed and took the transaction with it")),
    };
    if let Err(error) = &committed {
        tracing::error!(error = %error.chain(), "cannot commit");
    }
    // Also when the commit failed: it has perhaps taken effect.
    changes.note_all(&own.notes.take());
    for job in jobs.drain(..ran) {
        job.answer(match &committed {
            Ok(()) => Ok(()),
            Err(error) => Err(Error::damaged(format!("the database could not commit: {error}"))),
        });
    }
    committed.is_ok()
}

/// How far the jobs of a transaction came.
enum Ran {
    All,
    /// One failed, and what it wrote cannot be told from what the others wrote.
    Failed,
    /// With the last of so many the transaction was lost.
    Lost(usize),
}

fn run_jobs(conn: &mut Connection, jobs: &mut Jobs, savepoints: bool) -> Ran {
    for (before, job) in jobs.iter_mut().enumerate() {
        match catch_unwind(AssertUnwindSafe(|| job.run(conn, savepoints))) {
            Ok(true) => {}
            Ok(false) if !is_in_transaction(conn) => return Ran::Lost(before + 1),
            Ok(false) if savepoints => {}
            Ok(false) => return Ran::Failed,
            Err(_) => {
                tracing::error!("a database write panicked");
                return Ran::Lost(before + 1);
            }
        }
    }
    Ran::All
}

/// SQLite ends the whole transaction when a statement meets a full disk, for instance, and later statements would commit by
/// themselves. Within a transaction another cannot begin, and nothing else keeps one from beginning.
fn is_in_transaction(conn: &mut Connection) -> bool {
    conn.batch_execute("BEGIN DEFERRED").is_err()
}
