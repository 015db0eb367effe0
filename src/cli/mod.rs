//! The command line: one file per command.

mod serve;

use clap::{Parser, Subcommand};

use crate::error::Result;

/// Multi-user plugin server.
#[derive(Parser)]
#[command(name = "plugyard", version, about)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server.
    Serve(serve::Serve),
}

pub async fn run(arguments: Arguments) -> Result<()> {
    match arguments.command {
        Command::Serve(serve) => serve.run().await,
    }
}
