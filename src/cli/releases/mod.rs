//! `plugyard releases`

mod list;
mod shapes;
mod show;
mod yank;

use clap::Subcommand;

use super::{Outcome, failure::Result, global::Global};

/// Published releases.
#[derive(Subcommand)]
pub enum Releases {
    List(list::List),
    Show(show::Show),
    Yank(yank::Yank),
    Unyank(yank::Unyank),
}

impl Releases {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        match self {
            Self::List(command) => command.run(global).await,
            Self::Show(command) => command.run(global).await,
            Self::Yank(command) => command.run(global).await,
            Self::Unyank(command) => command.run(global).await,
        }
    }
}
