//! Ending an API token.

use crate::{
    app::{App, audit, now},
    domain::{Caller, Scope, UserId},
    error::{Error, Result},
    storage::api_tokens,
};

/// Works on the next request. Somebody else's token, and one that was revoked already, look absent.
pub async fn revoke(app: &App, caller: &Caller, owner: &UserId, id: &str) -> Result<()> {
    caller.require(&Scope::Admin)?;
    if *owner != caller.user {
        caller.require_admin()?;
    }
    let (caller, owner, id, now) = (caller.clone(), owner.clone(), id.to_owned(), now());
    app.db
        .write(move |conn| {
            if !id.bytes().all(|b| b.is_ascii_alphanumeric()) || !api_tokens::revoke(conn, &owner, &id, now)? {
                return Err(Error::NotFound("token".to_owned()));
            }
            audit::record(conn, &caller, "token.revoke", &*id, now)
        })
        .await
}
