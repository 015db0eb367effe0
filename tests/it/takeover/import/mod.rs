//! `import plugins` and `import braindrive`, on generated folders and databases.

mod accounted;
mod accounted_folders;
mod crashes;
mod database;
mod defects;
mod folders;
mod guide;
mod source;
mod states;
mod target;
mod variants;
