//! What happens to every request before and after its handler.

mod authenticate;
mod observe;
mod open;
mod reshape;
mod warm;

pub use authenticate::{authenticate, bearer_token, caller};
pub use observe::{RequestId, X_REQUEST_ID, callers_id, observe};
pub use open::{NO_REFERRER, is_open, open};
pub use reshape::{HeadRequest, TrimmedSlash, reshape};
pub use warm::WarmFirst;
