//! The options that every command takes.

use std::path::PathBuf;

use clap::Args;

use super::{
    failure::{Failure, Result},
    output::{Format, Report, print},
    target::{Beside, Local, Target},
};
use crate::{
    settings::{Flags, Settings},
    telemetry,
};

#[derive(Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Settings file [default: $PLUGYARD_CONFIG, else ./plugyard.toml where it exists].
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    /// How results are printed; messages are always text, on standard error.
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    output: Format,

    /// Work through this server instead of on the data of this machine (serve, migrate, migrate-records, doctor, settings, defaults, gc and completions never do).
    #[arg(long, global = true, env = "PLUGYARD_SERVER", value_name = "URL")]
    server: Option<String>,

    /// API token or access token for --server; better given in the environment, where other users do not see it.
    #[arg(long, global = true, env = "PLUGYARD_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<String>,
}

impl Global {
    /// The settings in force, only to look at them.
    pub fn settings_as_they_are(&self) -> Result<Settings> {
        Ok(Settings::of_process(self.config.as_deref(), Flags::default())?.0)
    }

    /// The settings in force. From here on what goes wrong is also logged on standard error, as the settings say.
    pub fn settings(&self, flags: Flags) -> Result<Settings> {
        let (settings, warnings) = Settings::of_process(self.config.as_deref(), flags)?;
        telemetry::init_logging(&settings)?;
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        Ok(settings)
    }

    /// What the command works on; `command` is how the audit log names it.
    pub async fn target(&self, command: &str) -> Result<Target> {
        match self.server() {
            Some(url) => Target::remote(url, self.token.as_deref().unwrap_or_default()),
            None => Ok(Target::Local(Local::open(self.settings(Flags::default())?, command).await?)),
        }
    }

    /// The data of this machine, for a command that no server offers.
    pub async fn local(&self, command: &str) -> Result<Local> {
        self.refuse_server(command)?;
        Local::open(self.settings(Flags::default())?, command).await
    }

    /// The data of this machine as they are found, for a command that examines or rewrites all of them.
    pub async fn bulk(&self, command: &str, beside: Beside) -> Result<Local> {
        self.refuse_server(command)?;
        Local::open_as_found(self.settings(Flags::default())?, command, beside).await
    }

    fn refuse_server(&self, command: &str) -> Result<()> {
        match self.server() {
            Some(_) => {
                let why = format!("`plugyard {command}` works on the data of the machine itself, without --server and PLUGYARD_SERVER");
                Err(Failure::Usage(why))
            }
            None => Ok(()),
        }
    }

    /// The address of the server to work through, if any.
    pub fn server(&self) -> Option<&str> {
        self.server.as_deref().filter(|url| !url.is_empty())
    }

    pub fn print(&self, report: &impl Report) -> Result<()> {
        print(self.output, report)
    }
}
