//! `plugyard user`

mod add;
mod change;
mod delete;
mod list;

use clap::Subcommand;
use serde::{Deserialize, Serialize};

use super::{Outcome, failure::Result, global::Global};
use crate::domain::user::User;

/// Accounts. With --server, for administrators. Accounts are named by username, e-mail address or id.
#[derive(Subcommand)]
pub enum UserCommand {
    Add(add::Add),
    List(list::List),
    Disable(change::Disable),
    Enable(change::Enable),
    SetPassword(change::SetPassword),
    SetRole(change::SetRole),
    Delete(delete::Delete),
}

impl UserCommand {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        match self {
            Self::Add(command) => command.run(global).await,
            Self::List(command) => command.run(global).await,
            Self::Disable(command) => command.run(global).await,
            Self::Enable(command) => command.run(global).await,
            Self::SetPassword(command) => command.run(global).await,
            Self::SetRole(command) => command.run(global).await,
            Self::Delete(command) => command.run(global).await,
        }
    }
}

/// An account as results show it, with the members that the server's answers have.
#[derive(Serialize, Deserialize)]
struct UserItem {
    id: String,
    username: String,
    email: Option<String>,
    full_name: Option<String>,
    is_active: bool,
    role: String,
}

impl From<User> for UserItem {
    fn from(user: User) -> Self {
        Self {
            id: user.id.to_string(),
            username: user.username,
            email: user.email,
            full_name: user.full_name,
            is_active: user.active,
            role: user.role.as_str().to_owned(),
        }
    }
}
