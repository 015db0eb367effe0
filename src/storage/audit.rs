//! The audit log.

use diesel::prelude::*;

use super::{Connection, schema::audit_log};
use crate::{domain::audit::AuditEntry, error::Result};

/// Writes one line; call it in the transaction of the change it tells of. `id` sorts by time.
pub fn insert(conn: &mut Connection, id: &str, entry: &AuditEntry) -> Result<()> {
    diesel::insert_into(audit_log::table)
        .values((
            audit_log::id.eq(id),
            audit_log::at.eq(entry.at.millis()),
            audit_log::actor.eq(&entry.actor),
            audit_log::actor_id.eq(entry.actor_id.as_ref().map(|id| id.as_str())),
            audit_log::action.eq(entry.action),
            audit_log::object.eq(&entry.object),
            audit_log::outcome.eq("done"),
            audit_log::request_id.eq(entry.request_id.as_deref()),
        ))
        .execute(conn)?;
    Ok(())
}
