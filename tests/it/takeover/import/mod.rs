//! `import plugins` and `import braindrive`, on generated folders and databases.

mod accounted;
mod crashes;
mod database;
mod defects;
mod folders;
mod guide;
mod source;
mod target;
mod variants;
