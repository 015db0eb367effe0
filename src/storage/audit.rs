//! The audit log.

use diesel::prelude::*;

use super::{Connection, connection::Multi, schema::audit_log, values::stored};
use crate::{
    domain::{Timestamp, UserId, audit::AuditEntry},
    error::Result,
};

/// Writes one line; call it in the transaction of the change it tells of.
pub fn insert(conn: &mut Connection, entry: &AuditEntry) -> Result<()> {
    diesel::insert_into(audit_log::table)
        .values((
            audit_log::id.eq(&entry.id),
            audit_log::at.eq(entry.at.millis()),
            audit_log::actor.eq(&entry.actor),
            audit_log::actor_id.eq(entry.actor_id.as_ref().map(|id| id.as_str())),
            audit_log::action.eq(&entry.action),
            audit_log::object.eq(&entry.object),
            audit_log::outcome.eq("done"),
            audit_log::request_id.eq(entry.request_id.as_deref()),
        ))
        .execute(conn)?;
    Ok(())
}

/// At most `limit` lines before the one with id `before`, newest first; of one user, or of everybody.
pub fn list(conn: &mut Connection, actor: Option<&UserId>, before: Option<&str>, limit: i64) -> Result<Vec<AuditEntry>> {
    type Columns = (String, i64, String, Option<String>, String, String, Option<String>);
    let mut query = audit_log::table
        .order(audit_log::id.desc())
        .limit(limit)
        .select((
            audit_log::id,
            audit_log::at,
            audit_log::actor,
            audit_log::actor_id,
            audit_log::action,
            audit_log::object,
            audit_log::request_id,
        ))
        .into_boxed::<Multi>();
    if let Some(actor) = actor {
        query = query.filter(audit_log::actor_id.eq(actor.to_string()));
    }
    if let Some(before) = before {
        query = query.filter(audit_log::id.lt(before.to_owned()));
    }
    query
        .load::<Columns>(conn)?
        .into_iter()
        .map(|(id, at, actor, actor_id, action, object, request_id)| {
            let actor_id = actor_id.as_deref().map(|id| stored("audit_log.actor_id", id)).transpose()?;
            Ok(AuditEntry { id, at: Timestamp(at), actor, actor_id, action, object, request_id })
        })
        .collect()
}

/// Removes what is older than the retention.
pub fn delete_before(conn: &mut Connection, cutoff: Timestamp) -> Result<()> {
    diesel::delete(audit_log::table.filter(audit_log::at.lt(cutoff.millis()))).execute(conn)?;
    Ok(())
}
