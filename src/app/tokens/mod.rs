//! API tokens: for pipelines and installers, limited by scopes and by what their owner may do.

mod create;
mod list;
mod revoke;

pub use create::{NewToken, create};
pub use list::list;
pub use revoke::revoke;
