//! `plugyard plugins enable` and `plugyard plugins disable`

use clap::Args;
use reqwest::Method;
use serde::Serialize;
use serde_json::json;

use crate::{
    app::{plugins, releases},
    cli::{
        Outcome,
        failure::Result,
        global::Global,
        output::Report,
        target::{Local, Target},
    },
    domain::Slug,
};

/// Switch a plugin on, for everybody or for one user. Values and decisions of others stay as they are; doing it twice is fine.
#[derive(Args)]
pub struct Enable {
    #[command(flatten)]
    which: Which,
}

/// Switch a plugin off, for everybody or for one user. Nothing is lost; doing it twice is fine.
#[derive(Args)]
pub struct Disable {
    #[command(flatten)]
    which: Which,
    /// With --user: disable plugins that need this one too, instead of refusing.
    #[arg(long, requires = "user")]
    cascade: bool,
}

#[derive(Args)]
struct Which {
    slug: Slug,
    /// Decide for this user's plugin instead of for everybody: a name, an e-mail address or an id.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
}

impl Enable {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        switch(global, self.which, true, false, "plugins enable").await
    }
}

impl Disable {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        switch(global, self.which, false, self.cascade, "plugins disable").await
    }
}

#[derive(Serialize)]
struct Switched {
    slug: String,
    /// None: for everybody.
    user: Option<String>,
    enabled: bool,
}

impl Report for Switched {
    fn text(&self) -> String {
        let state = if self.enabled { "enabled" } else { "disabled" };
        format!("{} is {state} for {}", self.slug, self.user.as_deref().unwrap_or("everybody"))
    }
}

async fn switch(global: &Global, which: Which, enabled: bool, cascade: bool, command: &str) -> Result<Outcome> {
    let slug = which.slug;
    let user = match (global.target(command).await?, which.user) {
        (Target::Local(Local { app, caller, .. }), None) => {
            releases::set_available(&app, &caller, &slug, enabled).await?;
            None
        }
        (Target::Local(local), Some(name)) => {
            let user = local.user(Some(&name)).await?;
            plugins::set_enabled(&local.app, &local.caller, &user.id, slug.as_str(), enabled, cascade).await?;
            Some(user.username)
        }
        (Target::Remote(remote), None) => {
            let status = if enabled { "enabled" } else { "disabled" };
            let request = remote.request(Method::PUT, ["releases", slug.as_str(), "availability"]);
            remote.send(request.json(&json!({"status": status}))).await?;
            None
        }
        (Target::Remote(remote), Some(name)) => {
            let subject = remote.subject(Some(&name)).await?;
            let request = remote.request(Method::PATCH, subject.route(&[slug.as_str()])).query(&[("cascade", cascade)]);
            remote.send(request.json(&json!({"enabled": enabled}))).await?;
            Some(subject.name)
        }
    };
    global.print(&Switched { slug: slug.to_string(), user, enabled })?;
    Ok(Outcome::Done)
}
