//! Taking over old data, and comparing what is stored: bulk rewrites, each with a report of every object it met.

mod progress;
mod report;

pub use progress::{Progress, Step};
pub use report::{Counts, Item, Kind, Mode, Outcome, TakeoverReport};
