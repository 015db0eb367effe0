//! One line of the audit log per change, in the change's transaction.

use super::new_id;
use crate::{
    domain::{Caller, Timestamp, audit::AuditEntry},
    error::Result,
    storage::{self, Connection},
};

pub(super) fn record(
    conn: &mut Connection,
    caller: &Caller,
    action: &'static str,
    object: impl Into<String>,
    now: Timestamp,
) -> Result<()> {
    let entry = AuditEntry {
        at: now,
        actor: caller.actor(),
        actor_id: caller.is_person().then(|| caller.user.clone()),
        action,
        object: object.into(),
        request_id: caller.request_id.clone(),
    };
    storage::audit::insert(conn, &new_id(), &entry)
}
