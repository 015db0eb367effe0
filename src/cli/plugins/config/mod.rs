//! `plugyard plugins config`

mod get;
mod place;
mod set;

use clap::Subcommand;

use crate::cli::{Outcome, failure::Result, global::Global};

/// Values of a plugin: plugin-wide ones without --user, a user's own with it.
///
/// In force are the manifest's defaults, over them the plugin-wide values, over them the user's own.
#[derive(Subcommand)]
pub enum ConfigCommand {
    Get(get::Get),
    Set(set::Set),
    Unset(set::Unset),
}

impl ConfigCommand {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        match self {
            Self::Get(command) => command.run(global).await,
            Self::Set(command) => command.run(global).await,
            Self::Unset(command) => command.run(global).await,
        }
    }
}
