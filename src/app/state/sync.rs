//! Pushing a device's states, as BrainDrive frontends do.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    Access,
    batch::{MOST_BYTES, check_count, in_order},
    commit::Target,
    read::{Found, key_and_context},
    write::{ATTEMPTS, Draft, KeyText, attempt_with_document, current, overtaken, put_operation},
};
use crate::{
    app::App,
    domain::state::Guard,
    error::{Error, Result},
};

/// A state that another device has changed to something else meanwhile.
#[derive(Debug)]
pub struct Conflict {
    pub remote: Found,
    /// The document that was sent, as JSON.
    pub local: Bytes,
}

#[derive(Debug)]
pub enum Synced {
    Written(Box<Found>),
    Conflict(Box<Conflict>),
}

impl Synced {
    /// Of the stored document that the answer shows.
    fn bytes(&self) -> u64 {
        match self {
            Self::Written(found) => found.json.len() as u64,
            Self::Conflict(conflict) => conflict.remote.json.len() as u64,
        }
    }
}

/// Writes what the device has, unless another device wrote other content last; `force` writes that too.
pub async fn sync(
    app: &Arc<App>,
    access: &Access,
    device: &str,
    drafts: Vec<Result<(KeyText, Draft)>>,
    force: bool,
) -> Result<Vec<Result<Synced>>> {
    check_count(drafts.len())?;
    let mut shown = 0;
    let write = async |draft: Result<(KeyText, Draft)>| {
        let (key, draft) = draft?;
        if shown > MOST_BYTES {
            return Err(Error::TooLarge { what: "the answer", limit: MOST_BYTES, actual: None });
        }
        let synced = one(app, access, device, &key, draft, force).await?;
        shown += synced.bytes();
        Ok(synced)
    };
    Ok(in_order(drafts, write).await)
}

async fn one(app: &Arc<App>, access: &Access, device: &str, key: &KeyText, mut draft: Draft, force: bool) -> Result<Synced> {
    draft.facts.device = Some(device.to_owned());
    for _ in 0..ATTEMPTS {
        let (key, context) = key_and_context(app, access, key).await?;
        let current = current(app, access, &key).await?;
        let base = current.as_ref().map_or(0, |found| found.entry.seq);
        let operation = put_operation(app, &context, Target::Key(key), &draft, Guard::default(), Some(base)).await?;
        if let Some(remote) = current
            && !force
            && remote.entry.device.as_deref() != Some(device)
            && operation.document().is_none_or(|local| local.content_sha256 != remote.entry.content_sha256)
        {
            return Ok(Synced::Conflict(Box::new(Conflict { remote, local: draft.text })));
        }
        if let Some(found) = attempt_with_document(app, access, context, operation).await? {
            return Ok(Synced::Written(Box::new(found)));
        }
    }
    Err(overtaken())
}
