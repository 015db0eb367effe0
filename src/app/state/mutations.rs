//! What a device did while it was away, each thing once, however often it is sent.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Access,
    batch::{check_count, in_order},
    commit::{Operation, Outcome, Place, Quota, Step, Written, commit},
    context::Context,
    write::{ATTEMPTS, KeyText, Request, build, overtaken},
};
use crate::{
    app::{App, now},
    error::{Error, Result},
    storage::{Connection, state_heads, state_mutations},
};

/// What happens to a mutation whose entry is no longer as the device knew it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnConflict {
    /// It is refused.
    Fail,
    /// It is applied all the same. The guard of its request is waived.
    Local,
    /// It is dropped, and counts as done.
    Remote,
}

#[derive(Debug, Clone)]
pub struct Mutation {
    /// Chosen by the device.
    pub id: String,
    pub key: KeyText,
    pub request: Request,
    pub on_conflict: OnConflict,
}

/// How a mutation ended.
#[derive(Debug)]
pub enum Applied {
    /// What is remembered of it, and whether it was remembered from before.
    Result {
        result: Value,
        replayed: bool,
    },
    Failed(Error),
}

/// Applies the mutations in their order, each with the note that it was, in one transaction.
pub async fn apply(app: &Arc<App>, access: &Access, device: &str, mutations: Vec<Mutation>) -> Result<Vec<Applied>> {
    check_count(mutations.len())?;
    let apply = async |mutation: Mutation| one(app, access, device, &mutation).await;
    Ok(in_order(mutations, apply).await.into_iter().map(|applied| applied.unwrap_or_else(Applied::Failed)).collect())
}

enum Tried {
    Replayed(String),
    /// The result, and whether anything was written.
    Done(Value, bool),
    Stale,
}

async fn one(app: &Arc<App>, access: &Access, device: &str, mutation: &Mutation) -> Result<Applied> {
    for _ in 0..ATTEMPTS {
        let (owner, id) = (access.user.clone(), (device.to_owned(), mutation.id.clone()));
        // Before it is prepared: what was applied may be impossible now.
        if let Some(known) = app.db.read(move |conn| state_mutations::find(conn, &owner, &id.0, &id.1)).await? {
            return replayed(&known);
        }
        let (context, operation) = build(app, access, &mutation.key, &mutation.request).await?;
        let (owner, quota, on_conflict) = (access.clone(), Quota::of(app), mutation.on_conflict);
        let (device, id) = (device.to_owned(), mutation.id.clone());
        let tried = app
            .db
            .write(move |conn| {
                // The same mutation, sent twice at once, waits here for itself.
                state_heads::hold(conn, &owner.user)?;
                if let Some(known) = state_mutations::find(conn, &owner.user, &device, &id)? {
                    return Ok(Tried::Replayed(known));
                }
                let tried = try_one(conn, &owner, &context, quota, &operation, on_conflict)?;
                if let Tried::Done(result, _) = &tried {
                    state_mutations::insert(conn, &owner.user, &device, &id, &remembered(result).to_string(), now())?;
                }
                Ok(tried)
            })
            .await?;
        match tried {
            Tried::Replayed(known) => return replayed(&known),
            Tried::Stale => {}
            Tried::Done(result, written) => {
                if written {
                    app.state.wake(&access.user);
                }
                return Ok(Applied::Result { result, replayed: false });
            }
        }
    }
    Err(overtaken())
}

fn try_one(
    conn: &mut Connection,
    access: &Access,
    context: &Context,
    quota: Quota,
    operation: &Operation,
    on_conflict: OnConflict,
) -> Result<Tried> {
    let place = Place { access, context, quota, now: now() };
    match conn.in_savepoint(|conn| commit(conn, &place, operation)) {
        Ok(Step::Done(written)) => Ok(Tried::Done(described(&written), true)),
        Ok(Step::Stale) => Ok(Tried::Stale),
        Err(Error::PreconditionFailed { current }) if on_conflict == OnConflict::Remote => {
            Ok(Tried::Done(json!({"outcome": "remote", "current": current}), false))
        }
        Err(error) => Err(error),
    }
}

fn described(written: &Written) -> Value {
    let outcome = match written.outcome {
        Outcome::Created => "created",
        Outcome::Updated => "updated",
        Outcome::Unchanged => "unchanged",
        Outcome::Deleted => "deleted",
    };
    json!({"outcome": outcome, "entry": written.entry.id, "etag": format!("\"{}\"", written.entry.seq), "version": written.entry.version})
}

/// What a repetition is answered: without the document, which may be purged meanwhile.
fn remembered(result: &Value) -> Value {
    let mut result = result.clone();
    if let Some(current) = result.get_mut("current").and_then(Value::as_object_mut) {
        current.shift_remove("document");
    }
    result
}

fn replayed(known: &str) -> Result<Applied> {
    let result = serde_json::from_str(known).map_err(|e| Error::storage("damaged JSON in the database (a mutation)", e))?;
    Ok(Applied::Result { result, replayed: true })
}
