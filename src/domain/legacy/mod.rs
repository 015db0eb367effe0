//! What older systems wrote: rows and files with spellings, types and omissions of their own, read into values of ours.
//! What cannot be read is told and kept aside, never guessed and never dropped silently.

mod document;
mod overlay;
mod row;
mod version;

pub use document::{Described, describe};
pub use overlay::{Own, Personal, overlaid, personal};
pub use row::{Interner, Row};
pub use version::normalised;
