//! The command line, through the program itself: on the data of the machine, and through a server.

mod accounts;
mod audit;
mod beside_a_server;
mod config;
mod defaults;
mod demo;
mod gc;
mod migrate;
mod plugins;
mod publish;
mod releases;
mod settings;
mod usage;
mod versions;

use crate::support::{TestApp, program::Home};

/// The same commands on the data and, as the administrator, through the server: both must behave alike.
async fn both_modes(app: &TestApp) -> [Home; 2] {
    let admin = app.admin().await;
    [app.local(), app.remote(admin)]
}
