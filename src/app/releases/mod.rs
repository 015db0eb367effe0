//! Releases: publishing, choosing a version, and what publishers and administrators decide for everybody.

mod adopt;
mod archive;
mod availability;
mod bulk;
mod choose;
mod content_type;
mod describe;
mod gc;
mod manage;
mod publish;
mod read;
mod verify;
mod wide_config;

pub use adopt::{Adoptable, adopt, adoptable};
pub use archive::archive;
pub use availability::set_available;
pub use bulk::{BulkReport, install_all, update_all};
use choose::choose;
pub(in crate::app) use choose::note_latest;
pub use choose::{choose_for_install, choose_if_any};
pub use gc::{Collected, collect, collectable};
pub use manage::{delete_channel, set_channel, set_visibility, unyank, yank};
pub use publish::{Publication, PublishOptions, manifest_of, may_publish, publish};
pub use read::{Search, Versions, catalogue, release, release_files, versions};
pub use verify::verify_on_disk;
pub use wide_config::{WideConfig, set_wide_config, wide_config};
