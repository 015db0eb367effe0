//! `plugyard token revoke`

use clap::Args;
use reqwest::Method;
use serde::Serialize;

use super::require_own;
use crate::{
    app::tokens,
    cli::{Outcome, failure::Result, global::Global, output::Report, target::Target},
};

/// End an API token; the next request with it is refused.
#[derive(Args)]
pub struct Revoke {
    /// The token's id, as `plugyard token list` shows it.
    id: String,
    /// Whose: a name, an e-mail address or an id. With --server it can be left out and means the token's owner.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
}

#[derive(Serialize)]
struct Revoked {
    id: String,
}

impl Report for Revoked {
    fn text(&self) -> String {
        format!("{} is revoked", self.id)
    }
}

impl Revoke {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        match global.target("token revoke").await? {
            Target::Local(local) => {
                let owner = local.user(self.user.as_deref()).await?;
                tokens::revoke(&local.app, &local.caller, &owner.id, &self.id).await?;
            }
            Target::Remote(remote) => {
                require_own(&remote, self.user.as_deref()).await?;
                remote.send(remote.request(Method::DELETE, ["tokens", &self.id])).await?;
            }
        }
        global.print(&Revoked { id: self.id })?;
        Ok(Outcome::Done)
    }
}
