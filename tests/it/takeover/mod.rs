//! Taking over old data.

mod import;
