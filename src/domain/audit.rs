//! One line of the audit log.

use super::{Timestamp, UserId};

/// Who changed what; written in the change's own transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    pub at: Timestamp,
    pub actor: String,
    /// None for a command on the machine itself.
    pub actor_id: Option<UserId>,
    pub action: &'static str,
    pub object: String,
    pub request_id: Option<String>,
}
