//! `plugyard user disable`, `enable`, `set-password` and `set-role`

use clap::Args;
use reqwest::Method;
use serde::Serialize;
use serde_json::{Value, json};

use super::UserItem;
use crate::{
    app::accounts::{self, AccountChanges},
    cli::{
        Outcome,
        failure::Result,
        global::Global,
        output::Report,
        password::PasswordSource,
        remote::{member, read},
        target::Target,
    },
    domain::Role,
};

/// Switch an account off: its logins end and its tokens stop working. Nothing is lost; doing it twice is fine.
#[derive(Args)]
pub struct Disable {
    /// Username, e-mail address or id.
    user: String,
}

/// Switch an account on again.
#[derive(Args)]
pub struct Enable {
    /// Username, e-mail address or id.
    user: String,
}

/// Give an account another password; its logins end.
#[derive(Args)]
pub struct SetPassword {
    /// Username, e-mail address or id.
    user: String,
    #[command(flatten)]
    password: PasswordSource,
}

/// Make an account an administrator, or no longer one.
#[derive(Args)]
pub struct SetRole {
    /// Username, e-mail address or id.
    user: String,
    #[arg(value_name = "admin|user")]
    role: Role,
}

impl Disable {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let user = apply(global, "user disable", &self.user, Change::Active(false)).await?;
        print(global, format!("{} is disabled", user.username), user, None)
    }
}

impl Enable {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let user = apply(global, "user enable", &self.user, Change::Active(true)).await?;
        print(global, format!("{} is enabled", user.username), user, None)
    }
}

impl SetPassword {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let password = self.password.get()?;
        let user = apply(global, "user set-password", &self.user, Change::Password(password.text.clone())).await?;
        let password = password.generated();
        let text = match &password {
            Some(password) => format!("{} has the password {password}", user.username),
            None => format!("the password of {} is set", user.username),
        };
        print(global, text, user, password)
    }
}

impl SetRole {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let user = apply(global, "user set-role", &self.user, Change::Role(self.role)).await?;
        print(global, format!("{} has the role {}", user.username, user.role), user, None)
    }
}

enum Change {
    Active(bool),
    Password(String),
    Role(Role),
}

async fn apply(global: &Global, command: &str, name: &str, change: Change) -> Result<UserItem> {
    match global.target(command).await? {
        Target::Local(local) => {
            let id = local.user(Some(name)).await?.id;
            Ok(accounts::update(&local.app, &local.caller, &id, change.here()).await?.into())
        }
        Target::Remote(remote) => {
            let id = member(&remote.user(name).await?, "id")?;
            read(remote.send(remote.request(Method::PATCH, ["users", &id]).json(&change.at_server())).await?.1)
        }
    }
}

impl Change {
    fn here(self) -> AccountChanges {
        match self {
            Self::Active(active) => AccountChanges { active: Some(active), ..AccountChanges::default() },
            Self::Password(password) => AccountChanges { password: Some(password), ..AccountChanges::default() },
            Self::Role(role) => AccountChanges { role: Some(role), ..AccountChanges::default() },
        }
    }

    fn at_server(&self) -> Value {
        match self {
            Self::Active(active) => json!({"is_active": active}),
            Self::Password(password) => json!({"password": password}),
            Self::Role(role) => json!({"role": role}),
        }
    }
}

#[derive(Serialize)]
struct Changed {
    id: String,
    username: String,
    is_active: bool,
    role: String,
    /// Where it was generated.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
    #[serde(skip)]
    text: String,
}

impl Report for Changed {
    fn text(&self) -> String {
        self.text.clone()
    }
}

fn print(global: &Global, text: String, user: UserItem, password: Option<String>) -> Result<Outcome> {
    let UserItem { id, username, is_active, role, .. } = user;
    global.print(&Changed { id, username, is_active, role, password, text })?;
    Ok(Outcome::Done)
}
