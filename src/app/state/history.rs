//! What an entry held before, and going back to it.

use std::sync::Arc;

use super::{
    Access,
    commit::{Action, Facts, Operation, Target},
    context, encode,
    prepare::{Form, prepare},
    read::Found,
    write::{ATTEMPTS, attempt_with_document, by_id, overtaken},
};
use crate::{
    app::{App, page::Page},
    domain::state::{Guard, Revision},
    error::{Error, Result},
    storage::state_revisions,
};

/// A revision with its document as compact JSON; none where the change left no document.
#[derive(Debug, Clone)]
pub struct RevisionWithDocument {
    pub revision: Revision,
    pub json: Option<Vec<u8>>,
}

/// The entry's revisions before this version, newest first; also those of a deleted entry.
pub async fn history(app: &App, access: &Access, id: &str, before: Option<i64>, limit: usize) -> Result<Page<Revision>> {
    let entry = by_id(app, access, id).await?;
    let rows = Page::<Revision>::rows(limit);
    let found = app.db.read(move |conn| state_revisions::list(conn, &entry.id, before.unwrap_or(i64::MAX), rows)).await?;
    Ok(Page::new(found, limit, |revision| revision.version.to_string()))
}

pub async fn revision(app: &App, access: &Access, id: &str, version: i64) -> Result<RevisionWithDocument> {
    let entry = by_id(app, access, id).await?.id;
    let wanted = entry.clone();
    let found = app.db.read(move |conn| state_revisions::find(conn, &wanted, version)).await?;
    let (revision, data) = found.ok_or_else(|| Error::NotFound("revision".to_owned()))?;
    let json = data.map(|data| encode::decode(&entry, revision.encoding, revision.size, &revision.sha256, data)).transpose()?;
    Ok(RevisionWithDocument { revision, json })
}

/// Makes the document of an earlier version the current one again: a new revision, itself undoable.
pub async fn rollback(app: &Arc<App>, access: &Access, id: &str, to: i64, guard: Guard) -> Result<Found> {
    let entry = by_id(app, access, id).await?;
    let RevisionWithDocument { revision, json } = revision(app, access, id, to).await?;
    let json = json.ok_or_else(|| Error::invalid("/to", format!("version {to} has no document: it deleted the entry")))?;
    for _ in 0..ATTEMPTS {
        let context = context::load(app, access, &entry.key.plugin).await?;
        let prepared = prepare(app, &context, json.clone().into(), revision.schema_version.as_deref(), Form::Any).await?;
        let facts = Facts {
            schema_version: revision.schema_version.clone(),
            device: revision.device.clone(),
            strategy: Some(entry.strategy),
            ..Facts::default()
        };
        let action = Action::Restore { document: prepared.document, refused: prepared.refused };
        let operation = Operation { target: Target::Id(entry.id.clone()), action, guard: guard.clone(), facts, base: None };
        if let Some(found) = attempt_with_document(app, access, context, operation).await? {
            return Ok(found);
        }
    }
    Err(overtaken())
}
