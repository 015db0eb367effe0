//! Installing and updating for every user: a plain loop that can be run again, with a report.

use std::sync::Arc;

use futures_util::{StreamExt, stream};

use crate::{
    app::{
        App,
        plugins::{self, InstallRequest},
    },
    domain::{Caller, Slug, UserId, VersionSpec},
    error::{Error, Result},
    storage,
};

/// Users at a time: enough that SQLite's writer has batches to commit, few enough to leave room for others.
const AT_A_TIME: usize = 16;

/// What happened to whom.
#[derive(Debug, Default)]
pub struct BulkReport {
    pub done: u64,
    /// Had the plugin, or the version.
    pub already_done: u64,
    /// With the error's code.
    pub failed: Vec<(UserId, &'static str)>,
}

enum Outcome {
    Done,
    AlreadyDone,
}

/// Installs for every active user who does not have the plugin.
pub async fn install_all(app: &App, caller: &Caller, slug: &Slug, version: Option<VersionSpec>) -> Result<BulkReport> {
    caller.require_admin()?;
    super::release(app, caller, slug.clone(), version.clone().unwrap_or(VersionSpec::Latest)).await?;
    let users = app.db.read(storage::users::active_ids).await?;
    for_each(users, |user| {
        let request = InstallRequest { version: version.clone(), ..InstallRequest::default() };
        async move {
            match plugins::install(app, caller, &user, slug, request).await {
                Ok(_) => Ok(Outcome::Done),
                Err(Error::AlreadyExists(_)) => Ok(Outcome::AlreadyDone),
                Err(error) => Err((user, error)),
            }
        }
    })
    .await
}

/// Updates everybody who has the plugin.
pub async fn update_all(app: &Arc<App>, caller: &Caller, slug: &Slug, version: Option<VersionSpec>) -> Result<BulkReport> {
    caller.require_admin()?;
    let wanted = version.unwrap_or(VersionSpec::Latest);
    super::release(app, caller, slug.clone(), wanted.clone()).await?;
    let of = slug.clone();
    let users = app.db.read(move |conn| storage::plugins::owners(conn, &of)).await?;
    for_each(users, |user| {
        let wanted = wanted.clone();
        async move {
            match plugins::update(app, caller, &user, slug.as_str(), wanted).await {
                Ok(moved) if moved.previous == moved.plugin.version => Ok(Outcome::AlreadyDone),
                Ok(_) => Ok(Outcome::Done),
                Err(error) => Err((user, error)),
            }
        }
    })
    .await
}

async fn for_each<F>(users: Vec<UserId>, work: impl FnMut(UserId) -> F) -> Result<BulkReport>
where
    F: Future<Output = Result<Outcome, (UserId, Error)>>,
{
    let mut outcomes = stream::iter(users).map(work).buffer_unordered(AT_A_TIME);
    let mut report = BulkReport::default();
    while let Some(outcome) = outcomes.next().await {
        match outcome {
            Ok(Outcome::Done) => report.done += 1,
            Ok(Outcome::AlreadyDone) => report.already_done += 1,
            Err((user, error)) => {
                tracing::warn!(%user, error = %error.chain(), "skipped in a change for everybody");
                report.failed.push((user, error.code()));
            }
        }
    }
    report.failed.sort();
    Ok(report)
}
