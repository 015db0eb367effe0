//! Logging in with a password.

use std::net::IpAddr;

use super::session::{SessionTokens, issue};
use crate::{
    app::{App, new_id, now},
    domain::{
        Timestamp,
        user::{Session, User},
    },
    error::{Error, Result},
    storage::{Connection, sessions, users},
};

/// `name` is an e-mail address or a username; `address` the client's, if it has one.
///
/// # Errors
///
/// `Unauthenticated` with the same words, after the same time, for whatever was wrong; `RateLimited` after too many such
/// failures of the account or the address.
pub async fn login(app: &App, name: &str, password: String, address: Option<IpAddr>) -> Result<(SessionTokens, User)> {
    let name = name.trim().to_owned();
    if name.chars().any(char::is_control) {
        return Err(Error::invalid("/email", "a name has no control characters"));
    }
    let by_address = app.logins.of_address(address).await?;
    let wanted = name.clone();
    let found = app.db.read(move |conn| users::find_login(conn, &wanted)).await?;
    let account = found.as_ref().map_or_else(|| name.to_lowercase(), |(user, _)| user.id.to_string());
    let by_account = app.logins.of_account(&account).await?;

    let opened = match compare(app, found, password).await? {
        Some(proven) => open(app, proven).await?,
        None => None,
    };
    match opened {
        Some((session, user)) => {
            by_account.succeeded();
            Ok((issue(app, &session, session.created_at)?, user))
        }
        None => {
            by_account.failed();
            by_address.failed();
            Err(Error::Unauthenticated("Invalid email or password".to_owned()))
        }
    }
}

/// A user who has shown the password.
struct Proven {
    user: User,
    /// What the password was compared with.
    verified: String,
    /// What is stored from now on.
    hash: String,
}

async fn compare(app: &App, found: Option<(User, Option<String>)>, password: String) -> Result<Option<Proven>> {
    let Some((user, Some(verified))) = found else {
        app.passwords.verify_nothing(password).await?;
        return Ok(None);
    };
    let outcome = app.passwords.verify(password.clone(), verified.clone()).await?;
    if !outcome.ok || !user.active {
        return Ok(None);
    }
    let hash = if outcome.needs_upgrade { app.passwords.hash(password).await? } else { verified.clone() };
    Ok(Some(Proven { user, verified, hash }))
}

async fn open(app: &App, proven: Proven) -> Result<Option<(Session, User)>> {
    let now = now();
    let session = Session {
        id: new_id(),
        user: proven.user.id.clone(),
        generation: 1,
        rotated_at: now,
        created_at: now,
        expires_at: now.plus(app.settings.refresh_token_ttl),
        revoked_at: None,
    };
    app.db.write(move |conn| insert(conn, &proven, &session, now)).await
}

/// None when the account was changed while the password was being compared: a login must not outlive the change of
/// password that ends all others.
fn insert(conn: &mut Connection, proven: &Proven, session: &Session, now: Timestamp) -> Result<Option<(Session, User)>> {
    if !users::replace_password(conn, &session.user, &proven.verified, &proven.hash)? {
        return Ok(None);
    }
    sessions::remove_ended(conn, &session.user, now)?;
    sessions::insert(conn, session)?;
    Ok(Some((session.clone(), proven.user.clone())))
}
