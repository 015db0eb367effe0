//! The command line: one file per command. Results go to standard output, messages to standard error.

mod audit;
mod channel;
mod completions;
mod defaults;
mod demo;
mod doctor;
mod failure;
mod gc;
mod global;
mod import;
mod migrate;
mod migrate_records;
mod output;
mod pack;
mod password;
mod plugins;
mod progress;
mod publish;
mod releases;
mod remote;
mod serve;
mod settings;
mod state;
mod takeover;
mod target;
mod token;
mod user;
mod wanted;

use std::{pin::Pin, process::ExitCode};

use clap::{Parser, Subcommand};

use self::global::Global;

/// Multi-user plugin server: stores each plugin version once, remembers who uses it, serves it to every browser.
///
/// Commands work on the database and the plugins folder of this machine, as an administrator; with --server they talk to a
/// running server instead, as the owner of the token. The exit status is 0 when the command did what it says, 1 when
/// something was refused, failed or differs, and 2 when it was used wrongly or could not start.
#[derive(Parser)]
#[command(name = "plugyard", version)]
pub struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Serve),
    #[command(subcommand)]
    Migrate(migrate::Migrate),
    #[command(subcommand)]
    Settings(settings::SettingsCommand),
    Publish(publish::Publish),
    #[command(subcommand)]
    Releases(releases::Releases),
    #[command(subcommand)]
    Channel(channel::ChannelCommand),
    #[command(subcommand)]
    Plugins(plugins::Plugins),
    #[command(subcommand)]
    State(state::StateCommand),
    #[command(subcommand)]
    User(user::UserCommand),
    #[command(subcommand)]
    Token(token::TokenCommand),
    #[command(subcommand)]
    Defaults(defaults::DefaultsCommand),
    Gc(gc::Gc),
    Doctor(doctor::Doctor),
    MigrateRecords(migrate_records::MigrateRecords),
    #[command(subcommand)]
    Import(import::Import),
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    Completions(completions::Completions),
}

/// What a command that did not fail found.
enum Outcome {
    Done,
    /// Something is not as it should be; what, was printed as the result.
    Differs,
}

/// Runs one command and says on standard error why it failed, if it did. Behind a pointer, so that the runtime, which has
/// three ways to drive a future, does not make the compiler write every command three times.
pub fn run(arguments: Arguments) -> Pin<Box<dyn Future<Output = ExitCode>>> {
    Box::pin(run_command(arguments))
}

async fn run_command(arguments: Arguments) -> ExitCode {
    let Arguments { global, command } = arguments;
    let outcome = match command {
        Command::Serve(command) => command.run(&global).await,
        Command::Migrate(command) => command.run(&global),
        Command::Settings(command) => command.run(&global),
        Command::Publish(command) => command.run(&global).await,
        Command::Releases(command) => command.run(&global).await,
        Command::Channel(command) => command.run(&global).await,
        Command::Plugins(command) => command.run(&global).await,
        Command::State(command) => command.run(&global).await,
        Command::User(command) => command.run(&global).await,
        Command::Token(command) => command.run(&global).await,
        Command::Defaults(command) => command.run(&global).await,
        Command::Gc(command) => command.run(&global).await,
        Command::Import(command) => command.run(&global).await,
        Command::Doctor(command) => command.run(&global).await,
        Command::MigrateRecords(command) => command.run(&global).await,
        Command::Audit(command) => command.run(&global).await,
        Command::Completions(command) => command.run(),
    };
    match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Differs) => ExitCode::from(1),
        Err(failure) => {
            eprintln!("plugyard: {}", failure.message());
            ExitCode::from(failure.exit_status())
        }
    }
}
