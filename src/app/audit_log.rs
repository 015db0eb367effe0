//! Reading the audit log.

use super::{App, page::Page};
use crate::{
    domain::{Caller, audit::AuditEntry},
    error::Result,
    storage::audit,
};

/// Newest first: everything for administrators, their own for others. `before` is the id that the last page ended with.
pub async fn list(app: &App, caller: &Caller, before: Option<String>, limit: usize) -> Result<Page<AuditEntry>> {
    let actor = (!caller.is_admin()).then(|| caller.user.clone());
    let rows = Page::<AuditEntry>::rows(limit);
    let entries = app.db.read(move |conn| audit::list(conn, actor.as_ref(), before.as_deref(), rows)).await?;
    Ok(Page::new(entries, limit, |entry| entry.id.clone()))
}
