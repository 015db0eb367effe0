//! Values and rules. Pure: no I/O, no clock, no randomness; text that breaks a rule cannot become a value.

pub mod access;
pub mod audit;
pub mod coding;
pub mod config;
pub mod database_url;
pub mod dependencies;
pub mod history;
pub mod ids;
pub mod json;
pub mod legacy;
pub mod manifest;
pub mod names;
pub mod password;
pub mod paths;
pub mod plugin;
pub mod pointer;
pub mod record;
pub mod release;
pub mod schema;
pub mod slug;
pub mod state;
pub mod time;
pub mod update;
pub mod user;
pub mod version;

pub use access::{Caller, Credential, Role, Scope};
pub use database_url::DatabaseUrl;
pub use ids::{AccessKey, UserId};
pub use manifest::Manifest;
pub use paths::ReleasePath;
pub use slug::Slug;
pub use time::Timestamp;
pub use version::{Channel, Version, VersionSpec};
