//! One line of the audit log per change, in the change's transaction.

use super::new_id;
use crate::{
    domain::{Caller, Credential, Timestamp, audit::AuditEntry},
    error::Result,
    storage::{self, Connection},
};

pub(super) fn record(conn: &mut Connection, caller: &Caller, action: &'static str, object: impl Into<String>, now: Timestamp) -> Result<()> {
    let local = matches!(caller.credential, Credential::Local(_));
    let entry = AuditEntry {
        at: now,
        actor: caller.actor(),
        actor_id: (!local).then(|| caller.user.clone()),
        action,
        object: object.into(),
        request_id: caller.request_id.clone(),
    };
    storage::audit::insert(conn, &new_id(), &entry)
}
