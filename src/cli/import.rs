//! `plugyard import`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Outcome, failure::Result, global::Global, progress, takeover, target::Beside};
use crate::app::takeover::{self as work, Braindrive, Mode};

/// Take over the plugins of an older system. Without --apply nothing is written.
///
/// The sources are never written to. What is there already is left as it is, so a command that was interrupted is run again.
#[derive(Subcommand)]
pub enum Import {
    /// Folders of users' plugins: <slug>/, <user id>/<slug>/ and their installers' notes.
    Plugins(Plugins),
    /// A BrainDrive database with its plugins folder.
    Braindrive(BraindriveArguments),
}

#[derive(Args)]
pub struct Plugins {
    /// The old plugins folder.
    folder: PathBuf,
    /// Publish, install and write records.
    #[arg(long)]
    apply: bool,
}

#[derive(Args)]
pub struct BraindriveArguments {
    /// The SQLite file, or the URL of a PostgreSQL database (postgres://...); it is only read.
    #[arg(long, value_name = "FILE|URL")]
    database: String,
    /// The old plugins folder.
    #[arg(long, value_name = "FOLDER")]
    plugins: PathBuf,
    /// Also take over plugins and states whose user is missing, and modules whose plugin is.
    #[arg(long)]
    keep_orphans: bool,
    /// Make accounts, publish, install and write records.
    #[arg(long)]
    apply: bool,
}

impl Import {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let (name, apply) = match &self {
            Self::Plugins(one) => ("import plugins", one.apply),
            Self::Braindrive(one) => ("import braindrive", one.apply),
        };
        let (beside, mode) = if apply { (Beside::Nobody, Mode::Apply) } else { (Beside::Others, Mode::DryRun) };
        let local = global.bulk(name, beside).await?;
        if apply {
            local.app.recover().await?;
        }
        let (progress, shown) = progress::bar();
        let report = match self {
            Self::Plugins(one) => work::import_plugins(&local.app, &local.caller, &one.folder, mode, &progress).await,
            Self::Braindrive(one) => {
                let source = Braindrive { database: one.database, folder: one.plugins, keep_orphans: one.keep_orphans };
                work::import_braindrive(&local.app, &local.caller, source, mode, &progress).await
            }
        };
        drop(shown);
        let report = report?;
        global.print(&report)?;
        Ok(takeover::outcome(&report))
    }
}
