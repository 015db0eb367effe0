//! A bar on standard error, and only when that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};

use crate::app::takeover::{Progress, Step};

/// A bar for work that tells how far it has come. It is gone when the guard is dropped, so that results follow it.
pub fn bar() -> (Progress, Shown) {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {human_pos}/{human_len} {eta}") {
        bar.set_style(style);
    }
    let watched = bar.clone();
    let progress = Progress::new(move |step| match step {
        Step::Phase { what, pieces } => {
            watched.reset();
            watched.set_length(pieces);
            watched.set_message(what);
        }
        Step::Advanced(pieces) => watched.inc(pieces),
    });
    (progress, Shown(bar))
}

/// Takes the bar away when it is dropped.
#[must_use = "the bar goes when this is dropped"]
pub struct Shown(ProgressBar);

impl Drop for Shown {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
