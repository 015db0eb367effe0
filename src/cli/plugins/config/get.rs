//! `plugyard plugins config get`

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::place::Place;
use crate::{
    cli::{
        Outcome,
        failure::Result,
        global::Global,
        output::{Report, table},
    },
    domain::config::Source,
    error::Error,
};

/// Print one value as JSON, or all with where they come from: `default`, `plugin` or `user`.
///
/// With --user it is the values in force for that user; without, those that are set for everybody.
#[derive(Args)]
pub struct Get {
    #[command(flatten)]
    place: Place,
    name: Option<String>,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    value: Value,
    source: Option<Source>,
}

/// One value; its text can be given to `set` again.
#[derive(Serialize)]
#[serde(transparent)]
struct One(Entry);

impl Report for One {
    fn text(&self) -> String {
        self.0.value.to_string()
    }
}

#[derive(Serialize)]
struct All(Vec<Entry>);

impl Report for All {
    fn text(&self) -> String {
        let row = |entry: &Entry| [entry.name.clone(), entry.value.to_string(), entry.source.map(word).unwrap_or_default().to_owned()];
        table(["NAME", "VALUE", "FROM"], self.0.iter().map(row))
    }
}

fn word(source: Source) -> &'static str {
    match source {
        Source::Default => "default",
        Source::Plugin => "plugin",
        Source::User => "user",
    }
}

impl Get {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let target = global.target("plugins config get").await?;
        let mut values = self.place.values(&target, None).await?;
        let mut entry = |(name, value)| Entry { source: values.sources.remove(&name), name, value };
        match self.name {
            None => global.print(&All(values.config.into_iter().map(entry).collect()))?,
            Some(name) => {
                let found = values.config.remove(&name);
                let value = found.ok_or_else(|| Error::NotFound(format!("value {name:?} of {}", self.place.slug)))?;
                global.print(&One(entry((name, value))))?;
            }
        }
        Ok(Outcome::Done)
    }
}
