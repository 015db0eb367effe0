//! What happens to every request before and after its handler.

mod authenticate;
mod observe;
mod open;
mod reshape;

pub use authenticate::{authenticate, caller};
pub use observe::{RequestId, observe};
pub use open::{is_open, open};
pub use reshape::{HeadRequest, TrimmedSlash, reshape};
