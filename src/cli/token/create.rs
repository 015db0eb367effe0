//! `plugyard token create`

use std::time::Duration;

use clap::Args;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::require_own;
use crate::{
    app::{
        now,
        tokens::{self, NewToken},
    },
    cli::{Outcome, failure::Result, global::Global, output::Report, remote::read, target::Target},
    domain::{Scope, Timestamp},
};

/// Make an API token and print it, alone on standard output. It is shown this once and stored hashed.
#[derive(Args)]
pub struct Create {
    /// What the token is for, as lists show it.
    name: String,
    /// Whose: a name, an e-mail address or an id. With --server it can be left out and means the token's owner.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// What it may do: read, install, state, state:SLUG, publish or admin; several are separated by spaces or commas.
    #[arg(long = "scope", value_name = "SCOPE", required = true, num_args = 1.., value_delimiter = ',')]
    scopes: Vec<Scope>,
    /// How long it works, 90d for instance; for ever when not given.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    expires: Option<Duration>,
}

#[derive(Serialize, Deserialize)]
struct Created {
    id: String,
    name: String,
    token: String,
    scopes: Vec<Scope>,
    expires_at: Option<Timestamp>,
    created_at: Timestamp,
}

impl Report for Created {
    fn text(&self) -> String {
        self.token.clone()
    }
}

impl Create {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let expires_at = self.expires.map(|duration| now().plus(duration));
        let created = match global.target("token create").await? {
            Target::Local(local) => {
                let owner = local.user(self.user.as_deref()).await?;
                let new = NewToken { name: self.name, scopes: self.scopes, expires_at };
                let (made, token) = tokens::create(&local.app, &local.caller, &owner.id, new).await?;
                let (expires_at, created_at) = (made.expires_at, made.created_at);
                Created { id: made.id, name: made.name, token, scopes: made.scopes, expires_at, created_at }
            }
            Target::Remote(remote) => {
                require_own(&remote, self.user.as_deref()).await?;
                let new = json!({"name": self.name, "scopes": self.scopes, "expires_at": expires_at});
                read(remote.send(remote.request(Method::POST, ["tokens"]).json(&new)).await?.1)?
            }
        };
        global.print(&created)?;
        Ok(Outcome::Done)
    }
}
