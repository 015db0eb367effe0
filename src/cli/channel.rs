//! `plugyard channel`

use clap::Subcommand;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Outcome,
    failure::Result,
    global::Global,
    output::Report,
    remote::read,
    target::{Local, Target},
};
use crate::{
    app::releases,
    domain::{Channel, Slug, VersionSpec},
};

/// Channels: movable names for versions, as in `plugyard plugins install Demo@beta`.
#[derive(Subcommand)]
pub enum ChannelCommand {
    /// Point a channel at a version, making the channel if need be.
    Set {
        slug: Slug,
        name: Channel,
        /// A version, range, other channel or `latest`: the channel keeps the exact version that this stands for now.
        version: VersionSpec,
    },
    /// Remove a channel; the version that it named stays.
    Delete { slug: Slug, name: Channel },
}

#[derive(Serialize, Deserialize)]
struct Set {
    slug: String,
    name: String,
    version: String,
}

impl Report for Set {
    fn text(&self) -> String {
        format!("{} {} is {}", self.slug, self.name, self.version)
    }
}

#[derive(Serialize)]
struct Deleted {
    slug: String,
    name: String,
}

impl Report for Deleted {
    fn text(&self) -> String {
        format!("{} {} is deleted", self.slug, self.name)
    }
}

impl ChannelCommand {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        match self {
            Self::Set { slug, name, version } => global.print(&set(global, slug, name, version).await?)?,
            Self::Delete { slug, name } => global.print(&delete(global, slug, name).await?)?,
        }
        Ok(Outcome::Done)
    }
}

async fn set(global: &Global, slug: Slug, name: Channel, version: VersionSpec) -> Result<Set> {
    match global.target("channel set").await? {
        Target::Local(Local { app, caller, .. }) => {
            let release = releases::set_channel(&app, &caller, slug, name.clone(), version).await?;
            Ok(Set { slug: release.slug.to_string(), name: name.as_str().to_owned(), version: release.version.to_string() })
        }
        Target::Remote(remote) => {
            let request = remote.request(Method::PUT, ["releases", slug.as_str(), "channels", name.as_str()]);
            let (_, answer) = remote.send(request.json(&json!({"version": version.to_string()}))).await?;
            read(answer)
        }
    }
}

async fn delete(global: &Global, slug: Slug, name: Channel) -> Result<Deleted> {
    let deleted = Deleted { slug: slug.to_string(), name: name.as_str().to_owned() };
    match global.target("channel delete").await? {
        Target::Local(Local { app, caller, .. }) => releases::delete_channel(&app, &caller, slug, name).await?,
        Target::Remote(remote) => {
            let request = remote.request(Method::DELETE, ["releases", slug.as_str(), "channels", name.as_str()]);
            remote.send(request).await?;
        }
    }
    Ok(deleted)
}
