//! What administrators change about an account.

use super::{absent, check::Check, is_active_admin, require_an_admin};
use crate::{
    app::{App, audit, now},
    domain::{
        Caller, Credential, Role, Timestamp, UserId, password,
        user::{self, User},
    },
    error::{Error, Result},
    storage::{Connection, sessions, users},
};

/// Absent members stay as they are; an inner none clears the value.
#[derive(Clone, Default)]
pub struct AccountChanges {
    pub email: Option<Option<String>>,
    pub full_name: Option<Option<String>>,
    pub password: Option<String>,
    pub role: Option<Role>,
    pub active: Option<bool>,
}

impl AccountChanges {
    /// The same with tidied values, or all violations.
    fn check(self) -> Result<Self> {
        let mut check = Check::default();
        let tidy = |text: Option<Option<String>>, rule: fn(&str) -> Result<String>| {
            text.map(|text| text.as_deref().map(rule).transpose()).transpose()
        };
        let email = check.take("/email", tidy(self.email, user::email))?.flatten();
        let full_name = check.take("/full_name", tidy(self.full_name, user::full_name))?.flatten();
        if let Some(chosen) = &self.password {
            check.take("/password", password::check(chosen))?;
        }
        check.finish()?;
        Ok(Self { email, full_name, ..self })
    }
}

/// Switching an account off, and giving it another password, end its sessions (but not the one that asks for it).
///
/// # Errors
///
/// `Conflict` when no active administrator would be left, `AlreadyExists` when the address is taken.
pub async fn update(app: &App, caller: &Caller, id: &UserId, changes: AccountChanges) -> Result<User> {
    caller.require_admin()?;
    let mut changes = changes.check()?;
    let hash = match changes.password.take() {
        Some(password) => Some(app.passwords.hash(password).await?),
        None => None,
    };
    let (caller, id, now) = (caller.clone(), id.clone(), now());
    app.db.write(move |conn| apply(conn, &caller, &id, &changes, hash.as_deref(), now)).await
}

fn apply(
    conn: &mut Connection,
    caller: &Caller,
    id: &UserId,
    changes: &AccountChanges,
    hash: Option<&str>,
    now: Timestamp,
) -> Result<User> {
    if changes.role == Some(Role::User) || changes.active == Some(false) {
        users::lock_active_admins(conn)?;
    }
    users::lock(conn, id)?;
    let before = users::find(conn, id)?.ok_or_else(absent)?;
    let mut after = changed(&before, changes)?;
    let mut members = differences(&before, &after);
    if after != before {
        after.updated_at = now;
        users::update(conn, &after)?;
    }
    if let Some(hash) = hash {
        after.updated_at = now;
        users::set_password(conn, id, hash, now)?;
        members.push("password");
    }
    if is_active_admin(&before) && !is_active_admin(&after) {
        require_an_admin(conn)?;
    }
    if hash.is_some() || !after.active {
        sessions::revoke_all(conn, id, own_session(caller, id), now)?;
    }
    if !members.is_empty() {
        audit::record(conn, caller, "user.update", format!("{id} ({})", members.join(", ")), now)?;
    }
    Ok(after)
}

fn changed(before: &User, changes: &AccountChanges) -> Result<User> {
    let mut after = before.clone();
    if let Some(email) = &changes.email {
        if before.username.contains('@') && before.email != *email {
            // A username that is the account's address follows it.
            after.username =
                email.clone().ok_or_else(|| Error::invalid("/email", "this address is the account's username too; it needs one"))?;
        }
        after.email.clone_from(email);
    }
    if let Some(full_name) = &changes.full_name {
        after.full_name.clone_from(full_name);
    }
    after.role = changes.role.unwrap_or(before.role);
    after.active = changes.active.unwrap_or(before.active);
    Ok(after)
}

/// The members that differ, as the API names them.
fn differences(before: &User, after: &User) -> Vec<&'static str> {
    [
        ("username", before.username != after.username),
        ("email", before.email != after.email),
        ("full_name", before.full_name != after.full_name),
        ("role", before.role != after.role),
        ("is_active", before.active != after.active),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect()
}

fn own_session<'a>(caller: &'a Caller, id: &UserId) -> Option<&'a str> {
    match &caller.credential {
        Credential::Session(session) if caller.user == *id => Some(session),
        _ => None,
    }
}
