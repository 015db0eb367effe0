//! `plugyard plugins versions`

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::{
    app::plugins,
    cli::{
        Outcome,
        failure::Result,
        global::Global,
        output::{Report, table},
        remote::read,
        target::Target,
    },
    domain::{Slug, history::HistoryEntry},
};

/// Show which versions of a plugin a user had when, newest first.
#[derive(Args)]
pub struct Versions {
    slug: Slug,
    /// Whose: a name, an e-mail address or an id. With --server it can be left out and means the token's owner.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
}

/// The member of the server's answer is what is printed.
#[derive(Deserialize)]
struct History {
    items: Vec<Step>,
}

#[derive(Serialize, Deserialize)]
struct Step {
    version: String,
    /// `install`, `update`, `rollback` or `import`.
    change: String,
    installed_by: String,
    installed_at: String,
    /// None for the installed version.
    replaced_at: Option<String>,
}

impl From<HistoryEntry> for Step {
    fn from(entry: HistoryEntry) -> Self {
        Self {
            version: entry.version.to_string(),
            change: entry.change.as_str().to_owned(),
            installed_by: entry.installed_by,
            installed_at: entry.installed_at.to_string(),
            replaced_at: entry.replaced_at.map(|at| at.to_string()),
        }
    }
}

#[derive(Serialize)]
struct Shown(Vec<Step>);

impl Report for Shown {
    fn text(&self) -> String {
        let row = |step: &Step| {
            let replaced = step.replaced_at.clone().unwrap_or_default();
            [step.version.clone(), step.change.clone(), step.installed_at.clone(), replaced, step.installed_by.clone()]
        };
        table(["VERSION", "CHANGE", "INSTALLED", "REPLACED", "BY"], self.0.iter().map(row))
    }
}

impl Versions {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let slug = self.slug.as_str();
        let steps = match global.target("plugins versions").await? {
            Target::Local(local) => {
                let user = local.user(self.user.as_deref()).await?;
                plugins::history(&local.app, &user.id, slug).await?.into_iter().rev().map(Step::from).collect()
            }
            Target::Remote(remote) => {
                let subject = remote.subject(self.user.as_deref()).await?;
                read::<History>(remote.get(subject.route(&[slug, "versions"])).await?)?.items
            }
        };
        global.print(&Shown(steps))?;
        Ok(Outcome::Done)
    }
}
