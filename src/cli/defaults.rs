//! `plugyard defaults`

use clap::Subcommand;
use serde::Serialize;

use super::{Outcome, failure::Result, global::Global, output::Report};
use crate::app::defaults::{self, DefaultsReport};

/// The plugins that every account gets once, as the setting `default_plugins` names them.
#[derive(Subcommand)]
pub enum DefaultsCommand {
    /// Install them for every active user who was never given them; what users removed or disabled stays so. Works on the
    /// data of the machine itself only.
    Apply,
}

#[derive(Serialize)]
struct Applied {
    installed: u64,
    /// Given before, or had anyway.
    already_done: u64,
    failed: Vec<Failed>,
}

#[derive(Serialize)]
struct Failed {
    user_id: String,
    slug: String,
    error: String,
}

impl From<DefaultsReport> for Applied {
    fn from(report: DefaultsReport) -> Self {
        let failed = report.failed.into_iter();
        Self {
            installed: report.installed,
            already_done: report.already_done,
            failed: failed.map(|(user, slug, error)| Failed { user_id: user.to_string(), slug: slug.to_string(), error }).collect(),
        }
    }
}

impl Report for Applied {
    fn text(&self) -> String {
        let count = format!("{} installed, {} already done, {} failed", self.installed, self.already_done, self.failed.len());
        let failures = self.failed.iter().map(|failed| format!("  {} {}: {}", failed.user_id, failed.slug, failed.error));
        [count].into_iter().chain(failures).collect::<Vec<_>>().join("\n")
    }
}

impl DefaultsCommand {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let Self::Apply = self;
        let local = global.local("defaults apply").await?;
        let applied = Applied::from(defaults::apply_to_all(&local.app).await?);
        global.print(&applied)?;
        Ok(if applied.failed.is_empty() { Outcome::Done } else { Outcome::Differs })
    }
}
