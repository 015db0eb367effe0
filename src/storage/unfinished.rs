//! What processes that are gone have left running: PostgreSQL carries out a commit that was sent, although nobody waits for
//! its answer any more.

use std::{
    thread,
    time::{Duration, Instant},
};

use diesel::{QueryableByName, RunQueryDsl, sql_query, sql_types::Text};

use super::Connection;
use crate::error::Result;

/// A commit takes a flush; what lasts longer is the work of somebody who is still there.
const WAIT_FOR: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(5);

#[derive(QueryableByName, PartialEq)]
struct Transaction {
    #[diesel(sql_type = Text)]
    id: String,
}

/// Waits until the transactions that write now have ended, so that what is read afterwards does not change with them. SQLite's
/// end with their process. `conn` must be outside any transaction, in which the answer would stay the first one.
pub(super) fn wait(conn: &mut Connection) -> Result<()> {
    let give_up = Instant::now() + WAIT_FOR;
    let mut unfinished = writing(conn)?;
    while !unfinished.is_empty() {
        if Instant::now() > give_up {
            tracing::warn!("other processes have long transactions in this database");
            break;
        }
        thread::sleep(PAUSE);
        let still = writing(conn)?;
        unfinished.retain(|transaction| still.contains(transaction));
    }
    Ok(())
}

fn writing(conn: &mut Connection) -> Result<Vec<Transaction>> {
    match conn {
        Connection::Sqlite(_) => Ok(Vec::new()),
        Connection::Postgres(conn) => {
            let found = "SELECT backend_xid::text AS id FROM pg_stat_activity \
                         WHERE datname = current_database() AND usename = current_user AND backend_type = 'client backend' AND backend_xid IS NOT NULL";
            Ok(sql_query(found).load(conn)?)
        }
    }
}
