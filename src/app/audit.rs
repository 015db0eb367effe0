//! One line of the audit log per change, in the change's transaction.

use super::new_id;
use crate::{
    domain::{Caller, Timestamp, UserId, audit::AuditEntry, user::User},
    error::Result,
    storage::{self, Connection},
};

/// Who acted, where no authenticated caller stands behind the change.
#[derive(Debug, Clone)]
pub(super) struct Actor {
    pub name: String,
    /// None for the program itself and its commands.
    pub id: Option<UserId>,
    pub request_id: Option<String>,
}

impl Actor {
    /// Somebody who acts on their own account before they have a token of it.
    pub fn newcomer(user: &User, request_id: Option<String>) -> Self {
        Self { name: user.username.clone(), id: Some(user.id.clone()), request_id }
    }
}

impl From<&Caller> for Actor {
    fn from(caller: &Caller) -> Self {
        Self { name: caller.actor(), id: caller.is_person().then(|| caller.user.clone()), request_id: caller.request_id.clone() }
    }
}

pub(super) fn record(
    conn: &mut Connection,
    caller: &Caller,
    action: &'static str,
    object: impl Into<String>,
    now: Timestamp,
) -> Result<()> {
    record_as(conn, caller.into(), action, object, now)
}

pub(super) fn record_as(
    conn: &mut Connection,
    actor: Actor,
    action: &'static str,
    object: impl Into<String>,
    now: Timestamp,
) -> Result<()> {
    let entry = AuditEntry {
        id: new_id(),
        at: now,
        actor: actor.name,
        actor_id: actor.id,
        action: action.to_owned(),
        object: object.into(),
        request_id: actor.request_id,
    };
    storage::audit::insert(conn, &entry)
}
