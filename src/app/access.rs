//! From a bearer token to the caller it stands for.

use std::{sync::Arc, time::Duration};

use sha2::{Digest, Sha256};

use super::{
    App,
    audit::{self, Actor},
    defaults,
    jwt::{HostClaims, Token},
    kept::Kept,
    now,
};
use crate::{
    domain::{
        Caller, Credential, Role, Timestamp, UserId,
        user::{self, ApiToken, Session, User},
    },
    error::{Error, Result},
    storage::{
        Connection, api_tokens,
        changes::{Stamp, Subject, Trust},
        sessions, users,
    },
};

/// Marks our API tokens, so that scanners for leaked secrets can know them.
pub const TOKEN_PREFIX: &str = "plg_";
/// `last_used_at` is written at most this often: every request must not cost a write.
const TOUCH_INTERVAL: Duration = Duration::from_secs(60);

/// Tokens that are remembered.
const CAPACITY: u64 = 100_000;

/// A token that was found good.
pub struct Verified {
    pub caller: Caller,
    /// It ends by itself then.
    until: Timestamp,
    /// When its use is to be noted again.
    touch_at: Option<Timestamp>,
}

/// Tokens that were found good, with what they stand for.
pub type VerifiedTokens = Kept<Box<str>, Arc<Verified>>;

pub fn verified_tokens() -> Result<VerifiedTokens> {
    Kept::new("tokens", CAPACITY, 1, |_| 1)
}

/// Who stands behind this token, at this moment: revocation, logout and deactivation count on the next request.
pub async fn authenticate(app: &App, token: &str, request_id: Option<String>) -> Result<Caller> {
    let now = now();
    if let Some(known) = app.db.changes().trust().and_then(|trust| remembered(app, trust, token, now)) {
        return Ok(Caller { request_id, ..known.caller.clone() });
    }
    let before = app.db.changes().moment();
    let (user, credential, until, touch_at) = if token.starts_with(TOKEN_PREFIX) {
        let (token, user) = api_token(app, token, now).await?;
        let until = token.expires_at.unwrap_or(Timestamp(i64::MAX));
        (user, Credential::Token { id: token.id, scopes: token.scopes }, until, Some(now.plus(TOUCH_INTERVAL)))
    } else {
        let (token, until) = app.jwt.verify(token, now)?;
        match token {
            Token::Access { session: id } => {
                let (session, user) = session(app, id, now).await?;
                (user, Credential::Session(session.id), until.min(session.expires_at), None)
            }
            Token::Refresh { .. } => return Err(refused("a refresh token is no access token")),
            Token::Host(claims) => (host_user(app, claims, request_id.clone(), now).await?, Credential::Host, until, None),
        }
    };
    if !user.active {
        return Err(refused("this account is switched off"));
    }
    let caller = Caller { user: user.id, username: user.username, role: user.role, credential, request_id: None };
    if let Some(stamp) = app.db.changes().stamp_as_of(before, Subject::User(&caller.user)) {
        app.verified_tokens.put(token.into(), stamp, Arc::new(Verified { caller: caller.clone(), until, touch_at }));
    }
    Ok(Caller { request_id, ..caller })
}

/// A token that was found good before, unless it has ended or its use is to be noted.
pub fn remembered(app: &App, trust: Trust<'_>, token: &str, now: Timestamp) -> Option<Arc<Verified>> {
    let is_due = |known: &Verified| known.touch_at.is_some_and(|at| at <= now);
    app.verified_tokens.get(trust, token).filter(|known| now < known.until && !is_due(known))
}

fn refused(why: &str) -> Error {
    Error::Unauthenticated(why.to_owned())
}

/// What is stored of a token. It has 256 random bits, so a plain hash cannot be guessed back.
pub fn token_hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

async fn api_token(app: &App, token: &str, now: Timestamp) -> Result<(ApiToken, User)> {
    // Looking the hash up by equality tells a guesser nothing about the token.
    let hash = token_hash(token);
    let found = app.db.read(move |conn| api_tokens::find_by_hash(conn, &hash)).await?;
    let (token, user) = found.filter(|(token, _)| token.is_live(now)).ok_or_else(|| refused("the token is not valid"))?;
    if token.last_used_at.is_none_or(|last| last.plus(TOUCH_INTERVAL) < now) {
        touch(app, &token, now).await;
    }
    Ok((token, user))
}

/// A note for administrators; the request goes on when it cannot be written.
async fn touch(app: &App, token: &ApiToken, now: Timestamp) {
    let id = token.id.clone();
    if let Err(error) = app.db.write(move |conn| api_tokens::touch(conn, &id, now)).await {
        tracing::warn!(error = %error.chain(), "cannot note the use of an API token");
    }
}

async fn session(app: &App, id: String, now: Timestamp) -> Result<(Session, User)> {
    let found = app.db.read(move |conn| sessions::find(conn, &id)).await?;
    found.filter(|(session, _)| session.is_live(now)).ok_or_else(|| refused("this login has ended"))
}

/// Until when the token itself is good, whatever becomes of the account. It was found good already.
pub fn ends(app: &App, token: &str) -> Result<Timestamp> {
    match token.starts_with(TOKEN_PREFIX) {
        // The database knows, and is asked.
        true => Ok(Timestamp(i64::MAX)),
        false => Ok(app.jwt.verify(token, now())?.1),
    }
}

