//! What a plugin's source was last found to offer.

use super::{Timestamp, Version};

/// One question to the repository that plugins were installed from; all who have them from there share it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateCheck {
    /// As installation records have it.
    pub source_url: String,
    pub checked_at: Timestamp,
    /// What the last check that succeeded found.
    pub latest: Option<Version>,
    /// Why the last one failed, if it did.
    pub failure: Option<String>,
}
