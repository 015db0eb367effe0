//! The `plugyard` program: parse arguments, run one command.

use std::process::ExitCode;

use clap::Parser;
use plugyard::cli::{Arguments, run};

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("plugyard: {}", error.chain());
            ExitCode::FAILURE
        }
    }
}
