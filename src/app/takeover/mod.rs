//! Taking over old data, and comparing what is stored: bulk rewrites, each with a report of every object it met.

pub mod doctor;
mod progress;
pub mod records;
mod report;

pub use progress::{Progress, Step};
pub use report::{Counts, Item, Kind, Mode, Outcome, TakeoverReport};
