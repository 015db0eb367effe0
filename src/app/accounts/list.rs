//! All accounts.

use crate::{
    app::{App, page::Page},
    domain::{Caller, UserId, user::User},
    error::Result,
    storage::users,
};

/// At most `limit` accounts after `after`, by id.
pub async fn list(app: &App, caller: &Caller, after: Option<UserId>, limit: usize) -> Result<Page<User>> {
    caller.require_admin()?;
    let found = app.db.read(move |conn| users::list(conn, after.as_ref(), Page::<User>::rows(limit))).await?;
    Ok(Page::new(found, limit, |user| user.id.to_string()))
}
