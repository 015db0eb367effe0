//! What older systems wrote, read into values of ours. What becomes of them is decided in `app::takeover`.

pub mod records;
mod version;

pub use version::read_version;
