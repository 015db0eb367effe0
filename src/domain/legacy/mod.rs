//! What older systems wrote, read into values of ours. What cannot be read is told and kept aside, never guessed and never
//! dropped silently. What becomes of it all is decided in `app::takeover`.

mod document;
mod overlay;
pub mod records;
mod row;
mod version;

pub use document::{Described, describe};
pub use overlay::{Own, Personal, overlaid, personal};
pub use row::{Interner, Row};
pub use version::read_version;
