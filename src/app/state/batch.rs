//! Many writes in one request.

use std::sync::Arc;

use super::{
    Access,
    commit::{Operation, Place, Quota, Step, Target, Written, commit},
    context::Context,
    read::Found,
    write::{ATTEMPTS, Draft, KeyText, Made, Request, build, build_after, overtaken, post},
};
use crate::{
    app::{App, now},
    error::{Error, Result},
};

/// Items of one request.
pub const MOST_ITEMS: usize = 1000;
/// Bytes of the documents that one request makes or is shown, beside those that it brings along: small requests can name large
/// documents.
pub(super) const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// Writes in one transaction where they do not have to be: others write in between.
const TOGETHER: usize = 100;

#[derive(Debug, Clone)]
pub struct Item {
    pub key: KeyText,
    pub request: Request,
}

#[derive(Debug)]
pub enum ItemResult {
    Done(Box<Written>),
    Failed(Error),
    /// Another item failed, and all or nothing was wanted; or the database was too busy for one before it.
    NotApplied,
}

/// Writes the items in their order; `atomic` means all or none of them. One result for each.
pub async fn batch(app: &Arc<App>, access: &Access, items: Vec<Item>, atomic: bool) -> Result<Vec<ItemResult>> {
    check_count(items.len())?;
    if atomic {
        return all_or_nothing(app, access, &items).await;
    }
    let mut results = Vec::with_capacity(items.len());
    for group in items.chunks(TOGETHER) {
        results.extend(each(app, access, group).await?);
        if results.last().is_some_and(is_too_busy) {
            break;
        }
    }
    results.resize_with(items.len(), || ItemResult::NotApplied);
    Ok(results)
}

fn is_too_busy(result: &ItemResult) -> bool {
    matches!(result, ItemResult::Failed(Error::Busy { .. }))
}

/// Runs them in their order up to the first that the database is too busy for. Those behind it are refused at once: each would
/// wait as long, and perhaps come before it.
pub(super) async fn in_order<T, R>(items: Vec<T>, mut run: impl AsyncFnMut(T) -> Result<R>) -> Vec<Result<R>> {
    let (mut results, mut too_busy) = (Vec::with_capacity(items.len()), false);
    for item in items {
        let result = if too_busy { Err(Error::Busy { what: "the database" }) } else { run(item).await };
        too_busy |= matches!(result, Err(Error::Busy { .. }));
        results.push(result);
    }
    results
}

/// # Errors
///
/// `TooMany` with both numbers, before anything has happened.
pub(super) fn check_count(items: usize) -> Result<()> {
    match items > MOST_ITEMS {
        true => Err(Error::TooMany { what: "the request", limit: MOST_ITEMS as u64, actual: items as u64 }),
        false => Ok(()),
    }
}

/// A write that is ready for its transaction; none where that has to wait for those before it.
type Prepared = Option<(Context, Operation)>;

/// Each item for itself, in their order, up to one that the database is too busy for.
async fn each(app: &Arc<App>, access: &Access, items: &[Item]) -> Result<Vec<ItemResult>> {
    let (mut prepared, mut bytes): (Vec<Prepared>, u64) = (Vec::with_capacity(items.len()), 0);
    for item in items {
        if bytes > MOST_BYTES {
            break;
        }
        // What fails now is perhaps possible after those before it; and its error is told when it is its turn.
        let one = build(app, access, &item.key, &item.request).await.ok();
        bytes += one.as_ref().map_or(0, |(_, operation)| operation.bytes());
        prepared.push(one);
    }
    let prepared = Arc::new(prepared);
    let mut results = Vec::with_capacity(items.len());
    while results.len() < items.len() {
        results.extend(together(app, access, &prepared, results.len()).await?);
        let Some(item) = items.get(results.len()) else { break };
        results.push(alone(app, access, item).await);
        if results.last().is_some_and(is_too_busy) {
            break;
        }
    }
    Ok(results)
}

