//! The door to the database: `read` for consistent pictures, `write` for changes that are on disk when it returns.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use diesel::r2d2::{Pool, PooledConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    changes::{self, Changes, Watch, notes},
    connection::{AnyConnection as Connection, Begin, Manager},
    error::busy,
    migrations, unfinished,
    writer::Writer,
};
use crate::{
    domain::DatabaseUrl,
    error::{Error, Result},
    offload,
};

/// How long a transient failure is retried before the caller hears of it.
const RETRY_FOR: Duration = Duration::from_secs(5);
/// How long to wait for a free connection.
const CHECKOUT_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECTIONS: u32 = 16;
/// Of these, how many write at once on PostgreSQL: the others are left for reads, also while writes wait for a lock.
const WRITING: usize = 12;

/// Both databases behind one type; cheap to clone.
#[derive(Clone)]
pub struct Database {
    url: DatabaseUrl,
    changes: Arc<Changes>,
    pool: Pool<Manager>,
    /// SQLite takes one writer at a time, so one thread writes and commits many jobs together.
    writer: Option<Arc<Writer>>,
    turns: Turns,
}

/// The order in which jobs write on PostgreSQL.
#[derive(Clone)]
struct Turns {
    /// One for each job that writes or may wait.
    places: Arc<Semaphore>,
    writing: Arc<Semaphore>,
}

impl Turns {
    fn new(queue: usize) -> Self {
        let places = queue.saturating_add(WRITING).min(Semaphore::MAX_PERMITS);
        Self { places: Arc::new(Semaphore::new(places)), writing: Arc::new(Semaphore::new(WRITING)) }
    }

    /// Waits for a turn, which lasts as long as what it returns. Without a place to wait in it is refused at once.
    async fn take(&self) -> Result<[OwnedSemaphorePermit; 2]> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| busy())?;
        let turn = Arc::clone(&self.writing).acquire_owned().await.map_err(|_| busy())?;
        Ok([place, turn])
    }
}

impl Database {
    /// Connects, and brings the schema up to date under a lock of the database, so that two processes can start at once. What
    /// a killed process was committing is settled afterwards, or has taken 5 s. `queue` bounds the write jobs that may wait.
    /// Blocking: call it before serving.
    pub fn open(url: &DatabaseUrl, queue: usize) -> Result<Self> {
        migrations::run(url)?;
        let pool = Pool::builder()
            .max_size(CONNECTIONS)
            .min_idle(Some(1))
            .connection_timeout(CHECKOUT_TIMEOUT)
            // The begin of a transaction tells as well.
            .test_on_check_out(false)
            .build(Manager { url: url.clone() })
            .map_err(|e| Error::storage("cannot connect to the database", e))?;
        unfinished::wait(&mut pool.get().map_err(|_| busy())?.conn)?;
        let changes = Arc::new(Changes::new());
        let writer = match url {
            DatabaseUrl::Sqlite(_) => Some(Arc::new(Writer::start(url.clone(), queue, Arc::clone(&changes))?)),
            DatabaseUrl::Postgres(_) => None,
        };
        Ok(Self { url: url.clone(), changes, pool, writer, turns: Turns::new(queue) })
    }

    /// What has changed, for those who keep copies.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Whether changes of state entries are noted. PostgreSQL's are not: while one transaction notifies others, the next
    /// waits with its commit, and there are many.
    pub fn notes_state(&self) -> bool {
        matches!(self.url, DatabaseUrl::Sqlite(_))
    }

    /// Begins to follow what other processes change. Until then, and after the answer is dropped, no copy is trusted.
    pub fn watch(&self) -> Result<Watch> {
        changes::watch(self.url.clone(), Arc::clone(&self.changes), self.writer.clone())
    }

    /// Runs `work` over one consistent picture of the database. Writing in it is refused by the database.
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    {
        let pool = self.pool.clone();
        offload::run(move || begin(&pool, Begin::Read)?.conn.finish(work)).await
    }

    /// Runs `work` in one transaction and returns after its commit is on disk; an error leaves no trace. `work` may run
    /// more than once, when the database asks for a repetition. When too much waits already it is refused at once.
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Connection) -> Result<T> + Send + 'static,
    {
        match &self.writer {
            Some(writer) => writer.write(work).await,
            None => {
                let (pool, changes, turn) = (self.pool.clone(), Arc::clone(&self.changes), self.turns.take().await?);
                offload::run(move || {
                    let result = retry(work, |work| write(&pool, &changes, work));
                    // Not before, also when nobody waits for the answer any more.
                    drop(turn);
                    result
                })
                .await
            }
        }
    }
}

/// A connection in a transaction. Those that turn out to be lost are dropped for the next one: nothing has run on them yet.
fn begin(pool: &Pool<Manager>, begin: Begin) -> Result<PooledConnection<Manager>> {
    for _ in 0..CONNECTIONS {
        let mut pooled = pool.get().map_err(|_| busy())?;
        if pooled.begin(begin)? {
            return Ok(pooled);
        }
    }
    Err(busy())
}

/// One transaction of PostgreSQL. What it changed is noted also when the commit failed: it has perhaps taken effect.
fn write<T>(pool: &Pool<Manager>, changes: &Changes, work: &mut impl FnMut(&mut Connection) -> Result<T>) -> Result<T> {
    let mut topics = HashSet::new();
    let result = begin(pool, Begin::Write)?.conn.finish(|conn| {
        let value = work(conn)?;
        if let Connection::Postgres(conn) = conn {
            topics = notes::take(conn)?;
        }
        Ok(value)
    });
    changes.note_all(&topics);
    result
}

/// Repeats `attempt` while it fails for a reason that passes.
fn retry<T, W>(mut work: W, mut attempt: impl FnMut(&mut W) -> Result<T>) -> Result<T> {
    let deadline = Instant::now() + RETRY_FOR;
    let mut pause = Duration::from_millis(2);
    loop {
        match attempt(&mut work) {
            Err(Error::Busy { .. }) if Instant::now() + pause < deadline => std::thread::sleep(pause),
            result => return result,
        }
        pause = (pause * 2).min(Duration::from_millis(200));
    }
}
