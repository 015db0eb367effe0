//! Taking over old data, and comparing what is stored: bulk rewrites, each with a report of every object it met.

mod import;
mod progress;
mod report;

pub use import::{Braindrive, import_braindrive, import_plugins};
pub use progress::{Progress, Step};
pub use report::{Counts, Item, Kind, Mode, Outcome, TakeoverReport};
