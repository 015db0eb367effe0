//! `import plugins` and `import braindrive`, on generated folders and databases.

mod accounted;
mod accounted_folders;
mod crashes;
mod database;
mod defects;
mod folders;
mod guide;
pub mod source;
mod states;
pub mod target;
mod variants;
