//! The only code that knows Diesel: connections, the schema's history, and queries by noun. Query functions take the
//! connection first and speak domain types; policy (who may, what follows) belongs to `app`.

pub mod api_tokens;
pub mod audit;
pub mod changes;
pub mod channels;
mod checkpoints;
mod connection;
mod database;
mod error;
pub mod foreign;
pub mod meta;
pub mod migrations;
pub mod modules;
pub mod pending_records;
pub mod plugin_config;
pub mod plugins;
pub mod releases;
mod schema;
pub mod serving;
pub mod sessions;
pub mod slow_queries;
pub mod snapshots;
pub mod state_entries;
pub mod state_heads;
pub mod state_lists;
pub mod state_mutations;
pub mod state_policies;
pub mod state_revisions;
pub mod state_usage;
mod unfinished;
pub mod update_checks;
pub mod users;
mod values;
mod writer;

pub use changes::{Changes, Watch};
pub use connection::AnyConnection as Connection;
pub use database::Database;
