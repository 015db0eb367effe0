//! A line in the log for every statement that takes long: its text, never the values.

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};

use crate::error::Result;

static LIMIT: OnceLock<Duration> = OnceLock::new();

/// Logs what takes at least this long, in all of this process, on connections that are opened afterwards.
pub fn log_from(limit: Duration) -> Result<()> {
    LIMIT.get_or_init(|| limit);
    Ok(set_default_instrumentation(|| Some(Box::new(Watch { begun: None })))?)
}

struct Watch {
    begun: Option<Instant>,
}

impl Instrumentation for Watch {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => self.begun = Some(Instant::now()),
            InstrumentationEvent::FinishQuery { query, .. } => {
                let took = self.begun.take().map(|begun| begun.elapsed());
                if let Some(took) = took.filter(|took| LIMIT.get().is_some_and(|limit| took >= limit)) {
                    let query = query.to_string();
                    // Diesel writes the values behind the statement, and some of them are secrets.
                    let statement = query.split(" -- binds: ").next().unwrap_or_default();
                    tracing::warn!(milliseconds = took.as_secs_f64() * 1000.0, statement, "a slow statement");
                }
            }
            _ => {}
        }
    }
}
