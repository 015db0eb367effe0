//! `plugyard state list`, `get`, `history` and `stats`

use clap::Args;
use reqwest::Method;
use serde::Serialize;
use serde_json::Value;

use super::place::{Key, Owner, Place, id, request};
use crate::{
    app::state::{self, ListRequest},
    cli::{
        Outcome,
        failure::Result,
        global::Global,
        output::{Report, table},
        remote::read,
    },
    error::Error,
};

/// Entries in one answer.
const PAGE: i64 = 1000;

/// List a user's entries, the last changed first.
#[derive(Args)]
pub struct List {
    #[command(flatten)]
    owner: Owner,
    /// Only of this plugin.
    plugin: Option<String>,
}

#[derive(Serialize, serde::Deserialize)]
struct Line {
    id: String,
    plugin_id: String,
    page_id: Option<String>,
    state_key: Option<String>,
    state_size: i64,
    version: i64,
    updated_at: String,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Lines(Vec<Line>);

impl Report for Lines {
    fn text(&self) -> String {
        let row = |line: &Line| {
            [
                line.plugin_id.clone(),
                line.page_id.clone().unwrap_or_default(),
                line.state_key.clone().unwrap_or_default(),
                line.state_size.to_string(),
                line.version.to_string(),
                line.updated_at.clone(),
            ]
        };
        table(["PLUGIN", "PAGE", "KEY", "BYTES", "VERSION", "CHANGED"], self.0.iter().map(row))
    }
}

impl List {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let place = self.owner.place(global, "state list").await?;
        let mut lines: Vec<Line> = Vec::new();
        loop {
            let offset = i64::try_from(lines.len()).unwrap_or(i64::MAX);
            let page: Vec<Line> = match &place {
                Place::Here { app, access } => {
                    let request = ListRequest { plugin_id: self.plugin.clone(), limit: PAGE, offset, ..ListRequest::default() };
                    let line = |found: state::Found| Line {
                        id: found.entry.id,
                        plugin_id: found.entry.key.plugin.to_string(),
                        page_id: found.entry.key.page_id().map(str::to_owned),
                        state_key: found.entry.key.state_key().map(str::to_owned),
                        state_size: found.entry.size,
                        version: found.entry.version,
                        updated_at: found.entry.updated_at.to_string(),
                    };
                    let gather = move |lines: &mut Vec<Line>, found| {
                        lines.push(line(found));
                        Ok(())
                    };
                    state::list(app, access, request, Vec::new(), gather).await?
                }
                Place::There { remote, route } => {
                    let mut query = vec![("limit", PAGE.to_string()), ("offset", offset.to_string())];
                    query.extend(self.plugin.clone().map(|plugin| ("plugin_id", plugin)));
                    read(remote.send(request(remote, route, Method::GET, &[]).query(&query)).await?.1)?
                }
            };
            let found = page.len();
            lines.extend(page);
            if i64::try_from(found).unwrap_or(i64::MAX) < PAGE {
                break;
            }
        }
        global.print(&Lines(lines))?;
        Ok(Outcome::Done)
    }
}

/// Print the document of one entry as JSON.
#[derive(Args)]
pub struct Get {
    #[command(flatten)]
    key: Key,
}

#[derive(Serialize)]
#[serde(transparent)]
pub struct Document(pub Value);

impl Report for Document {
    fn text(&self) -> String {
        self.0.to_string()
    }
}

impl Get {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let document = match self.key.owner.place(global, "state get").await? {
            Place::Here { app, access } => {
                let found = state::find(&app, &access, self.key.text()).await?;
                serde_json::from_slice(&found.json).map_err(|e| Error::storage("a stored document cannot be read", e))?
            }
            Place::There { remote, route } => {
                remote.send(request(&remote, &route, Method::GET, &["entry"]).query(&self.key.query())).await?.1
            }
        };
        global.print(&Document(document))?;
        Ok(Outcome::Done)
    }
}

/// List an entry's revisions, newest first.
#[derive(Args)]
pub struct History {
    #[command(flatten)]
    key: Key,
}

#[derive(Serialize, serde::Deserialize)]
struct RevisionLine {
    version: i64,
    change: String,
    size: i64,
    actor: String,
    device_id: Option<String>,
    created_at: String,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Revisions(Vec<RevisionLine>);

impl Report for Revisions {
    fn text(&self) -> String {
        let row = |line: &RevisionLine| {
            [line.version.to_string(), line.change.clone(), line.size.to_string(), line.actor.clone(), line.created_at.clone()]
        };
        table(["VERSION", "CHANGE", "BYTES", "BY", "AT"], self.0.iter().map(row))
    }
}

impl History {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let place = self.key.owner.place(global, "state history").await?;
        let id = id(&place, &self.key).await?;
        let lines = match &place {
            Place::Here { app, access } => {
                let line = |revision: crate::domain::state::Revision| RevisionLine {
                    version: revision.version,
                    change: revision.change.as_str().to_owned(),
                    size: revision.size,
                    actor: revision.actor,
                    device_id: revision.device,
                    created_at: revision.created_at.to_string(),
                };
                state::history(app, access, &id, None, usize::MAX).await?.items.into_iter().map(line).collect()
            }
            Place::There { remote, route } => {
                let route = route.iter().map(String::as_str).chain([id.as_str(), "history"]).collect::<Vec<_>>();
                remote.list(route).await?.into_iter().map(read).collect::<Result<_>>()?
            }
        };
        global.print(&Revisions(lines))?;
        Ok(Outcome::Done)
    }
}

/// Print sums over a user's state, by plugin.
#[derive(Args)]
pub struct Stats {
    #[command(flatten)]
    owner: Owner,
}

#[derive(Serialize, serde::Deserialize)]
struct PluginSums {
    plugin_id: String,
    states: i64,
    size: i64,
    stored_size: i64,
}

#[derive(Serialize, serde::Deserialize)]
struct Sums {
    total_states: i64,
    total_size: i64,
    stored_size: i64,
    plugins: Vec<PluginSums>,
}

impl Report for Sums {
    fn text(&self) -> String {
        let row =
            |sums: &PluginSums| [sums.plugin_id.clone(), sums.states.to_string(), sums.size.to_string(), sums.stored_size.to_string()];
        let all =
            PluginSums { plugin_id: "(all)".to_owned(), states: self.total_states, size: self.total_size, stored_size: self.stored_size };
        table(["PLUGIN", "ENTRIES", "BYTES", "STORED"], self.plugins.iter().chain([&all]).map(row))
    }
}

impl Stats {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let sums = match self.owner.place(global, "state stats").await? {
            Place::Here { app, access } => {
                let stats = state::stats(&app, &access).await?;
                let total = stats.total();
                let sums = |(plugin, used): (crate::domain::Slug, state::Used)| PluginSums {
                    plugin_id: plugin.to_string(),
                    states: used.entries,
                    size: used.size,
                    stored_size: used.stored_size,
                };
                Sums {
                    total_states: total.entries,
                    total_size: total.size,
                    stored_size: total.stored_size,
                    plugins: stats.plugins.into_iter().map(sums).collect(),
                }
            }
            Place::There { remote, route } => read(remote.send(request(&remote, &route, Method::GET, &["stats"])).await?.1)?,
        };
        global.print(&sums)?;
        Ok(Outcome::Done)
    }
}
