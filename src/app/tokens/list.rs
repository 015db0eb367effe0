//! A user's API tokens, without their secrets.

use crate::{
    app::{App, page::Page},
    domain::{Caller, Scope, UserId, user::ApiToken},
    error::Result,
    storage::api_tokens,
};

/// At most `limit` tokens that were not revoked, after the one with the id `after`, oldest first.
pub async fn list(app: &App, caller: &Caller, owner: &UserId, after: Option<String>, limit: usize) -> Result<Page<ApiToken>> {
    caller.require(&Scope::Read)?;
    if *owner != caller.user {
        caller.require_admin()?;
    }
    let owner = owner.clone();
    let rows = Page::<ApiToken>::rows(limit);
    let found = app.db.read(move |conn| api_tokens::list(conn, &owner, after.as_deref().unwrap_or(""), rows)).await?;
    Ok(Page::new(found, limit, |token| token.id.clone()))
}
