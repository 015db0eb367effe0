//! `migrate-records --undo`: the originals of a backup go back to where they were. What they replace goes to a backup of
//! its own, so that this can be undone, too. Rows stay: the database already had the last word.

use std::path::Path;

use super::{BACKUP, COMMAND};
use crate::{
    app::{
        App, audit, now,
        takeover::{Item, Kind, Mode, Outcome, Progress, TakeoverReport},
    },
    domain::Caller,
    error::{Error, Result},
    files::Original,
    offload,
};

/// Files whose originals go back together.
const BATCH: usize = 200;

/// `backup` is the name or path of a folder in `backups/`.
pub async fn undo(app: &App, caller: &Caller, backup: &Path, progress: &Progress) -> Result<TakeoverReport> {
    caller.require_admin()?;
    let mut report = TakeoverReport::new(COMMAND, Mode::Undo);
    let (folder, name) = (app.folder.clone(), backup.to_owned());
    let (from, originals) = offload::run(move || {
        let from = folder.find_backup(&name)?;
        if !from.label.rsplit('/').next().is_some_and(|name| name.starts_with(BACKUP)) {
            return Err(Error::Conflict(format!("{} is no backup of `plugyard {COMMAND}`", from.label)));
        }
        let originals = folder.originals(&from)?;
        Ok((from, originals))
    })
    .await?;
    progress.phase("files", originals.len());
    let mut kept = None;
    let mut changes = 0;
    for batch in originals.chunks(BATCH) {
        let (folder, batch, known, at, size) = (app.folder.clone(), batch.to_vec(), kept.take(), now(), batch.len());
        let (backup, batch, changed) = offload::run(move || {
            let mut changed = Vec::new();
            for original in &batch {
                changed.push(!folder.is_original(original)?);
            }
            let different: Vec<Original> =
                batch.iter().zip(&changed).filter(|(_, changed)| **changed).map(|(one, _)| one.clone()).collect();
            if different.is_empty() {
                return Ok((known, batch, changed));
            }
            let backup = known.map_or_else(|| folder.begin_backup(BACKUP, at), Ok)?;
            folder.keep(&backup, &different.iter().map(|original| original.label.clone()).collect::<Vec<_>>())?;
            folder.put_back(&different)?;
            Ok((Some(backup), batch, changed))
        })
        .await?;
        kept = backup;
        for (original, changed) in batch.into_iter().zip(changed) {
            changes += usize::from(changed);
            let outcome = if changed { Outcome::Done } else { Outcome::AlreadyDone };
            let item = Item::new(Kind::RecordFile, format!("{}/{}", from.label, original.label), outcome);
            report.add(match original.kept {
                Some(_) => item.into_target(original.label),
                None => item.with_notes(["there was no such file".to_owned()]),
            });
        }
        progress.advance(size);
    }
    report.backup = kept.map(|backup| backup.label);
    if changes > 0 {
        let (caller, object) = (caller.clone(), from.label.clone());
        app.db.write(move |conn| audit::record(conn, &caller, "records.undo", object.as_str(), now())).await?;
    }
    Ok(report)
}
