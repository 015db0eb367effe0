//! `plugyard releases list`

use clap::Args;
use serde::{Deserialize, Serialize};

use super::shapes::{CatalogueItem, ReleaseItem};
use crate::{
    app::releases::{self, Search, Versions},
    cli::{
        Outcome,
        failure::Result,
        global::Global,
        output::{ALL, Report, table},
        remote::read,
        target::{Local, Target},
    },
    domain::Slug,
};

/// List every published plugin with its newest release, or all versions and channels of one.
#[derive(Args)]
pub struct List {
    slug: Option<Slug>,
}

impl List {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        match (global.target("releases list").await?, self.slug) {
            (Target::Local(Local { app, .. }), None) => {
                let rows = releases::catalogue(&app, Search::default(), None, ALL).await?.items;
                global.print(&Catalogue(rows.into_iter().map(CatalogueItem::from).collect()))?;
            }
            (Target::Local(Local { app, caller, .. }), Some(slug)) => {
                global.print(&OneSlug::from(releases::versions(&app, &caller, slug).await?))?
            }
            (Target::Remote(remote), None) => {
                let items = remote.list(["releases"]).await?;
                global.print(&Catalogue(items.into_iter().map(read).collect::<Result<_>>()?))?;
            }
            (Target::Remote(remote), Some(slug)) => {
                let answer = remote.get(["releases", slug.as_str()]).await?;
                global.print(&read::<OneSlug>(answer)?)?;
            }
        }
        Ok(Outcome::Done)
    }
}

#[derive(Serialize)]
struct Catalogue(Vec<CatalogueItem>);

impl Report for Catalogue {
    fn text(&self) -> String {
        let row = |item: &CatalogueItem| {
            let available = if item.available { "yes" } else { "no" };
            [item.slug.clone(), item.version.clone(), available.to_owned(), item.installs.to_string(), item.name.clone()]
        };
        table(["SLUG", "VERSION", "AVAILABLE", "INSTALLS", "NAME"], self.0.iter().map(row))
    }
}

/// Everything about one slug.
#[derive(Serialize, Deserialize)]
struct OneSlug {
    slug: String,
    available: bool,
    latest: Option<String>,
    /// Highest first.
    versions: Vec<ReleaseItem>,
    channels: Vec<ChannelItem>,
}

#[derive(Serialize, Deserialize)]
struct ChannelItem {
    name: String,
    version: String,
}

impl From<Versions> for OneSlug {
    fn from(found: Versions) -> Self {
        let channels = found.channels.iter();
        Self {
            slug: found.config.slug.to_string(),
            available: found.config.available,
            latest: found.latest.map(|version| version.to_string()),
            versions: found.releases.iter().map(ReleaseItem::new).collect(),
            channels: channels
                .map(|(name, version)| ChannelItem { name: name.as_str().to_owned(), version: version.to_string() })
                .collect(),
        }
    }
}

impl Report for OneSlug {
    fn text(&self) -> String {
        let row = |release: &ReleaseItem| {
            let latest = (self.latest.as_ref() == Some(&release.version)).then_some("latest");
            let channels = self.channels.iter().filter(|channel| channel.version == release.version).map(|channel| channel.name.as_str());
            let names = latest.into_iter().chain(channels).collect::<Vec<_>>().join(" ");
            [release.version.clone(), release.visibility.clone(), release.published_at.clone(), names, release.remark()]
        };
        table(["VERSION", "VISIBILITY", "PUBLISHED", "CHANNELS", ""], self.versions.iter().map(row))
    }
}
