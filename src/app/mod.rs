//! Use cases, called by HTTP and the command line alike. They know neither.

pub mod passwords;
