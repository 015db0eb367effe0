//! Plugins that every user gets once. What a user then disables or removes stays so.

use std::collections::BTreeSet;

use super::{App, plugins, plugins::InstallRequest};
use crate::{
    domain::{Caller, Credential, Role, Slug, UserId},
    error::{Error, Result},
    storage::{Connection, meta, users},
};

/// What happened to whom.
#[derive(Debug, Default)]
pub struct DefaultsReport {
    pub installed: u64,
    /// Was decided before: installed once, or had by the user anyway.
    pub already_done: u64,
    pub failed: Vec<(UserId, Slug, String)>,
}

/// Gives one user the default plugins that were never given to them. A plugin that cannot be installed now is tried again
/// the next time.
pub async fn apply_to(app: &App, user: &UserId, report: &mut DefaultsReport) -> Result<()> {
    if app.settings.default_plugins.is_empty() {
        return Ok(());
    }
    let owner = user.clone();
    let given = app.db.read(move |conn| given(conn, &owner)).await?;
    let caller = server(user);
    for default in &app.settings.default_plugins {
        if given.contains(&default.slug) {
            report.already_done += 1;
            continue;
        }
        let request = InstallRequest { version: Some(default.version.clone()), ..InstallRequest::default() };
        match plugins::install(app, &caller, user, &default.slug, request).await {
            Ok(_) => report.installed += 1,
            Err(Error::AlreadyExists(_)) => report.already_done += 1,
            Err(error) => {
                tracing::warn!(%user, slug = %default.slug, error = %error.chain(), "a default plugin was not installed");
                report.failed.push((user.clone(), default.slug.clone(), error.to_string()));
                continue;
            }
        }
        let (owner, slug) = (user.clone(), default.slug.clone());
        app.db.write(move |conn| note(conn, &owner, &slug)).await?;
    }
    Ok(())
}

/// For a user who was just made: a failure is logged and does not undo the account.
pub(super) async fn welcome(app: &App, user: &UserId) {
    let mut report = DefaultsReport::default();
    if let Err(error) = apply_to(app, user, &mut report).await {
        tracing::warn!(%user, error = %error.chain(), "the default plugins were not installed");
    }
}

/// For every user who is there.
pub async fn apply_to_all(app: &App) -> Result<DefaultsReport> {
    let mut report = DefaultsReport::default();
    for user in app.db.read(users::active_ids).await? {
        apply_to(app, &user, &mut report).await?;
    }
    Ok(report)
}

/// The server acts itself; nobody asked for it.
fn server(user: &UserId) -> Caller {
    Caller {
        user: user.clone(),
        username: "defaults".to_owned(),
        role: Role::Admin,
        credential: Credential::Local("plugyard defaults".to_owned()),
        request_id: None,
    }
}

fn key(user: &UserId) -> String {
    format!("defaults:{user}")
}

fn given(conn: &mut Connection, user: &UserId) -> Result<BTreeSet<Slug>> {
    let text = meta::get(conn, &key(user))?;
    text.map_or_else(
        || Ok(BTreeSet::new()),
        |text| serde_json::from_str(&text).map_err(|e| Error::storage("damaged JSON in the database (meta)", e)),
    )
}

fn note(conn: &mut Connection, user: &UserId, slug: &Slug) -> Result<()> {
    let mut all = given(conn, user)?;
    all.insert(slug.clone());
    let text = serde_json::to_string(&all).map_err(|e| Error::storage("cannot write which defaults were given", e))?;
    meta::set(conn, &key(user), &text)
}

/// Takes the note of a removed user along.
pub(super) fn forget(conn: &mut Connection, user: &UserId) -> Result<()> {
    meta::delete(conn, &key(user))
}
