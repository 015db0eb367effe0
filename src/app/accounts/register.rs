//! Somebody makes an account of their own, where the setting allows it.

use super::create::{NewAccount, insert};
use crate::{
    app::{App, audit::Actor, defaults, now},
    domain::{Role, user::User},
    error::{Error, Result},
};

/// Always an ordinary user, whatever role was asked for.
pub async fn register(app: &App, account: NewAccount, request_id: Option<String>) -> Result<User> {
    if !app.settings.registration {
        return Err(Error::Forbidden("accounts are made by administrators here".to_owned()));
    }
    let now = now();
    let user = NewAccount { role: Role::User, ..account.clone() }.check(now)?;
    let hash = app.passwords.hash(account.password).await?;
    let actor = Actor::newcomer(&user, request_id);
    let user = app.db.write(move |conn| insert(conn, &user, &hash, actor.clone(), "user.register", now)).await?;
    defaults::welcome(app, &user.id).await;
    Ok(user)
}
