//! `plugyard releases yank` and `plugyard releases unyank`

use clap::Args;
use reqwest::Method;
use serde::Serialize;
use serde_json::json;

use super::shapes::ReleaseItem;
use crate::{
    app::releases,
    cli::{
        Outcome,
        failure::Result,
        global::Global,
        output::Report,
        remote::read,
        target::{Local, Target},
        wanted::Exact,
    },
};

/// Take a version out of what ranges, channels and `latest` choose. It is served on to those who have it.
#[derive(Args)]
pub struct Yank {
    #[arg(value_name = "SLUG@VERSION")]
    release: Exact,
    /// Why; shown to everybody who asks for this version.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Take a yank back. Doing it twice is fine.
#[derive(Args)]
pub struct Unyank {
    #[arg(value_name = "SLUG@VERSION")]
    release: Exact,
}

#[derive(Serialize)]
struct Changed {
    slug: String,
    version: String,
    yanked: bool,
    reason: Option<String>,
}

impl From<ReleaseItem> for Changed {
    fn from(release: ReleaseItem) -> Self {
        Self { slug: release.slug, version: release.version, yanked: release.yanked_at.is_some(), reason: release.yank_reason }
    }
}

impl Report for Changed {
    fn text(&self) -> String {
        match &self.reason {
            Some(reason) => format!("{} {} is yanked: {reason}", self.slug, self.version),
            None => format!("{} {} is not yanked", self.slug, self.version),
        }
    }
}

impl Yank {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let Exact { slug, version } = self.release;
        let release = match global.target("releases yank").await? {
            Target::Local(Local { app, caller, .. }) => ReleaseItem::new(&releases::yank(&app, &caller, slug, version, self.reason).await?),
            Target::Remote(remote) => {
                let request = remote.request(Method::POST, ["releases", slug.as_str(), &version.to_string(), "yank"]);
                read(remote.send(request.json(&json!({"reason": self.reason}))).await?.1)?
            }
        };
        global.print(&Changed::from(release))?;
        Ok(Outcome::Done)
    }
}

impl Unyank {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let Exact { slug, version } = self.release;
        let release = match global.target("releases unyank").await? {
            Target::Local(Local { app, caller, .. }) => ReleaseItem::new(&releases::unyank(&app, &caller, slug, version).await?),
            Target::Remote(remote) => {
                let request = remote.request(Method::DELETE, ["releases", slug.as_str(), &version.to_string(), "yank"]);
                read(remote.send(request).await?.1)?
            }
        };
        global.print(&Changed::from(release))?;
        Ok(Outcome::Done)
    }
}
