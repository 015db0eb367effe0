//! Removing an account with everything that is only its own. Releases it has published stay: they are everybody's.

use super::{absent, is_active_admin, require_an_admin};
use crate::{
    app::{App, audit, defaults, now, plugins::records},
    domain::{Caller, UserId},
    error::Result,
    storage::{pending_records, plugins, users},
};

/// # Errors
///
/// `Conflict` when no active administrator would be left.
pub async fn delete(app: &App, caller: &Caller, id: &UserId) -> Result<()> {
    caller.require_admin()?;
    let (caller, now) = (caller.clone(), now());
    let owner = id.clone();
    app.db
        .write(move |conn| {
            users::lock_active_admins(conn)?;
            let user = users::find(conn, &owner)?.ok_or_else(absent)?;
            // After a crash these entries make the next start remove the record.
            for slug in plugins::slugs(conn, &owner)? {
                pending_records::put(conn, &owner, &slug, None)?;
            }
            defaults::forget(conn, &owner)?;
            users::delete(conn, &owner)?;
            if is_active_admin(&user) {
                require_an_admin(conn)?;
            }
            audit::record(conn, &caller, "user.delete", format!("{owner} ({})", user.username), now)
        })
        .await?;
    records::forget(app, id).await;
    Ok(())
}
