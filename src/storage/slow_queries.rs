//! A line in the log for every statement that takes long: its text, never the values.

use std::{
    fmt::{self, Write},
    sync::OnceLock,
    time::{Duration, Instant},
};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};

use crate::error::Result;

/// What Diesel writes between a statement and its values.
const VALUES: &str = " -- binds: ";

static LIMIT: OnceLock<Duration> = OnceLock::new();

/// Logs what takes at least this long, in all of this process, on connections that are opened afterwards.
pub fn log_from(limit: Duration) -> Result<()> {
    LIMIT.get_or_init(|| limit);
    Ok(set_default_instrumentation(|| Some(Box::new(Watch { begun: None })))?)
}

/// Takes the text of a statement and not what Diesel writes behind it: the values, of which some are secrets and some are
/// megabytes.
#[derive(Default)]
struct Statement(String);

impl Write for Statement {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let before = self.0.len();
        self.0.push_str(text);
        // The words may come in pieces.
        let from = self.0.floor_char_boundary(before.saturating_sub(VALUES.len()));
        match self.0.get(from..).and_then(|tail| tail.find(VALUES)) {
            Some(at) => {
                self.0.truncate(from + at);
                Err(fmt::Error)
            }
            None => Ok(()),
        }
    }
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
                    let mut statement = Statement::default();
                    // An error says that it ended where the values begin.
                    let _ = write!(statement, "{query}");
                    tracing::warn!(milliseconds = took.as_secs_f64() * 1000.0, statement = statement.0, "a slow statement");
                }
            }
            _ => {}
        }
    }
}
