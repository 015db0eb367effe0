//! The integration tests: one binary, the real program, real databases. `README.md` beside this file says how to write one.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that meets the unexpected should panic there"
)]

#[macro_use]
mod support;

mod accounts;
mod browser;
mod caches;
mod cli;
mod documents;
mod files;
mod front_door;
mod harness;
mod layers;
mod lifecycle;
mod openapi;
mod plugins;
mod promises;
mod releases;
mod sources;
mod state;
mod storage;
mod takeover;
