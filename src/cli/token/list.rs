//! `plugyard token list`

use clap::Args;
use serde::{Deserialize, Serialize};

use super::require_own;
use crate::{
    app::tokens,
    cli::{
        Outcome,
        failure::Result,
        global::Global,
        output::{ALL, Report, table},
        remote::read,
        target::Target,
    },
    domain::{Scope, Timestamp, user::ApiToken},
};

/// List a user's API tokens that were not revoked, oldest first, without their secrets.
#[derive(Args)]
pub struct List {
    /// Whose: a name, an e-mail address or an id. With --server it can be left out and means the token's owner.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct TokenItem {
    id: String,
    name: String,
    scopes: Vec<Scope>,
    expires_at: Option<Timestamp>,
    created_at: Timestamp,
    last_used_at: Option<Timestamp>,
}

impl From<ApiToken> for TokenItem {
    fn from(token: ApiToken) -> Self {
        Self {
            id: token.id,
            name: token.name,
            scopes: token.scopes,
            expires_at: token.expires_at,
            created_at: token.created_at,
            last_used_at: token.last_used_at,
        }
    }
}

#[derive(Serialize)]
struct Tokens(Vec<TokenItem>);

impl Report for Tokens {
    fn text(&self) -> String {
        let row = |token: &TokenItem| {
            let scopes = token.scopes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            let expires = token.expires_at.map_or("never".to_owned(), |at| at.to_string());
            let used = token.last_used_at.map_or("never".to_owned(), |at| at.to_string());
            [token.id.clone(), token.name.clone(), scopes, expires, used]
        };
        table(["ID", "NAME", "SCOPES", "EXPIRES", "LAST USED"], self.0.iter().map(row))
    }
}

impl List {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let tokens = match global.target("token list").await? {
            Target::Local(local) => {
                let owner = local.user(self.user.as_deref()).await?;
                let page = tokens::list(&local.app, &local.caller, &owner.id, None, ALL).await?;
                page.items.into_iter().map(TokenItem::from).collect()
            }
            Target::Remote(remote) => {
                require_own(&remote, self.user.as_deref()).await?;
                remote.list(["tokens"]).await?.into_iter().map(read).collect::<Result<_>>()?
            }
        };
        global.print(&Tokens(tokens))?;
        Ok(Outcome::Done)
    }
}
