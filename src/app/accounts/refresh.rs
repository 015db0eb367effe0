//! A refresh token for the next pair.

use std::time::Duration;

use super::session::{SessionTokens, issue};
use crate::{
    app::{
        App,
        audit::{self, Actor},
        jwt::Token,
        now,
    },
    domain::{Timestamp, user::Session},
    error::{Error, Result},
    storage::{Connection, sessions},
};

/// How long the token before the current one still answers: requests that were on their way, and answers that got lost.
const OVERLAP: Duration = Duration::from_secs(60);

/// The current token moves the session on. The one before answers the current pair again for a short while. Any older one
/// has been stolen or copied, so it ends the session.
pub async fn refresh(app: &App, token: &str, request_id: Option<String>) -> Result<SessionTokens> {
    let now = now();
    let (Token::Refresh { session: id, generation }, _) = app.jwt.verify(token, now)? else {
        return Err(Error::Unauthenticated("this is no refresh token".to_owned()));
    };
    let expires = now.plus(app.settings.refresh_token_ttl);
    let outcome = app.db.write(move |conn| advance(conn, &id, generation, request_id.clone(), now, expires)).await?;
    match outcome {
        Outcome::Current(session) => issue(app, &session, now),
        Outcome::Reused => {
            tracing::warn!("an old refresh token was used again; its session was ended");
            Err(Error::Unauthenticated("this refresh token was used before; log in again".to_owned()))
        }
        Outcome::Ended => Err(Error::Unauthenticated("this login has ended".to_owned())),
    }
}

enum Outcome {
    Current(Session),
    Reused,
    Ended,
}

fn advance(
    conn: &mut Connection,
    id: &str,
    generation: i64,
    request_id: Option<String>,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<Outcome> {
    let live = |conn: &mut Connection| {
        let found = sessions::find(conn, id)?;
        Ok::<_, Error>(found.filter(|(session, user)| session.is_live(now) && user.active))
    };
    let Some((mut session, mut user)) = live(conn)? else { return Ok(Outcome::Ended) };
    if session.generation == generation {
        if sessions::rotate(conn, &session, now, expires_at)? {
            return Ok(Outcome::Current(Session { generation: generation + 1, rotated_at: now, expires_at, ..session }));
        }
        // Another request with the same token was faster, so this one is now the one before.
        match live(conn)? {
            Some(moved) => (session, user) = moved,
            None => return Ok(Outcome::Ended),
        }
    }
    if session.generation == generation + 1 && now < session.rotated_at.plus(OVERLAP) {
        return Ok(Outcome::Current(session));
    }
    sessions::revoke(conn, id, now)?;
    audit::record_as(conn, Actor::newcomer(&user, request_id), "session.revoke", format!("{id} (refresh token used again)"), now)?;
    Ok(Outcome::Reused)
}
