//! What a running server tidies up by itself, every hour.

use std::{sync::Arc, time::Duration};

use super::{App, now, state};
use crate::{
    error::Result,
    offload,
    storage::{audit, sessions},
};

const EVERY: Duration = Duration::from_secs(3600);
/// How often counted accesses are written.
const ACCESSES: Duration = Duration::from_secs(10);
/// How often somebody looks what other processes have done, so how late event streams hear of it.
const FOLLOW: Duration = Duration::from_millis(250);

/// Tidies up until the returned task is aborted. A failure is logged and tried again an hour later.
pub fn start(app: Arc<App>) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        let mut hours = tokio::time::interval(EVERY);
        loop {
            hours.tick().await;
            if let Err(error) = tidy(&app).await {
                tracing::warn!(error = %error.chain(), "housekeeping failed");
            }
        }
    })
}

/// Ends state entries and writes counted accesses, until the returned task is aborted.
pub fn start_state(app: Arc<App>) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        let mut sweeps = app.settings.state_sweep_interval.map(tokio::time::interval);
        let mut flushes = tokio::time::interval(ACCESSES);
        loop {
            let done = tokio::select! {
                () = next(&mut sweeps) => state::expire(&app).await.map(drop),
                _ = flushes.tick() => state::flush_accesses(&app).await,
            };
            if let Err(error) = done {
                tracing::warn!(error = %error.chain(), "housekeeping of state failed");
            }
        }
    })
}

/// Tells event streams what other processes do, until the returned task is aborted.
pub fn start_following(app: Arc<App>) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        let mut failing = false;
        loop {
            tokio::time::sleep(FOLLOW).await;
            let followed = state::follow(&app).await;
            if let Err(error) = &followed
                && !failing
            {
                tracing::warn!(error = %error.chain(), "event streams cannot be told what other processes do");
            }
            failing = followed.is_err();
        }
    })
}

/// Never, without an interval.
async fn next(interval: &mut Option<tokio::time::Interval>) {
    match interval {
        Some(interval) => drop(interval.tick().await),
        None => std::future::pending().await,
    }
}

/// Dead sessions, old tombstones of state entries, what killed processes left in `cache/`, and audit entries older than their retention.
pub async fn tidy(app: &App) -> Result<()> {
    let now = now();
    app.db.write(move |conn| sessions::remove_all_ended(conn, now)).await?;
    state::forget(app).await?;
    let folder = app.folder.clone();
    offload::run(move || folder.remove_leftovers().map(drop)).await?;
    if let Some(retention) = app.settings.audit_retention {
        let cutoff = now.minus(retention);
        app.db.write(move |conn| audit::delete_before(conn, cutoff)).await?;
    }
    Ok(())
}
