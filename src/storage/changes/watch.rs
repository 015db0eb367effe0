//! Follows what other processes change. SQLite tells that somebody has committed, PostgreSQL what has changed. Whatever
//! goes wrong here ends the trust in what is kept in memory, if only because nobody renews it in time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use diesel::{connection::SimpleConnection, prelude::*, r2d2::R2D2Connection, sql_types::BigInt};

use super::{Changes, notes};
use crate::{
    domain::DatabaseUrl,
    error::{Error, Result},
    storage::{connection::AnyConnection as Connection, writer::Writer},
};

/// How often somebody looks, so the time after which a change of another process counts here.
const EVERY: Duration = Duration::from_millis(100);
/// How long one look is good for: a watcher that hangs is noticed after this time.
const TRUST: Duration = Duration::from_secs(1);

/// A running watcher; it stops when this is dropped.
pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            if thread.join().is_err() {
                tracing::error!("the watcher of other processes' changes ended in a panic");
            }
        }
    }
}

pub(in crate::storage) fn start(url: DatabaseUrl, changes: Arc<Changes>, writer: Option<Arc<Writer>>) -> Result<Watch> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let thread = thread::Builder::new()
        .name("database-watch".to_owned())
        .spawn(move || watch(&url, &changes, writer.as_deref(), &stopped))
        .map_err(|e| Error::storage("cannot start the watcher of the database", e))?;
    Ok(Watch { stop, thread: Some(thread) })
}

fn watch(url: &DatabaseUrl, changes: &Changes, writer: Option<&Writer>, stop: &AtomicBool) {
    let mut failing = false;
    while !stop.load(Relaxed) {
        let follow = Follower::open(url, changes).and_then(|mut follower| {
            if failing {
                tracing::info!("changes of other processes are followed again; caches are used");
                failing = false;
            }
            while !stop.load(Relaxed) {
                let seen = Instant::now();
                follower.look(changes, writer)?;
                changes.trust_from(seen, TRUST);
                thread::park_timeout(EVERY);
            }
            Ok(())
        });
        changes.distrust();
        if let Err(error) = follow {
            if !failing {
                tracing::warn!(error = %error.chain(), "changes of other processes cannot be followed; caches are bypassed");
            }
            failing = true;
            thread::park_timeout(EVERY);
        }
    }
}

/// A connection of its own.
struct Follower {
    conn: Connection,
    /// SQLite's `data_version` of this connection at the last look.
    version: i64,
}

impl Follower {
    fn open(url: &DatabaseUrl, changes: &Changes) -> Result<Self> {
        let mut conn = Connection::open(url)?;
        let version = match &mut conn {
            Connection::Sqlite(conn) => {
                conn.batch_execute("PRAGMA query_only = ON")?;
                data_version(conn)?
            }
            Connection::Postgres(conn) => {
                conn.batch_execute(&format!("SET application_name = 'plugyard changes'; LISTEN {}", notes::CHANNEL))?;
                0
            }
        };
        // Nobody was told of what happened before.
        changes.note_everything();
        Ok(Self { conn, version })
    }

    fn look(&mut self, changes: &Changes, writer: Option<&Writer>) -> Result<()> {
        match &mut self.conn {
            Connection::Sqlite(conn) => {
                let version = data_version(conn)?;
                if version != self.version {
                    self.version = version;
                    // Our own writer commits too; what it did is noted already.
                    if writer.is_none_or(Writer::others_have_committed) {
                        changes.note_everything();
                    }
                }
            }
            Connection::Postgres(conn) => {
                // The answer follows every notification that was committed before.
                conn.ping()?;
                for notification in conn.notifications_iter() {
                    changes.note(&notification?.payload);
                }
            }
        }
        Ok(())
    }
}

#[derive(QueryableByName)]
struct DataVersion {
    #[diesel(sql_type = BigInt)]
    data_version: i64,
}

/// Moves when another connection has committed (https://www.sqlite.org/pragma.html#pragma_data_version).
pub fn data_version(conn: &mut SqliteConnection) -> Result<i64> {
    Ok(diesel::sql_query("PRAGMA data_version").get_result::<DataVersion>(conn)?.data_version)
}
