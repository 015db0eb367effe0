//! `plugyard gc`

use clap::Args;
use serde::Serialize;

use super::{Outcome, failure::Result, global::Global, output::Report};
use crate::app::releases::{self, Collected};

/// Remove the files of releases that nobody needs.
///
/// Those are releases published longer ago than the setting `gc_retention` says that nobody has installed, no channel names,
/// no grace period needs and that are not the latest of their slug. Their names stay taken: the version can only come back with
/// the same content. Works on the data of the machine itself only.
#[derive(Args)]
pub struct Gc {
    /// Remove nothing, print what would go.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct Cleanup {
    dry_run: bool,
    releases: Vec<Item>,
    /// In bytes.
    total_size: u64,
}

#[derive(Serialize)]
struct Item {
    slug: String,
    version: String,
    /// Bytes of all files.
    size: u64,
}

impl Cleanup {
    fn new(dry_run: bool, found: Vec<Collected>) -> Self {
        let total_size = found.iter().map(|one| one.size).sum();
        let item = |one: Collected| Item { slug: one.slug.to_string(), version: one.version.to_string(), size: one.size };
        Self { dry_run, releases: found.into_iter().map(item).collect(), total_size }
    }
}

impl Report for Cleanup {
    fn text(&self) -> String {
        let line = |item: &Item| format!("{} {}: {} bytes", item.slug, item.version, item.size);
        let outcome = if self.dry_run { "would be removed" } else { "removed" };
        let total = format!("total: {} bytes {outcome}", self.total_size);
        self.releases.iter().map(line).chain([total]).collect::<Vec<_>>().join("\n")
    }
}

impl Gc {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let local = global.local("gc").await?;
        let found = match self.dry_run {
            true => releases::collectable(&local.app).await?,
            false => releases::collect(&local.app, &local.caller).await?,
        };
        global.print(&Cleanup::new(self.dry_run, found))?;
        Ok(Outcome::Done)
    }
}
