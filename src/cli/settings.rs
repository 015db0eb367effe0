//! `plugyard settings`

use clap::Subcommand;
use serde::Serialize;

use super::{
    Outcome,
    failure::Result,
    global::Global,
    output::{Report, print_line, table},
};
use crate::settings::{Flags, Settings, ShownSetting, Source};

/// The server's own settings.
#[derive(Subcommand)]
pub enum SettingsCommand {
    /// Print a settings file with every key, its meaning and its default, all commented out.
    Sample,
    /// Print what is in force and where it comes from: default, file, environment or flag. Secrets are masked.
    Show,
}

impl SettingsCommand {
    pub fn run(self, global: &Global) -> Result<Outcome> {
        match self {
            // The file itself, whatever the format: it is there to be redirected into one.
            Self::Sample => print_line(&Settings::sample())?,
            Self::Show => global.print(&Shown(global.settings(Flags::default())?.show()))?,
        }
        Ok(Outcome::Done)
    }
}

#[derive(Serialize)]
struct Shown(Vec<ShownSetting>);

impl Report for Shown {
    fn text(&self) -> String {
        let row = |setting: &ShownSetting| [setting.key.to_owned(), setting.value.clone(), source(setting.source).to_owned()];
        table(["SETTING", "VALUE", "FROM"], self.0.iter().map(row))
    }
}

fn source(source: Source) -> &'static str {
    match source {
        Source::Default => "default",
        Source::File => "file",
        Source::Environment => "environment",
        Source::Flag => "flag",
    }
}
