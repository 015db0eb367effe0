//! What a failing statement means to callers.

use diesel::result::{DatabaseErrorKind, Error as Diesel};

use crate::error::{Error, Result};

const DATABASE: &str = "the database";

impl From<Diesel> for Error {
    /// Failures that the same statement can survive a moment later are [`Error::Busy`]; all others are ours to log.
    fn from(error: Diesel) -> Self {
        match &error {
            Diesel::DatabaseError(DatabaseErrorKind::SerializationFailure | DatabaseErrorKind::ClosedConnection, _) => {
                Self::Busy { what: DATABASE }
            }
            Diesel::DatabaseError(_, info) if is_transient(info.message()) => Self::Busy { what: DATABASE },
            // A deadlock in any language: its detail names the kinds of lock, which are not translated.
            Diesel::DatabaseError(DatabaseErrorKind::Unknown, info) if info.details().is_some_and(names_a_lock) => {
                Self::Busy { what: DATABASE }
            }
            _ => Self::storage("the database failed", error),
        }
    }
}

fn names_a_lock(detail: &str) -> bool {
    ["ShareLock", "ExclusiveLock"].iter().any(|kind| detail.contains(kind))
}

/// Neither database gives these a kind of their own in Diesel.
fn is_transient(message: &str) -> bool {
    ["database is locked", "database table is locked", "deadlock detected", "lock timeout", "server closed the connection"]
        .iter()
        .any(|known| message.contains(known))
}

pub(super) fn busy() -> Error {
    Error::Busy { what: DATABASE }
}

/// Tells a violated unique constraint apart, where the caller has a better word for it.
pub(super) fn on_duplicate<T>(result: Result<T, Diesel>, describe: impl FnOnce() -> Error) -> Result<T> {
    match result {
        Err(Diesel::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Err(describe()),
        other => Ok(other?),
    }
}
