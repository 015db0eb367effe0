//! `plugyard migrate-records`

use std::path::{Path, PathBuf};

use clap::Args;

use super::{
    Outcome,
    failure::{Failure, Result},
    global::Global,
    progress,
    takeover::outcome,
    target::Beside,
};
use crate::app::takeover::{Mode, records};

/// Shorten the installation records of an older server, whose files repeat what the database holds.
///
/// Version, enablement, config and dates of each entry in `users/user_<id>/installed_plugins.json` become rows; the entry keeps
/// its installation metadata. Release folders in `shared/` without a row are taken over in place; users that the database
/// lacks are made without password and switched off. Where a row exists already, it wins, and the report says what the file said.
/// Without --apply nothing is written. Can be run again at any time, also after it was killed. No server may run meanwhile.
#[derive(Args)]
pub struct MigrateRecords {
    /// The plugins folder, which must be the one of the settings.
    folder: PathBuf,
    /// Write: rows first, then copies of the originals to `backups/records-<UTC time>/`, then the files.
    #[arg(long, conflicts_with = "undo")]
    apply: bool,
    /// Put the originals of this backup back, where they were; rows stay.
    #[arg(long, value_name = "BACKUP")]
    undo: Option<PathBuf>,
}

impl MigrateRecords {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let writes = self.apply || self.undo.is_some();
        let beside = if writes { Beside::Nobody } else { Beside::Others };
        let local = global.bulk("migrate-records", beside).await?;
        require_same(&self.folder, local.app.folder.root())?;
        let (progress, shown) = progress::bar();
        let report = match (self.undo, self.apply) {
            (Some(backup), _) => records::undo(&local.app, &local.caller, &backup, &progress).await?,
            (None, true) => records::migrate(&local.app, &local.caller, Mode::Apply, &progress).await?,
            (None, false) => records::migrate(&local.app, &local.caller, Mode::DryRun, &progress).await?,
        };
        drop(shown);
        global.print(&report)?;
        Ok(outcome(&report))
    }
}

/// The folder is named so that nobody rewrites another one than they mean.
fn require_same(given: &Path, configured: &Path) -> Result<()> {
    let found = given.canonicalize().map_err(|e| Failure::Usage(format!("{} cannot be read: {e}", given.display())))?;
    match found == configured {
        true => Ok(()),
        false => {
            Err(Failure::Usage(format!("{} is not the plugins folder of the settings, which is {}", given.display(), configured.display())))
        }
    }
}
