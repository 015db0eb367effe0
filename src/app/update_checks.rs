//! Asking the repositories that plugins were installed from for newer versions: on demand, and by schedule.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use super::{App, now, plugins::records};
use crate::{
    domain::{UserId, update::UpdateCheck},
    error::{Error, Result},
    fetch::{Repository, Source},
    storage::{update_checks, users},
};

/// A check on demand asks again only after this time, whoever demands it.
const ENOUGH: Duration = Duration::from_secs(60);
/// Outcomes of sources that nobody asks about any more are kept this long.
const KEPT: Duration = Duration::from_secs(90 * 24 * 3600);

/// What is known of these sources, by their address.
pub async fn known(app: &App, source_urls: Vec<String>) -> Result<HashMap<String, UpdateCheck>> {
    if source_urls.is_empty() {
        return Ok(HashMap::new());
    }
    let found = app.db.read(move |conn| update_checks::find(conn, &source_urls)).await?;
    Ok(found.into_iter().map(|check| (check.source_url.clone(), check)).collect())
}

/// Asks the source now, unless that has just been done. None for a source that says nothing about versions: an archive, or
/// an address that the rules for fetching refuse. A failure is part of the outcome.
pub async fn check(app: &App, source_url: &str, enough: Duration) -> Result<Option<UpdateCheck>> {
    let Ok(Source::Repository(repository)) = app.fetcher.source(source_url) else { return Ok(None) };
    let earlier = known(app, vec![source_url.to_owned()]).await?.remove(source_url);
    if let Some(earlier) = earlier.filter(|check| now() < check.checked_at.plus(enough)) {
        return Ok(Some(earlier));
    }
    ask(app, source_url, &repository).await.map(Some)
}

/// As [`check`], for somebody who waits for it.
pub async fn check_on_demand(app: &App, source_url: &str) -> Result<Option<UpdateCheck>> {
    check(app, source_url, ENOUGH).await
}

async fn ask(app: &App, source_url: &str, repository: &Repository) -> Result<UpdateCheck> {
    let (latest, failure) = match app.fetcher.latest_version(repository).await {
        Ok(latest) => (Some(latest), None),
        Err(error @ (Error::SourceFailed { .. } | Error::SourceRefused { .. })) => (None, Some(error.to_string())),
        Err(other) => return Err(other),
    };
    let check = UpdateCheck { source_url: source_url.to_owned(), checked_at: now(), latest, failure };
    let (stored, wanted) = (check.clone(), vec![source_url.to_owned()]);
    // A failed one keeps what an earlier one found.
    let found = app
        .db
        .write(move |conn| {
            update_checks::put(conn, &stored)?;
            update_checks::find(conn, &wanted)
        })
        .await?;
    Ok(found.into_iter().next().unwrap_or(check))
}

/// Asks once in each interval, until the returned task is aborted; none when the setting says never.
pub fn start(app: Arc<App>) -> Option<tokio::task::JoinHandle<()>> {
    let interval = app.settings.update_check_interval;
    if interval.is_zero() {
        return None;
    }
    Some(tokio::spawn(async move {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = check_all(&app).await {
                tracing::warn!(error = %error.chain(), "checking for updates failed");
            }
        }
    }))
}

/// Asks every source that somebody has a plugin from, one after another; those that another server has just asked are left
/// out.
async fn check_all(app: &App) -> Result<()> {
    for source in sources(app).await? {
        if let Some(UpdateCheck { failure: Some(failure), .. }) = check(app, &source, app.settings.update_check_interval / 2).await? {
            tracing::info!(%source, %failure, "a source could not be asked for updates");
        }
    }
    let before = now().minus(KEPT.max(app.settings.update_check_interval * 2));
    app.db.write(move |conn| update_checks::delete_before(conn, before)).await
}

/// The sources in all records. A record that cannot be read is somebody else's to report.
async fn sources(app: &App) -> Result<BTreeSet<String>> {
    let everybody: Vec<UserId> = app.db.read(users::active_ids).await?;
    let mut sources = BTreeSet::new();
    for user in everybody {
        match records::of(app, &user).await {
            Ok(found) => {
                sources.extend(found.values().filter_map(records::metadata).filter_map(|record| record.source_url()).map(str::to_owned))
            }
            Err(error) => tracing::warn!(%user, error = %error.chain(), "a user's records cannot be read for update checks"),
        }
    }
    Ok(sources)
}
