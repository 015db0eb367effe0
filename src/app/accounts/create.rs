//! Making an account.

use super::check::Check;
use crate::{
    app::{
        App,
        audit::{self, Actor},
        defaults, new_user_id, now,
    },
    domain::{
        Caller, Role, Timestamp, password,
        user::{self, User},
    },
    error::Result,
    storage::{Connection, users},
};

/// An account to be made; the names are checked when it is.
#[derive(Clone)]
pub struct NewAccount {
    pub username: String,
    pub email: Option<String>,
    pub full_name: Option<String>,
    pub password: String,
    pub role: Role,
}

impl NewAccount {
    /// The account if every member follows the rules; otherwise all violations.
    pub(super) fn check(&self, now: Timestamp) -> Result<User> {
        let mut check = Check::default();
        let email = check.take("/email", self.email.as_deref().map(user::email).transpose())?.flatten();
        let full_name = check.take("/full_name", self.full_name.as_deref().map(user::full_name).transpose())?.flatten();
        // Compared with what was sent, so that a refused address is reported once.
        let own_address = email.as_deref().or(self.email.as_deref());
        let username = check.take("/username", user::username(&self.username, own_address))?;
        check.take("/password", password::check(&self.password))?;
        let username = check.accept(username)?;
        Ok(User {
            id: new_user_id(),
            username,
            email,
            full_name,
            profile_picture: None,
            role: self.role,
            active: true,
            verified: false,
            created_at: now,
            updated_at: now,
        })
    }
}

/// An administrator makes an account for somebody.
///
/// # Errors
///
/// `AlreadyExists` when name or address is taken, whatever its case; `Validation` with all that is wrong.
pub async fn create(app: &App, caller: &Caller, account: NewAccount) -> Result<User> {
    caller.require_admin()?;
    let now = now();
    let user = account.check(now)?;
    let hash = app.passwords.hash(account.password).await?;
    let actor = Actor::from(caller);
    let user = app.db.write(move |conn| insert(conn, &user, &hash, actor.clone(), "user.create", now)).await?;
    defaults::welcome(app, &user.id).await;
    Ok(user)
}

pub(super) fn insert(conn: &mut Connection, user: &User, hash: &str, actor: Actor, action: &'static str, now: Timestamp) -> Result<User> {
    users::insert(conn, user, Some(hash.to_owned()))?;
    audit::record_as(conn, actor, action, user.id.as_str(), now)?;
    Ok(user.clone())
}
