//! What time brings about: entries end, tombstones and old mutations go. Nothing depends on when this happens.

use std::{sync::Arc, time::Duration};

use super::{
    Access,
    commit::{Action, Facts, Operation, Outcome, Place, Quota, Step, Target, Written, commit},
    context::{self, Context},
};
use crate::{
    app::{App, now},
    domain::{
        UserId,
        state::{Guard, PluginSet},
    },
    error::Result,
    storage::{Connection, state_entries, state_heads, state_lists, state_mutations},
};

/// How long a deletion can be told, and a mutation is known.
pub const HORIZON: Duration = Duration::from_secs(30 * 24 * 3600);
/// Entries in one transaction: others write in between.
const BATCH: i64 = 200;

/// Makes tombstones of all entries that have ended, a batch at a time. How many.
pub async fn expire(app: &Arc<App>) -> Result<usize> {
    let mut ended = 0;
    loop {
        let now = now();
        let mut due = app.db.read(move |conn| state_lists::expired(conn, now, BATCH)).await?;
        due.sort();
        let mut done = 0;
        for group in due.chunk_by(|a, b| a.0 == b.0) {
            let Some((user, _)) = group.first() else { continue };
            match end(app, user, group.iter().map(|(_, id)| id.clone()).collect()).await {
                Ok(ended) => done += ended,
                // One user's damage is not to keep those of others.
                Err(error) => tracing::error!(%user, error = %error.chain(), "state that has ended cannot be swept up"),
            }
        }
        ended += done;
        // Without progress somebody else is at it.
        if due.len() < usize::try_from(BATCH).unwrap_or(usize::MAX) || done == 0 {
            return Ok(ended);
        }
    }
}

/// The same for one user's entries of the plugins that the caller may touch.
pub async fn expire_of(app: &Arc<App>, access: &Access) -> Result<usize> {
    let mut ended = 0;
    loop {
        let (user, plugins, now) = (access.user.clone(), access.plugins.clone(), now());
        let ids = app.db.read(move |conn| state_lists::expired_of(conn, &user, &plugins, now, BATCH)).await?;
        let found = ids.len();
        let done = end(app, &access.user, ids).await?;
        ended += done;
        if found < usize::try_from(BATCH).unwrap_or(usize::MAX) || done == 0 {
            return Ok(ended);
        }
    }
}

/// One transaction for entries of one user. How many have ended.
async fn end(app: &Arc<App>, user: &UserId, ids: Vec<String>) -> Result<usize> {
    let (owner, shared) = (user.clone(), Arc::clone(app));
    let written = app.db.write(move |conn| {
        ids.iter().try_fold(Vec::new(), |mut done, id| {
            done.extend(end_one(&shared, conn, &owner, id)?);
            Ok(done)
        })
    });
    let written = written.await?;
    app.state.wake(user);
    Ok(written.len())
}

fn end_one(app: &App, conn: &mut Connection, user: &UserId, id: &str) -> Result<Option<Box<Written>>> {
    let Some(entry) = state_entries::find_by_id(conn, user, id)? else { return Ok(None) };
    let access = Access { user: user.clone(), plugins: PluginSet::All, actor: "expiry".to_owned(), user_agent: None };
    let context = context::load_in(app, conn, user, entry.key.plugin.clone()).or_else(|error| {
        tracing::error!(plugin = %entry.key.plugin, error = %error.chain(), "the default policy holds for what has ended");
        Context::with_default_policy(conn, user, entry.key.plugin)
    })?;
    let operation = Operation {
        target: Target::Id(entry.id),
        action: Action::Expire,
        guard: Guard::unconditional(),
        facts: Facts::default(),
        base: None,
    };
    let place = Place { access: &access, context: &context, quota: Quota::of(app), now: now() };
    match commit(conn, &place, &operation)? {
        Step::Done(written) if written.outcome == Outcome::Deleted => Ok(Some(written)),
        Step::Done(_) | Step::Stale => Ok(None),
    }
}

/// Removes what is older than the horizon: tombstones with their history, and what mutations did.
pub async fn forget(app: &App) -> Result<()> {
    app.db.write(move |conn| state_mutations::delete_before(conn, now().minus(HORIZON))).await?;
    loop {
        let cutoff = now().minus(HORIZON);
        let removed = app
            .db
            .write(move |conn| {
                let old = state_lists::old_tombstones(conn, cutoff, BATCH)?;
                for (user, id, seq) in &old {
                    if state_lists::remove_tombstone(conn, id, *seq)? {
                        state_heads::raise_horizon(conn, user, *seq)?;
                    }
                }
                Ok(old.len())
            })
            .await?;
        if removed < usize::try_from(BATCH).unwrap_or(usize::MAX) {
            return Ok(());
        }
    }
}
