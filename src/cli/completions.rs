//! `plugyard completions`

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Arguments, Outcome, failure::Result, output::print_line};

/// Print a script that completes commands and options in a shell.
///
/// For bash: plugyard completions bash > /etc/bash_completion.d/plugyard
#[derive(Args)]
pub struct Completions {
    shell: Shell,
}

impl Completions {
    pub fn run(self) -> Result<Outcome> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "plugyard", &mut script);
        print_line(&String::from_utf8_lossy(&script))?;
        Ok(Outcome::Done)
    }
}
