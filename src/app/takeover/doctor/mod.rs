//! `doctor`: compares rows, records and folders, and repairs what differs. It looks in passes, and each pass repairs what
//! it found before the next one looks: first releases and their compressed copies, then users page by page, then state user by user. So it
//! needs memory for one release, one page of users or the state of one user without its documents at a time.

mod checkup;
mod copies;
mod earlier;
mod release_pass;
mod releases;
mod rows;
mod states;
mod user_pass;
mod users;

use std::collections::{HashMap, HashSet};

pub use checkup::{Checked, Checkup, Difference, Kind, State};

use super::Progress;
use crate::{
    app::{App, audit, now},
    domain::{Caller, Manifest, Slug, Version},
    error::{Error, Result},
    files::Backup,
    offload,
    storage::Connection,
};

/// Without `repair` nothing is written, and servers may run meanwhile; with it, nobody else may use the folder.
pub async fn examine(app: &App, caller: &Caller, repair: bool, progress: &Progress) -> Result<Checkup> {
    caller.require_admin()?;
    let mut doctor = Doctor {
        app,
        caller,
        progress,
        checkup: Checkup { repair, ..Checkup::default() },
        backup: None,
        manifests: HashMap::new(),
        contents: HashSet::new(),
    };
    doctor.leftovers().await?;
    doctor.releases().await?;
    doctor.copies().await?;
    doctor.users().await?;
    doctor.orphans().await?;
    doctor.states().await?;
    doctor.checkup.backup = doctor.backup.map(|backup| backup.label);
    Ok(doctor.checkup)
}

struct Doctor<'a> {
    app: &'a App,
    caller: &'a Caller,
    progress: &'a Progress,
    checkup: Checkup,
    /// Made when the first thing is taken away.
    backup: Option<Backup>,
    /// Of every release with a row, and whether its files are there.
    manifests: HashMap<(Slug, Version), (Manifest, bool)>,
    /// sha384 of every file that was published, in base64.
    contents: HashSet<String>,
}

/// A difference before anything was done about it.
#[derive(Debug, Clone)]
struct Finding<R> {
    kind: Kind,
    object: String,
    detail: String,
    remedy: String,
    repair: R,
}

impl Doctor<'_> {
    fn add<R>(&mut self, finding: Finding<R>, state: State) {
        let Finding { kind, object, detail, remedy, .. } = finding;
        self.checkup.differences.push(Difference { kind, object, detail, remedy, state });
    }

    /// The folder for what is taken away.
    async fn backup(&mut self) -> Result<Backup> {
        if let Some(backup) = &self.backup {
            return Ok(backup.clone());
        }
        let (folder, at) = (self.app.folder.clone(), now());
        let backup = offload::run(move || folder.begin_backup("doctor", at)).await?;
        self.backup = Some(backup.clone());
        Ok(backup)
    }

    /// Moves a file or folder to the backup; one that is gone by now is fine.
    async fn set_aside(&mut self, label: String) -> Result<()> {
        let (folder, backup) = (self.app.folder.clone(), self.backup().await?);
        offload::run(move || folder.set_aside(&backup, &label)).await
    }

    async fn leftovers(&mut self) -> Result<()> {
        let folder = self.app.folder.clone();
        let found = offload::run(move || folder.leftovers()).await?;
        let mut state = State::Found;
        if self.checkup.repair && !found.is_empty() {
            let folder = self.app.folder.clone();
            offload::run(move || folder.remove_leftovers()).await?;
            state = State::Repaired;
        }
        for object in found {
            let (detail, remedy) = ("a killed process left it".to_owned(), "remove it".to_owned());
            self.add(Finding { kind: Kind::Leftover, object, detail, remedy, repair: () }, state);
        }
        Ok(())
    }
}

/// One line of the audit log for each difference that is repaired.
fn note(conn: &mut Connection, caller: &Caller, kind: Kind, object: &str) -> Result<()> {
    audit::record(conn, caller, "doctor.repair", format!("{}: {object}", kind.words()), now())
}

/// Why something cannot be repaired, in words for the report.
fn words(error: &Error) -> String {
    error.chain().to_string()
}
