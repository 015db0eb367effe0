//! `plugyard user add`

use clap::Args;
use reqwest::Method;
use serde::Serialize;
use serde_json::json;

use super::UserItem;
use crate::{
    app::accounts::{self, NewAccount},
    cli::{
        Outcome,
        failure::Result,
        global::Global,
        output::Report,
        password::PasswordSource,
        remote::read,
        target::{Local, Target},
    },
    domain::Role,
};

/// Make an account. A generated password is printed once and kept nowhere.
#[derive(Args)]
pub struct Add {
    /// The username.
    name: String,
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Make it an administrator.
    #[arg(long)]
    admin: bool,
    #[command(flatten)]
    password: PasswordSource,
}

#[derive(Serialize)]
struct Added {
    id: String,
    username: String,
    email: Option<String>,
    role: String,
    /// Where it was generated.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

impl Report for Added {
    fn text(&self) -> String {
        match &self.password {
            Some(password) => format!("{} is added with the password {password}", self.username),
            None => format!("{} is added", self.username),
        }
    }
}

impl Add {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let password = self.password.get()?;
        let role = if self.admin { Role::Admin } else { Role::User };
        let user: UserItem = match global.target("user add").await? {
            Target::Local(Local { app, caller, .. }) => {
                let account = NewAccount { username: self.name, email: self.email, full_name: None, password: password.text.clone(), role };
                accounts::create(&app, &caller, account).await?.into()
            }
            Target::Remote(remote) => {
                let account = json!({"username": self.name, "email": self.email, "password": password.text, "role": role});
                read(remote.send(remote.request(Method::POST, ["users"]).json(&account)).await?.1)?
            }
        };
        let UserItem { id, username, email, role, .. } = user;
        global.print(&Added { id, username, email, role, password: password.generated() })?;
        Ok(Outcome::Done)
    }
}
