//! `plugyard migrate`

use clap::Subcommand;
use serde::Serialize;

use super::{
    Outcome,
    failure::{Failure, Result},
    global::Global,
    output::{Report, table},
};
use crate::{
    files::PluginsFolder,
    settings::Flags,
    storage::migrations::{self, Migration},
};

/// The database schema. Other commands and the server bring it up to date by themselves.
#[derive(Subcommand)]
pub enum Migrate {
    /// Apply the migrations that are missing.
    Run,
    /// List the migrations that this program knows.
    Status,
    /// Take back the newest migration, with all data in the tables and columns that it made. No server may run.
    Revert,
}

impl Migrate {
    pub fn run(self, global: &Global) -> Result<Outcome> {
        let settings = global.settings(Flags::default())?;
        let (folder, url) = (PluginsFolder::open(&settings.plugins_dir)?, settings.database_url);
        match self {
            Self::Run => {
                let _shared = folder.lock_shared()?;
                global.print(&Applied { applied: migrations::run(&url).map_err(Failure::Start)? })?;
            }
            Self::Status => global.print(&Status(migrations::status(&url).map_err(Failure::Start)?))?,
            Self::Revert => {
                let _alone = folder.lock_exclusive()?;
                global.print(&Reverted { reverted: migrations::revert(&url)? })?;
            }
        }
        Ok(Outcome::Done)
    }
}

#[derive(Serialize)]
struct Applied {
    applied: Vec<String>,
}

impl Report for Applied {
    fn text(&self) -> String {
        match self.applied.as_slice() {
            [] => "the schema is up to date".to_owned(),
            names => names.iter().map(|name| format!("{name} applied")).collect::<Vec<_>>().join("\n"),
        }
    }
}

#[derive(Serialize)]
struct Status(Vec<Migration>);

impl Report for Status {
    fn text(&self) -> String {
        let state = |applied| if applied { "applied" } else { "pending" }.to_owned();
        table(["MIGRATION", "STATE"], self.0.iter().map(|migration| [migration.name.clone(), state(migration.applied)]))
    }
}

#[derive(Serialize)]
struct Reverted {
    reverted: Option<String>,
}

impl Report for Reverted {
    fn text(&self) -> String {
        match &self.reverted {
            Some(name) => format!("{name} taken back"),
            None => "there is no migration to take back".to_owned(),
        }
    }
}
