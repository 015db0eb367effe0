//! The `plugyard` program: parse arguments, run one command.

use std::process::ExitCode;

use clap::Parser;
use plugyard::cli::{Arguments, run};

#[tokio::main]
async fn main() -> ExitCode {
    run(Arguments::parse()).await
}
