//! `plugyard plugins list`

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use crate::{
    app::{
        plugins,
        releases::{self, Search},
    },
    cli::{
        Outcome,
        failure::Result,
        global::Global,
        output::{ALL, Report},
        remote::{flag, member},
        target::{Local, Target},
    },
    domain::{Slug, Version, plugin::Plugin, release::CatalogueEntry},
};

/// List plugins, one line each: `slug (version) — ENABLED` or `DISABLED`.
///
/// Without --user: every published plugin with its newest release, and whether it is available to everybody. With --user:
/// that user's plugins with the installed version, and whether the user has them enabled.
#[derive(Args)]
pub struct List {
    /// Whose: a name, an e-mail address or an id.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
}

#[derive(Serialize)]
struct Line {
    slug: String,
    version: String,
    enabled: bool,
}

#[derive(Serialize)]
struct Lines(Vec<Line>);

impl Report for Lines {
    fn text(&self) -> String {
        let line = |plugin: &Line| {
            let state = if plugin.enabled { "ENABLED" } else { "DISABLED" };
            format!("{} ({}) — {state}", plugin.slug, plugin.version)
        };
        self.0.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl List {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let lines = match (global.target("plugins list").await?, self.user) {
            (Target::Local(Local { app, .. }), None) => {
                let line = |row: CatalogueEntry| Line::new(&row.newest.slug, &row.newest.version, row.available);
                releases::catalogue(&app, Search::default(), None, ALL).await?.items.into_iter().map(line).collect()
            }
            (Target::Local(local), Some(name)) => {
                let user = local.user(Some(&name)).await?;
                let line = |plugin: Plugin| Line::new(&plugin.slug, &plugin.version, plugin.enabled);
                plugins::list(&local.app, &user.id).await?.into_iter().map(|listed| line(listed.installed.plugin)).collect()
            }
            (Target::Remote(remote), None) => answered(&remote.list(["releases"]).await?, "available")?,
            (Target::Remote(remote), Some(name)) => {
                let subject = remote.subject(Some(&name)).await?;
                answered(&remote.list(subject.route(&[])).await?, "enabled")?
            }
        };
        global.print(&Lines(lines))?;
        Ok(Outcome::Done)
    }
}

impl Line {
    fn new(slug: &Slug, version: &Version, enabled: bool) -> Self {
        Self { slug: slug.to_string(), version: version.to_string(), enabled }
    }
}

/// The lines of a server's list, in which `state` says whether the plugin is on.
fn answered(items: &[Value], state: &str) -> Result<Vec<Line>> {
    let line = |item| Ok(Line { slug: member(item, "slug")?, version: member(item, "version")?, enabled: flag(item, state)? });
    items.iter().map(line).collect()
}
