//! Releases: publishing, choosing a version, and what administrators decide for everybody.

mod availability;
mod choose;
mod content_type;
mod publish;

pub use availability::set_available;
pub use choose::{choose, choose_for_install};
pub use publish::{Publication, PublishOptions, may_publish, publish};
