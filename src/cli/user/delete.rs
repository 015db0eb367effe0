//! `plugyard user delete`

use clap::Args;
use reqwest::Method;
use serde::Serialize;

use crate::{
    app::accounts,
    cli::{Outcome, failure::Result, global::Global, output::Report, remote::member, target::Target},
};

/// Delete an account with its plugins, config and tokens. Releases that it published stay.
#[derive(Args)]
pub struct Delete {
    /// Username, e-mail address or id.
    user: String,
}

#[derive(Serialize)]
struct Deleted {
    id: String,
    username: String,
}

impl Report for Deleted {
    fn text(&self) -> String {
        format!("{} is deleted", self.username)
    }
}

impl Delete {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let deleted = match global.target("user delete").await? {
            Target::Local(local) => {
                let user = local.user(Some(&self.user)).await?;
                accounts::delete(&local.app, &local.caller, &user.id).await?;
                Deleted { id: user.id.to_string(), username: user.username }
            }
            Target::Remote(remote) => {
                let user = remote.user(&self.user).await?;
                let deleted = Deleted { id: member(&user, "id")?, username: member(&user, "username")? };
                remote.send(remote.request(Method::DELETE, ["users", &deleted.id])).await?;
                deleted
            }
        };
        global.print(&deleted)?;
        Ok(Outcome::Done)
    }
}
