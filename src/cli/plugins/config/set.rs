//! `plugyard plugins config set` and `plugyard plugins config unset`

use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value};

use super::place::Place;
use crate::{
    cli::{
        Outcome,
        failure::{Failure, Result},
        global::Global,
        output::Report,
    },
    domain::config::Source,
};

/// Set one value; it must fit what the plugin's manifest says about it.
#[derive(Args)]
pub struct Set {
    #[command(flatten)]
    place: Place,
    name: String,
    /// JSON; text that is no JSON counts as a string, so `blue` and `"blue"` mean the same, and `"5"` is how to write the
    /// string 5. An object is merged into the one that is set (RFC 7396).
    #[arg(allow_hyphen_values = true)]
    value: String,
}

/// Take one value away, so that the one below it is in force again; doing it twice is fine.
#[derive(Args)]
pub struct Unset {
    #[command(flatten)]
    place: Place,
    name: String,
}

/// The value in force afterwards, with null and no source when there is none.
#[derive(Serialize)]
struct Changed {
    slug: String,
    user: Option<String>,
    module: Option<String>,
    name: String,
    value: Value,
    source: Option<Source>,
}

impl Report for Changed {
    fn text(&self) -> String {
        let module = self.module.as_ref().map(|module| format!("/{module}")).unwrap_or_default();
        let whose = self.user.as_deref().unwrap_or("everybody");
        let state = match self.source {
            Some(_) => self.value.to_string(),
            None => "not set".to_owned(),
        };
        format!("{}{module} {} is {state} for {whose}", self.slug, self.name)
    }
}

impl Set {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let value = serde_json::from_str(&self.value).unwrap_or(Value::String(self.value));
        // A merge patch would take the value away.
        if value.is_null() {
            return Err(Failure::Usage("null cannot be set; `plugins config unset` takes a value away".to_owned()));
        }
        change(global, self.place, self.name, value, "plugins config set").await
    }
}

impl Unset {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        change(global, self.place, self.name, Value::Null, "plugins config unset").await
    }
}

async fn change(global: &Global, place: Place, name: String, value: Value, command: &str) -> Result<Outcome> {
    let target = global.target(command).await?;
    let patch = Map::from_iter([(name.clone(), value)]);
    let mut values = place.values(&target, Some(patch)).await?;
    let source = values.sources.remove(&name);
    let value = values.config.remove(&name).unwrap_or_default();
    global.print(&Changed { slug: place.slug.to_string(), user: values.user, module: place.module, name, value, source })?;
    Ok(Outcome::Done)
}
