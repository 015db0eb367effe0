//! `plugyard token`

mod create;
mod list;
mod revoke;

use clap::Subcommand;

use super::{
    Outcome,
    failure::{Failure, Result},
    global::Global,
    remote::{Remote, is_called},
};

/// API tokens: for pipelines and installers, limited by scopes and by what their owner may do.
#[derive(Subcommand)]
pub enum TokenCommand {
    Create(create::Create),
    List(list::List),
    Revoke(revoke::Revoke),
}

impl TokenCommand {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        match self {
            Self::Create(command) => command.run(global).await,
            Self::List(command) => command.run(global).await,
            Self::Revoke(command) => command.run(global).await,
        }
    }
}

/// A server's token routes are about the caller's own tokens.
async fn require_own(remote: &Remote, user: Option<&str>) -> Result<()> {
    let Some(name) = user else { return Ok(()) };
    match is_called(&remote.owner().await?, name) {
        true => Ok(()),
        false => Err(Failure::Usage("through a server, tokens can only be managed by their owner; leave out --user".to_owned())),
    }
}
