//! `plugyard plugins`

mod enable;
mod install;
mod list;
mod status;
mod uninstall;

use clap::Subcommand;

use super::{Outcome, failure::Result, global::Global};

/// Plugins: for everybody, or those of one user.
///
/// Without --user, `list`, `enable` and `disable` are about availability, the administrator's decision for everybody. With
/// --user they are about that user's own plugins. A plugin's files are served when it is available and enabled.
#[derive(Subcommand)]
pub enum Plugins {
    List(list::List),
    Enable(enable::Enable),
    Disable(enable::Disable),
    Install(install::Install),
    Uninstall(uninstall::Uninstall),
    Status(status::Status),
}

impl Plugins {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        match self {
            Self::List(command) => command.run(global).await,
            Self::Enable(command) => command.run(global).await,
            Self::Disable(command) => command.run(global).await,
            Self::Install(command) => command.run(global).await,
            Self::Uninstall(command) => command.run(global).await,
            Self::Status(command) => command.run(global).await,
        }
    }
}
