//! `plugyard user list`

use clap::Args;
use serde::Serialize;

use super::UserItem;
use crate::{
    app::accounts,
    cli::{
        Outcome,
        failure::Result,
        global::Global,
        output::{ALL, Report, table},
        remote::read,
        target::{Local, Target},
    },
};

/// List all accounts.
#[derive(Args)]
pub struct List {}

#[derive(Serialize)]
struct Users(Vec<UserItem>);

impl Report for Users {
    fn text(&self) -> String {
        let row = |user: &UserItem| {
            let active = if user.is_active { "yes" } else { "no" };
            let email = user.email.clone().unwrap_or_default();
            [user.username.clone(), email, user.role.clone(), active.to_owned(), user.id.clone()]
        };
        table(["USERNAME", "EMAIL", "ROLE", "ACTIVE", "ID"], self.0.iter().map(row))
    }
}

impl List {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let mut users: Vec<UserItem> = match global.target("user list").await? {
            Target::Local(Local { app, caller, .. }) => {
                accounts::list(&app, &caller, None, ALL).await?.items.into_iter().map(UserItem::from).collect()
            }
            Target::Remote(remote) => remote.list(["users"]).await?.into_iter().map(read).collect::<Result<_>>()?,
        };
        users.sort_by_cached_key(|user| user.username.to_lowercase());
        global.print(&Users(users))?;
        Ok(Outcome::Done)
    }
}