/// A caller whose right has to last longer than one request.
pub struct Standing {
    pub caller: Caller,
    until: Timestamp,
    /// Before the database was asked; none when it was not.
    asked: Option<Stamp>,
}

impl Standing {
    pub fn new(caller: Caller, until: Timestamp) -> Self {
        Self { caller, until, asked: None }
    }

    /// # Errors
    ///
    /// `Unauthenticated` once the login has ended, the token was revoked or has expired, or the account is switched off.
    pub async fn check(&mut self, app: &App) -> Result<()> {
        let (now, changes) = (now(), app.db.changes());
        if self.until <= now {
            return Err(refused("the token has expired"));
        }
        if let (Some(asked), Some(trust)) = (self.asked, changes.trust())
            && trust.holds(asked)
        {
            return Ok(());
        }
        let stamp = changes.stamp(Subject::User(&self.caller.user));
        let (user, credential) = match &self.caller.credential {
            Credential::Session(id) => {
                let (session, user) = session(app, id.clone(), now).await?;
                self.until = self.until.min(session.expires_at);
                (user, Credential::Session(session.id))
            }
            Credential::Token { id, .. } => {
                let id = id.clone();
                let found = app.db.read(move |conn| api_tokens::find(conn, &id)).await?;
                let (token, user) = found.filter(|(token, _)| token.is_live(now)).ok_or_else(|| refused("the token is not valid"))?;
                self.until = self.until.min(token.expires_at.unwrap_or(self.until));
                (user, Credential::Token { id: token.id, scopes: token.scopes })
            }
            Credential::Host | Credential::Local(_) => {
                let id = self.caller.user.clone();
                let user = app.db.read(move |conn| users::find(conn, &id)).await?;
                (user.ok_or_else(|| refused("the token names a user that does not exist here"))?, self.caller.credential.clone())
            }
        };
        if !user.active || user.id != self.caller.user {
            return Err(refused("this account is switched off"));
        }
        self.caller = Caller { user: user.id, username: user.username, role: user.role, credential, request_id: None };
        self.asked = Some(stamp);
        Ok(())
    }
}

/// The user that the host application's token names; made at first sight if the setting says so.
async fn host_user(app: &App, claims: HostClaims, request_id: Option<String>, now: Timestamp) -> Result<User> {
    let wanted = claims.user.clone();
    if let Some(user) = app.db.read(move |conn| users::find(conn, &wanted)).await? {
        return Ok(user);
    }
    if !app.settings.jwt_auto_provision {
        return Err(refused("the token names a user that does not exist here"));
    }
    let known = claims.user.clone();
    let made = app.db.write(move |conn| provision(conn, &claims, request_id.clone(), now)).await;
    match made {
        // Another request of the same new user was faster, or somebody has just taken the name.
        Err(Error::AlreadyExists(_)) => {
            let found = app.db.read(move |conn| users::find(conn, &known)).await?;
            found.ok_or(Error::Busy { what: "this account" })
        }
        Ok(made) => {
            defaults::welcome(app, &made.id).await;
            Ok(made)
        }
        Err(error) => Err(error),
    }
}

fn provision(conn: &mut Connection, claims: &HostClaims, request_id: Option<String>, now: Timestamp) -> Result<User> {
    if let Some(user) = users::find(conn, &claims.user)? {
        return Ok(user);
    }
    let user = newcomer(conn, claims, now)?;
    users::insert(conn, &user, None)?;
    audit::record_as(conn, Actor::newcomer(&user, request_id), "user.provision", user.id.as_str(), now)?;
    Ok(user)
}

/// Named as the host application says where our rules allow it and nobody else has the name, else by the id.
fn newcomer(conn: &mut Connection, claims: &HostClaims, now: Timestamp) -> Result<User> {
    let email = claims.email.as_deref().and_then(|text| user::email(text).ok());
    let name = claims.username.as_deref().and_then(|text| user::username(text, email.as_deref()).ok());
    let (username, email) = match name {
        Some(name) if !users::is_taken(conn, &name, email.as_deref())? => (name, email),
        _ => (claims.user.to_string(), None),
    };
    Ok(User {
        id: claims.user.clone(),
        username,
        email,
        full_name: None,
        profile_picture: None,
        role: Role::User,
        active: true,
        verified: false,
        created_at: now,
        updated_at: now,
    })
}

/// The user an administrator acts for. For others every user looks absent.
pub async fn other_user(app: &App, caller: &Caller, id: &str) -> Result<UserId> {
    caller.require_admin()?;
    let absent = || Error::NotFound("user".to_owned());
    let id: UserId = id.parse().map_err(|_| absent())?;
    let wanted = id.clone();
    app.db.read(move |conn| users::find(conn, &wanted)).await?.map(|_| id).ok_or_else(absent)
}

/// The user that an administrator names: by id, e-mail address or name.
pub async fn named_user(app: &App, caller: &Caller, name: &str) -> Result<User> {
    caller.require_admin()?;
    let wanted = name.to_owned();
    let found = app
        .db
        .read(move |conn| {
            if let Ok(id) = wanted.parse()
                && let Some(user) = users::find(conn, &id)?
            {
                return Ok(Some(user));
            }
            // PostgreSQL refuses NUL in text, and no account has one in its name.
            if wanted.contains('\0') { Ok(None) } else { Ok(users::find_login(conn, &wanted)?.map(|(user, _)| user)) }
        })
        .await?;
    found.ok_or_else(|| Error::NotFound(format!("user {name:?}")))
}
