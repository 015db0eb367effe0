//! One account.

use super::absent;
use crate::{
    app::App,
    domain::{Caller, UserId, user::User},
    error::Result,
    storage::users,
};

/// The caller's own account, or for administrators anybody's.
pub async fn find(app: &App, caller: &Caller, id: &UserId) -> Result<User> {
    if *id != caller.user {
        caller.require_admin()?;
    }
    let id = id.clone();
    app.db.read(move |conn| users::find(conn, &id)).await?.ok_or_else(absent)
}
