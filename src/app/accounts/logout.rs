//! Ending a login.

use crate::{
    app::{App, now},
    domain::{Caller, Credential},
    error::{Error, Result},
    storage::sessions,
};

/// Works on the next request.
///
/// # Errors
///
/// `Forbidden` for tokens that are not from a login here: nothing would end.
pub async fn logout(app: &App, caller: &Caller) -> Result<()> {
    let Credential::Session(session) = &caller.credential else {
        return Err(Error::Forbidden("only a login can be ended here; API tokens are revoked under /tokens".to_owned()));
    };
    let (session, now) = (session.clone(), now());
    app.db.write(move |conn| sessions::revoke(conn, &session, now)).await
}
