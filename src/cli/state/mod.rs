//! `plugyard state`

mod change;
mod place;
mod read;
mod transfer;

use clap::Subcommand;

use super::{Outcome, failure::Result, global::Global};

/// What plugins keep for a user: JSON documents, each with its history.
#[derive(Subcommand)]
pub enum StateCommand {
    List(read::List),
    Get(read::Get),
    Set(change::Set),
    Delete(change::Delete),
    History(read::History),
    Rollback(change::Rollback),
    Export(transfer::Export),
    Import(transfer::Import),
    Cleanup(change::Cleanup),
    Stats(read::Stats),
}

impl StateCommand {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        match self {
            Self::List(command) => command.run(global).await,
            Self::Get(command) => command.run(global).await,
            Self::Set(command) => command.run(global).await,
            Self::Delete(command) => command.run(global).await,
            Self::History(command) => command.run(global).await,
            Self::Rollback(command) => command.run(global).await,
            Self::Export(command) => command.run(global).await,
            Self::Import(command) => command.run(global).await,
            Self::Cleanup(command) => command.run(global).await,
            Self::Stats(command) => command.run(global).await,
        }
    }
}
