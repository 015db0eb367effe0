//! `plugyard plugins update`

use clap::Args;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    bulk::Bulk,
    moved::{Moved, Versions},
};
use crate::{
    app::{plugins, releases},
    cli::{
        Outcome,
        failure::Result,
        global::Global,
        output::Report,
        remote::read,
        target::{Local, Target},
        wanted::Wanted,
    },
};

/// Move a plugin to another version, for one user or for everybody who has it. Values and enablement stay; when anything
/// fails, the old version goes on.
#[derive(Args)]
pub struct Update {
    /// A version, range or channel after the `@`; without one it is the latest.
    #[arg(value_name = "SLUG[@RANGE]")]
    wanted: Wanted,
    /// For whom: a name, an e-mail address or an id. With --server it can be left out and means the token's owner.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// For everybody who has the plugin. Whoever fails is named, the others are updated; it can be run again.
    #[arg(long, conflicts_with = "user")]
    all_users: bool,
}

#[derive(Deserialize)]
struct Answer {
    data: Versions,
}

impl Update {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let target = global.target("plugins update").await?;
        if self.all_users {
            let bulk = for_everybody(&target, self.wanted).await?;
            global.print(&bulk)?;
            return Ok(bulk.outcome());
        }
        global.print(&Updated(for_one(&target, self.wanted, self.user.as_deref()).await?))?;
        Ok(Outcome::Done)
    }
}

async fn for_everybody(target: &Target, Wanted { slug, version }: Wanted) -> Result<Bulk> {
    let answer = match target {
        Target::Local(Local { app, caller, .. }) => releases::update_all(app, caller, &slug, Some(version)).await?.into(),
        Target::Remote(remote) => {
            let request = remote.request(Method::POST, ["releases", slug.as_str(), "update-all"]);
            read(remote.send(request.json(&json!({"version": version.to_string()}))).await?.1)?
        }
    };
    Ok(Bulk::answered(&slug, answer))
}

async fn for_one(target: &Target, Wanted { slug, version }: Wanted, user: Option<&str>) -> Result<Moved> {
    match target {
        Target::Local(local) => {
            let user = local.user(user).await?;
            let moved = plugins::update(&local.app, &local.caller, &user.id, slug.as_str(), version).await?;
            Ok(Moved::new(&slug, user.username, moved.into()))
        }
        Target::Remote(remote) => {
            let subject = remote.subject(user).await?;
            let request = remote.request(Method::POST, subject.route(&[slug.as_str(), "update"]));
            let Answer { data } = read(remote.send(request.json(&json!({"version": version.to_string()}))).await?.1)?;
            Ok(Moved::new(&slug, subject.name, data))
        }
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Updated(Moved);

impl Report for Updated {
    fn text(&self) -> String {
        let Moved { slug, user, previous_version, new_version } = &self.0;
        match previous_version == new_version {
            true => format!("{slug} was at {new_version} already for {user}"),
            false => format!("{slug} is updated from {previous_version} to {new_version} for {user}"),
        }
    }
}
