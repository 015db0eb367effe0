//! Users change their own password.

use super::check::Check;
use crate::{
    app::{App, audit, now},
    domain::{Caller, Credential, Scope, password},
    error::{Error, Result},
    storage::{sessions, users},
};

pub struct NewPassword {
    pub current: String,
    pub new: String,
    pub confirmation: String,
}

/// Ends all sessions of the user but the caller's.
///
/// # Errors
///
/// `Validation` when the current password is wrong, which counts as a failed login, or the new one is refused.
pub async fn change_password(app: &App, caller: &Caller, change: NewPassword) -> Result<()> {
    caller.require(&Scope::Admin)?;
    let mut check = Check::default();
    check.take("/new_password", password::check(&change.new))?;
    if change.new != change.confirmation {
        check.refuse("/confirm_password", "the two new passwords differ");
    }
    check.finish()?;

    let attempt = app.logins.of_account(caller.user.as_str()).await?;
    let owner = caller.user.clone();
    let stored = app.db.read(move |conn| users::password_hash(conn, &owner)).await?;
    let Some(verified) = stored else {
        return Err(Error::Conflict("this account has no password here".to_owned()));
    };
    if !app.passwords.verify(change.current, verified.clone()).await?.ok {
        attempt.failed();
        return Err(Error::invalid("/current_password", "this is not the current password"));
    }
    attempt.succeeded();

    let hash = app.passwords.hash(change.new).await?;
    let (caller, now) = (caller.clone(), now());
    app.db
        .write(move |conn| {
            if !users::replace_password(conn, &caller.user, &verified, &hash)? {
                return Err(Error::Conflict("the password was changed meanwhile".to_owned()));
            }
            let kept = match &caller.credential {
                Credential::Session(session) => Some(session.as_str()),
                _ => None,
            };
            sessions::revoke_all(conn, &caller.user, kept, now)?;
            audit::record(conn, &caller, "user.change_password", caller.user.as_str(), now)
        })
        .await
}
