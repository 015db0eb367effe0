//! `plugyard plugins rollback`

use clap::Args;
use reqwest::Method;
use serde::Serialize;

use super::moved::Moved;
use crate::{
    app::plugins,
    cli::{Outcome, failure::Result, global::Global, output::Report, remote::read, target::Target},
    domain::Slug,
};

/// Move a user's plugin back to the version that was installed before; again goes one further.
#[derive(Args)]
pub struct Rollback {
    slug: Slug,
    /// For whom: a name, an e-mail address or an id. With --server it can be left out and means the token's owner.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Take the plugin's state back as well, to the snapshot that the update made.
    #[arg(long)]
    restore_state: bool,
}

#[derive(Serialize)]
#[serde(transparent)]
struct RolledBack(Moved);

impl Report for RolledBack {
    fn text(&self) -> String {
        let Moved { slug, user, previous_version, new_version } = &self.0;
        format!("{slug} is back from {previous_version} to {new_version} for {user}")
    }
}

impl Rollback {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let slug = &self.slug;
        let moved = match global.target("plugins rollback").await? {
            Target::Local(local) => {
                let user = local.user(self.user.as_deref()).await?;
                let moved = plugins::rollback(&local.app, &local.caller, &user.id, slug.as_str(), self.restore_state).await?;
                Moved::new(slug, user.username, moved.into())
            }
            Target::Remote(remote) => {
                let subject = remote.subject(self.user.as_deref()).await?;
                let request = remote.request(Method::POST, subject.route(&[slug.as_str(), "rollback"]));
                let request = request.json(&serde_json::json!({"restore_state": self.restore_state}));
                Moved::new(slug, subject.name, read(remote.send(request).await?.1)?)
            }
        };
        global.print(&RolledBack(moved))?;
        Ok(Outcome::Done)
    }
}
