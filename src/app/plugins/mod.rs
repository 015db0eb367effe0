//! A user's plugins: installing, switching, removing, and what a frontend needs to know of them.

mod access_key;
mod change_version;
mod config;
mod enable;
mod find;
mod history;
mod install;
mod install_package;
mod list;
mod loading;
mod needs;
pub mod records;
mod register;
mod repair;
mod status;
mod uninstall;

pub use access_key::renew_access_key;
pub use change_version::{Moved, rollback, update};
pub use config::{Config, Expected, NewValues, config, set_config, tag};
pub use enable::{set_enabled, set_module_enabled};
pub use find::find;
pub use history::history;
pub use install::{InstallRequest, InstalledPlugin, install};
pub use install_package::{InstalledPackage, PackageOrigin, failed, install_package};
pub use list::{Entry, ListedModule, ListedPlugin, ModuleSearch, list, list_one, modules};
pub use loading::{Loading, ModuleLoading, test_loading};
pub use register::register;
pub use repair::repair;
pub use status::{Drift, Health, Status, status};
pub use uninstall::{Uninstalled, uninstall};
