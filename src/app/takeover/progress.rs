//! How far a long command has come, for whoever watches.

use std::{fmt, sync::Arc};

/// What a watcher hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A part of the work begins, of this many pieces.
    Phase { what: &'static str, pieces: u64 },
    /// So many pieces more are done.
    Advanced(u64),
}

/// Passed down to the work. Clones tell the same watcher.
#[derive(Clone)]
pub struct Progress(Arc<dyn Fn(Step) + Send + Sync>);

impl Progress {
    pub fn new(watcher: impl Fn(Step) + Send + Sync + 'static) -> Self {
        Self(Arc::new(watcher))
    }

    /// Nobody watches.
    pub fn unwatched() -> Self {
        Self::new(|_| {})
    }

    pub fn phase(&self, what: &'static str, pieces: usize) {
        (self.0)(Step::Phase { what, pieces: pieces as u64 });
    }

    pub fn advance(&self, pieces: usize) {
        (self.0)(Step::Advanced(pieces as u64));
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress(..)")
    }
}
