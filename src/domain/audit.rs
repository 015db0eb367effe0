//! One line of the audit log.

use super::{Timestamp, UserId};

/// Who changed what; written in the change's own transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Sorts by time.
    pub id: String,
    pub at: Timestamp,
    pub actor: String,
    /// None for a command on the machine itself.
    pub actor_id: Option<UserId>,
    /// `<noun>.<verb>`, such as `plugin.install`.
    pub action: String,
    pub object: String,
    pub request_id: Option<String>,
}
