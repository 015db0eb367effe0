//! `plugyard plugins`

mod bulk;
mod config;
mod enable;
mod install;
mod install_address;
mod list;
mod moved;
mod rollback;
mod status;
mod uninstall;
mod update;
mod versions;

use clap::Subcommand;

use super::{Outcome, failure::Result, global::Global};

/// Plugins: for everybody, or those of one user.
///
/// Without --user, `list`, `enable` and `disable` are about availability, the administrator's decision for everybody, and
/// `config` is about the values for everybody. With --user they are about that user's own plugins. A plugin's files are served when it is available and enabled.
#[derive(Subcommand)]
pub enum Plugins {
    List(list::List),
    Enable(enable::Enable),
    Disable(enable::Disable),
    Install(install::Install),
    Update(update::Update),
    Rollback(rollback::Rollback),
    Versions(versions::Versions),
    Uninstall(uninstall::Uninstall),
    Status(status::Status),
    #[command(subcommand)]
    Config(config::ConfigCommand),
}

impl Plugins {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        match self {
            Self::List(command) => command.run(global).await,
            Self::Enable(command) => command.run(global).await,
            Self::Disable(command) => command.run(global).await,
            Self::Install(command) => command.run(global).await,
            Self::Update(command) => command.run(global).await,
            Self::Rollback(command) => command.run(global).await,
            Self::Versions(command) => command.run(global).await,
            Self::Uninstall(command) => command.run(global).await,
            Self::Status(command) => command.run(global).await,
            Self::Config(command) => command.run(global).await,
        }
    }
}
