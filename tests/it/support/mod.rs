//! What the tests stand on: servers, databases, clients, packages. Nothing here knows a feature of Plugyard beyond starting
//! it, creating users and publishing.

#[macro_use]
pub mod app;

pub mod cli;
pub mod client;
pub mod crash;
pub mod database;
pub mod guardian;
pub mod old_tree;
pub mod packages;
pub mod postgres;
pub mod program;
pub mod raw;
pub mod redact;
pub mod server;
pub mod tools;
pub mod tree;

pub use app::TestApp;
pub use client::{Answer, Client};
pub use database::Db;
pub use packages::{Package, package};
