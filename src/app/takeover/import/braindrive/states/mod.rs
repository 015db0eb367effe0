//! Rows of `plugin_states`, `plugin_state_history` and `plugin_state_configs`: one thread reads and decodes, user by user, and
//! what it has read is saved meanwhile.

mod document;
mod facts;
mod known;
mod plan;
mod policies;
mod read;
mod write;

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;

pub use known::Known;

use crate::{
    app::{
        App,
        takeover::{progress::Progress, report::TakeoverReport},
    },
    domain::Caller,
    error::{Error, Result},
    offload,
    storage::foreign::ForeignDatabase,
};

/// Users at a time: enough that SQLite's writer has batches to commit.
const AT_A_TIME: usize = 8;

/// Takes over what is not there yet; a dry run only tells.
pub async fn take_over(
    app: &App,
    caller: &Caller,
    mut database: ForeignDatabase,
    known: Known,
    report: &mut TakeoverReport,
    progress: &Progress,
) -> Result<()> {
    let (known, limit, mode) = (Arc::new(known), app.settings.max_state_document.as_u64(), report.mode);
    let (owners, mut waiting) = mpsc::channel(1);
    let reader = Arc::clone(&known);
    let watched = progress.clone();
    let reading = offload::run(move || {
        watched.phase("states", database.count(read::STATES)? + database.count(read::HISTORY)?);
        let hand_on = |owner| owners.blocking_send(owner).map_err(|_| Error::damaged("the states that were read cannot be saved"));
        let rest = read::owners(&mut database, &reader, limit, &mut |owner| hand_on(owner))?;
        drop(owners);
        Ok((rest, policies::read(&mut database, &reader)?))
    });
    let saving = async {
        let owners = stream::poll_fn(|context| waiting.poll_recv(context));
        let saved = owners.map(|owner| {
            let (rows, known) = (owner.rows(), &known);
            async move { write::save(app, caller, known, owner, mode).await.map(|items| (rows, items)) }
        });
        let mut saved = saved.buffered(AT_A_TIME);
        let mut failure = None;
        while let Some(outcome) = saved.next().await {
            match outcome {
                Ok((rows, items)) => {
                    items.into_iter().for_each(|item| report.add(item));
                    progress.advance(rows);
                }
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        drop(saved);
        // The reader hears of it, too.
        waiting.close();
        failure.map_or(Ok(()), Err)
    };
    let (read, saved) = tokio::join!(reading, saving);
    saved?;
    let (rest, (told, configs)) = read?;
    rest.into_iter().chain(told).for_each(|item| report.add(item));
    policies::save(app, caller, configs, mode).await?.into_iter().for_each(|item| report.add(item));
    Ok(())
}
