//! What happens to every request before and after its handler.

mod observe;
mod reshape;

pub use observe::{RequestId, observe};
pub use reshape::{TrimmedSlash, reshape};
