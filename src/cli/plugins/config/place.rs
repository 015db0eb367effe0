//! Where values are: plugin-wide, a user's plugin, or one of its modules; here or at a server.

use std::collections::BTreeMap;

use clap::Args;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    app::{
        plugins::{self, Config, NewValues},
        releases::{self, WideConfig},
    },
    cli::{
        failure::Result,
        remote::read,
        target::{Local, Target},
    },
    domain::{Slug, config::Source},
};

#[derive(Args)]
pub struct Place {
    pub slug: Slug,
    /// This user's values instead of the plugin-wide ones: a name, an e-mail address or an id.
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
    /// With --user: the values of this module of the plugin.
    #[arg(long, value_name = "ID", requires = "user")]
    pub module: Option<String>,
}

/// The values in force in a place; plugin-wide it is the values that are set.
pub struct Values {
    /// None: everybody.
    pub user: Option<String>,
    pub config: Map<String, Value>,
    pub sources: BTreeMap<String, Source>,
}

#[derive(Deserialize)]
struct WideAnswer {
    config: Map<String, Value>,
}

#[derive(Deserialize)]
struct Answer {
    config: Map<String, Value>,
    sources: BTreeMap<String, Source>,
}

impl Place {
    /// The values; after `patch`, a merge patch of those set in this place, where there is one.
    pub async fn values(&self, target: &Target, patch: Option<Map<String, Value>>) -> Result<Values> {
        match (target, self.user.as_deref()) {
            (Target::Local(local), None) => self.wide_here(local, patch).await,
            (Target::Local(local), Some(user)) => self.own_here(local, user, patch).await,
            (Target::Remote(remote), user) => {
                let (name, route) = match user {
                    None => (None, ["releases", self.slug.as_str(), "config"].map(str::to_owned).to_vec()),
                    Some(user) => {
                        let subject = remote.subject(Some(user)).await?;
                        let route = match &self.module {
                            None => subject.route(&[self.slug.as_str(), "config"]),
                            Some(module) => subject.route(&[self.slug.as_str(), "modules", module, "config"]),
                        };
                        (Some(subject.name), route)
                    }
                };
                let answer = match patch {
                    None => remote.get(route).await?,
                    Some(patch) => remote.send(remote.request(Method::PATCH, route).json(&patch)).await?.1,
                };
                if name.is_none() {
                    return Ok(Values::wide(read::<WideAnswer>(answer)?.config));
                }
                let Answer { config, sources } = read(answer)?;
                Ok(Values { user: name, config, sources })
            }
        }
    }

    async fn wide_here(&self, Local { app, caller, .. }: &Local, patch: Option<Map<String, Value>>) -> Result<Values> {
        let slug = self.slug.clone();
        let WideConfig { values, .. } = match patch {
            None => releases::wide_config(app, caller, slug).await?,
            Some(patch) => releases::set_wide_config(app, caller, slug, NewValues::Patch(patch), None).await?,
        };
        Ok(Values::wide(values))
    }

    async fn own_here(&self, local: &Local, user: &str, patch: Option<Map<String, Value>>) -> Result<Values> {
        let user = local.user(Some(user)).await?;
        let (slug, module) = (self.slug.as_str(), self.module.as_deref());
        let Config { effective, .. } = match patch {
            None => plugins::config(&local.app, &user.id, slug, module).await?,
            Some(patch) => plugins::set_config(&local.app, &local.caller, &user.id, slug, module, NewValues::Patch(patch), None).await?,
        };
        Ok(Values { user: Some(user.username), config: effective.values, sources: effective.sources })
    }
}

impl Values {
    fn wide(config: Map<String, Value>) -> Self {
        let sources = config.keys().map(|name| (name.clone(), Source::Plugin)).collect();
        Self { user: None, config, sources }
    }
}
