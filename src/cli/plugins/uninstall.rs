//! `plugyard plugins uninstall`

use clap::Args;
use reqwest::Method;
use serde::Serialize;

use crate::{
    app::plugins,
    cli::{
        Outcome,
        failure::{Failure, Result},
        global::Global,
        output::Report,
        target::Target,
    },
    domain::Slug,
};

/// Take a plugin from a user. The release stays for others; doing it twice is fine.
#[derive(Args)]
pub struct Uninstall {
    slug: Slug,
    /// From whom: a name, an e-mail address or an id. With --server it can be left out and means the token's owner.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Uninstall plugins that need this one too, instead of refusing.
    #[arg(long)]
    cascade: bool,
    /// Erase what is kept of the plugin's state: entries, their history and snapshots.
    #[arg(long)]
    purge_state: bool,
}

#[derive(Serialize)]
struct Uninstalled {
    slug: String,
    user: String,
    /// False when the user did not have it.
    uninstalled: bool,
}

impl Report for Uninstalled {
    fn text(&self) -> String {
        let outcome = if self.uninstalled { "is uninstalled" } else { "was not installed" };
        format!("{} {outcome} for {}", self.slug, self.user)
    }
}

impl Uninstall {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let slug = self.slug.as_str();
        let (user, removed) = match global.target("plugins uninstall").await? {
            Target::Local(local) => {
                let user = local.user(self.user.as_deref()).await?;
                let removed = plugins::uninstall(&local.app, &local.caller, &user.id, slug, self.cascade, self.purge_state).await;
                (user.username, removed.map(drop).map_err(Failure::from))
            }
            Target::Remote(remote) => {
                let subject = remote.subject(self.user.as_deref()).await?;
                let request = remote
                    .request(Method::DELETE, subject.route(&[slug, "uninstall"]))
                    .query(&[("cascade", self.cascade), ("purge_state", self.purge_state)]);
                (subject.name, remote.send(request).await.map(drop))
            }
        };
        let uninstalled = match removed {
            Ok(()) => true,
            Err(failure) if failure.is_not_found() => false,
            Err(failure) => return Err(failure),
        };
        global.print(&Uninstalled { slug: slug.to_owned(), user, uninstalled })?;
        Ok(Outcome::Done)
    }
}
