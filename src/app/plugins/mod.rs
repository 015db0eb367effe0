//! A user's plugins: installing, switching, removing, and what a frontend needs to know of them.

mod change_version;
mod config;
mod enable;
mod find;
mod history;
mod install;
mod list;
mod manifest_tags;
mod needs;
pub mod records;
mod status;
mod uninstall;

pub use change_version::{Moved, rollback, update};
pub use config::{Config, Expected, NewValues, config, set_config, tag};
pub use enable::{set_enabled, set_module_enabled};
pub use find::find;
pub use history::history;
pub use install::{InstallRequest, InstalledPlugin, install};
pub use list::{Entry, ListedModule, ListedPlugin, list, list_one};
pub use manifest_tags::{ManifestTags, ManifestView, Sources};
pub use status::{Drift, Health, Status, status};
pub use uninstall::{Uninstalled, uninstall};
