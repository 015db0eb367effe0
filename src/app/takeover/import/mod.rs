//! Importing old plugin folders and databases. Everything is read first and becomes a plan of plain values: what is published
//! as which release, which variants keep content apart that disagrees, what each user gets. A dry run ends there; applying
//! publishes the releases and then saves one user at a time, each in one transaction, so that it can be killed anywhere and
//! run again: what is there already is found to be there.

mod apply;
mod braindrive;
mod folder;
mod installer;
mod plan;
mod pool;
mod target;
mod tree;

use std::path::Path;

pub use braindrive::{Braindrive, import_braindrive};
pub use folder::import_plugins;

use crate::{
    app::App,
    error::{Error, Result},
};

/// Old files stay as they are, so they cannot be the folder that is written.
fn refuse_own_folder(app: &App, folder: &Path) -> Result<()> {
    match app.folder.overlaps(folder)? {
        true => Err(Error::Setup(format!(
            "{} is (or holds, or lies in) the plugins folder itself; let the setting plugins_dir name another, or use migrate-records",
            folder.display()
        ))),
        false => Ok(()),
    }
}
