//! Plugyard, a multi-user plugin server: it stores each plugin version once, remembers per user which version is
//! installed, whether it is enabled and how it is configured, and serves the right files to each user's browser.
//!
//! Layers, each knowing only those to its left:
//!
//! ```text
//! domain  <-  storage, files, fetch  <-  app  <-  http, cli  <-  main
//! ```
//!
//! Without the default feature `server` only [`domain`] and [`error`] are built.

pub mod domain;
pub mod error;

pub use error::{Error, Result};

#[cfg(feature = "server")]
pub mod app;
#[cfg(feature = "server")]
pub mod cli;
#[cfg(feature = "server")]
pub mod fetch;
#[cfg(feature = "server")]
pub mod files;
#[cfg(feature = "server")]
pub mod http;
#[cfg(feature = "server")]
pub mod offload;
#[cfg(feature = "server")]
pub mod settings;
#[cfg(feature = "server")]
pub mod storage;
#[cfg(feature = "server")]
pub mod telemetry;
