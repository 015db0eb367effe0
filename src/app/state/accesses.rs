//! Accesses, counted in memory and written in batches: reading an entry never writes.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::{app::App, domain::Timestamp, error::Result, storage::state_entries};

/// Entries counted at once; what comes beyond is not counted before the next writing.
const MOST: usize = 100_000;
/// Entries in one transaction.
const BATCH: usize = 500;

#[derive(Default)]
pub struct Accesses(Mutex<HashMap<String, (i64, Timestamp)>>);

impl Accesses {
    pub fn note(&self, entry: &str, now: Timestamp) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((count, last)) = counts.get_mut(entry) {
            *count += 1;
            *last = now;
        } else if counts.len() < MOST {
            counts.insert(entry.to_owned(), (1, now));
        }
    }

    fn take(&self) -> Vec<(String, (i64, Timestamp))> {
        let mut counts: Vec<_> = self.0.lock().unwrap_or_else(PoisonError::into_inner).drain().collect();
        // In one order everywhere, so that servers that write at the same time do not wait for each other in a circle.
        counts.sort_by(|a, b| a.0.cmp(&b.0));
        counts
    }
}

/// Writes what was counted. Counts that cannot be written are lost; they are a hint for people.
pub async fn flush(app: &App) -> Result<()> {
    let counts = app.state.accesses.take();
    for batch in counts.chunks(BATCH) {
        let batch = batch.to_vec();
        app.db
            .write(move |conn| batch.iter().try_for_each(|(id, (count, last))| state_entries::add_accesses(conn, id, *count, *last)))
            .await?;
    }
    Ok(())
}