/// Writes from this one on, each in a savepoint of its own, up to the first that has to be tried on its own: it is not as it was
/// prepared for, perhaps because of an item before it, or the database failed.
async fn together(app: &Arc<App>, access: &Access, prepared: &Arc<Vec<Prepared>>, from: usize) -> Result<Vec<ItemResult>> {
    let (owner, quota, prepared) = (access.clone(), Quota::of(app), Arc::clone(prepared));
    let results = app.db.write(move |conn| {
        let (mut results, now) = (Vec::new(), now());
        for (context, operation) in prepared.iter().skip(from).map_while(Option::as_ref) {
            match conn.in_savepoint(|conn| commit(conn, &Place { access: &owner, context, quota, now }, operation)) {
                Ok(Step::Done(written)) => results.push(ItemResult::Done(written)),
                // After a failure the transaction may be lost, and the next savepoint would begin another.
                Ok(Step::Stale) | Err(Error::Busy { .. } | Error::Storage { .. }) => break,
                Err(error) => results.push(ItemResult::Failed(error)),
            }
        }
        Ok(results)
    });
    let results = match results.await {
        Err(Error::Busy { .. }) => Vec::new(),
        results => results?,
    };
    if results.iter().any(|result| matches!(result, ItemResult::Done(_))) {
        app.state.wake(&access.user);
    }
    Ok(results)
}

async fn alone(app: &Arc<App>, access: &Access, item: &Item) -> ItemResult {
    match super::write::write(app, access, &item.key, &item.request).await {
        Ok(written) => ItemResult::Done(written),
        Err(error) => ItemResult::Failed(error),
    }
}

/// How a transaction of all items ended.
enum End {
    Done(Vec<Written>),
    Stale,
    Failed(usize, Error),
}

async fn all_or_nothing(app: &Arc<App>, access: &Access, items: &[Item]) -> Result<Vec<ItemResult>> {
    let failed = |failing: usize, error: Error| {
        let mut error = Some(error);
        let result =
            |at| if at == failing { error.take().map_or(ItemResult::NotApplied, ItemResult::Failed) } else { ItemResult::NotApplied };
        Ok((0..items.len()).map(result).collect())
    };
    let limit = items.iter().map(|item| item.request.bytes()).sum::<u64>().max(MOST_BYTES);
    for _ in 0..ATTEMPTS {
        let mut operations = Vec::with_capacity(items.len());
        let (mut made, mut bytes) = (Made::new(), 0);
        for (at, item) in items.iter().enumerate() {
            match build_after(app, access, &made, &item.key, &item.request).await {
                Ok((context, operation)) => {
                    if let Target::Key(key) = &operation.target {
                        made.insert(key.clone(), operation.leaves(now()));
                    }
                    bytes += operation.bytes();
                    if bytes > limit {
                        return failed(at, Error::TooLarge { what: "what the items make together", limit, actual: Some(bytes) });
                    }
                    operations.push((context, operation));
                }
                Err(error) => return failed(at, error),
            }
        }
        let (owner, quota) = (access.clone(), Quota::of(app));
        let end = app.db.write(move |conn| {
            let mut end = None;
            let all = conn.in_savepoint(|conn| {
                let now = now();
                let mut written = Vec::with_capacity(operations.len());
                for (at, (context, operation)) in operations.iter().enumerate() {
                    match commit(conn, &Place { access: &owner, context, quota, now }, operation) {
                        Ok(Step::Done(done)) => written.push(*done),
                        Ok(Step::Stale) => {
                            end = Some(End::Stale);
                            return Err(overtaken());
                        }
                        // The database asks for a repetition, or has failed.
                        Err(error @ (Error::Busy { .. } | Error::Storage { .. })) => return Err(error),
                        Err(error) => {
                            end = Some(End::Failed(at, error));
                            return Err(overtaken());
                        }
                    }
                }
                Ok(written)
            });
            match (all, end) {
                (_, Some(end)) => Ok(end),
                (Ok(written), None) => Ok(End::Done(written)),
                (Err(error), None) => Err(error),
            }
        });
        match end.await? {
            End::Done(written) => {
                app.state.wake(&access.user);
                return Ok(written.into_iter().map(|written| ItemResult::Done(Box::new(written))).collect());
            }
            End::Failed(at, error) => return failed(at, error),
            End::Stale => {}
        }
    }
    Err(overtaken())
}

/// Creates entries one after another; each stands or falls for itself.
pub async fn create_many(app: &Arc<App>, access: &Access, drafts: Vec<Result<(KeyText, Draft)>>) -> Result<Vec<Result<Found>>> {
    check_count(drafts.len())?;
    let create = async |draft: Result<(KeyText, Draft)>| {
        let (key, draft) = draft?;
        post(app, access, &key, draft).await
    };
    Ok(in_order(drafts, create).await)
}
