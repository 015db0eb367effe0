//! The account that the first start makes, so that there is somebody to make the others.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::create::{NewAccount, insert};
use crate::{
    app::{App, audit::Actor, defaults, now, random},
    domain::Role,
    error::{Error, Result},
    storage::users,
};

const USERNAME: &str = "admin";

/// The account was made by this start.
pub struct FirstAdmin {
    pub username: &'static str,
    /// Where the settings name none. Shown once and kept nowhere.
    pub generated_password: Option<String>,
}

/// Makes the administrator if there are no users at all; none when there were, or when another server was faster.
pub async fn create_first_admin(app: &App) -> Result<Option<FirstAdmin>> {
    if app.db.read(users::any_exists).await? {
        return Ok(None);
    }
    let generated = match &app.settings.admin_password {
        Some(_) => None,
        None => Some(BASE64_URL_SAFE_NO_PAD.encode(random::<18>()?)),
    };
    let chosen = app.settings.admin_password.as_ref().map(|secret| secret.expose().to_owned());
    let Some(password) = chosen.or_else(|| generated.clone()) else {
        return Err(Error::damaged("there is no password for the first administrator"));
    };
    let account = NewAccount { username: USERNAME.to_owned(), email: None, full_name: None, password, role: Role::Admin };
    let now = now();
    let user = account.check(now)?;
    let hash = app.passwords.hash(account.password).await?;
    let actor = Actor { name: "first start".to_owned(), id: None, request_id: None };
    let made = app.db.write(move |conn| match users::any_exists(conn)? {
        true => Ok(None),
        false => insert(conn, &user, &hash, actor.clone(), "user.create", now).map(Some),
    });
    match made.await {
        Ok(Some(user)) => {
            defaults::welcome(app, &user.id).await;
            Ok(Some(FirstAdmin { username: USERNAME, generated_password: generated }))
        }
        // On PostgreSQL two transactions can both find no users; the name is unique, so one of them makes the account.
        Ok(None) | Err(Error::AlreadyExists(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
