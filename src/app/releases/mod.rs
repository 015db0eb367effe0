//! Releases: publishing, choosing a version, and what publishers and administrators decide for everybody.

mod archive;
mod availability;
mod choose;
mod content_type;
mod manage;
mod publish;
mod read;
mod verify;
mod wide_config;

pub use archive::archive;
pub use availability::set_available;
use choose::note_latest;
pub use choose::{choose, choose_for_install};
pub use manage::{delete_channel, set_channel, set_visibility, unyank, yank};
pub use publish::{Publication, PublishOptions, may_publish, publish};
pub use read::{Search, Versions, catalogue, release, release_files, versions};
pub use verify::verify_on_disk;
pub use wide_config::{WideConfig, set_wide_config, wide_config};
