//! The pair of tokens that stands for a login.

use crate::{
    app::App,
    domain::{Timestamp, UserId, user::Session},
    error::Result,
};

/// What a client gets at a login and at each refresh.
pub struct SessionTokens {
    pub user: UserId,
    pub access_token: String,
    pub refresh_token: String,
    pub issued_at: Timestamp,
    /// Seconds.
    pub expires_in: i64,
    /// Seconds.
    pub refresh_expires_in: i64,
}

pub(super) fn issue(app: &App, session: &Session, now: Timestamp) -> Result<SessionTokens> {
    let expires = now.plus(app.settings.access_token_ttl);
    Ok(SessionTokens {
        user: session.user.clone(),
        access_token: app.jwt.access_token(session, now, expires)?,
        refresh_token: app.jwt.refresh_token(session)?,
        issued_at: now,
        expires_in: expires.seconds() - now.seconds(),
        refresh_expires_in: session.expires_at.seconds() - now.seconds(),
    })
}
