//! Who may do what: roles, the scopes of tokens, and the caller that a token stands for.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Slug, UserId, state::PluginSet};
use crate::error::{Error, Result};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Admin,
    User,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::User => "user",
        }
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "admin" => Ok(Self::Admin),
            "user" => Ok(Self::User),
            _ => Err(Error::invalid("role", format!("{text:?} is neither `admin` nor `user`"))),
        }
    }
}

/// What an API token may be used for. A login has every scope; rights are scopes and the owner's role together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Scope {
    /// Every GET outside the state routes.
    Read,
    /// Writes under `/plugins`.
    Install,
    /// The state routes of every plugin, or of one.
    State(Option<Slug>),
    /// Writes under `/releases`.
    Publish,
    /// Includes all others.
    Admin,
}

impl FromStr for Scope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "read" => Ok(Self::Read),
            "install" => Ok(Self::Install),
            "state" => Ok(Self::State(None)),
            "publish" => Ok(Self::Publish),
            "admin" => Ok(Self::Admin),
            _ => match text.strip_prefix("state:").map(Slug::from_str) {
                Some(Ok(slug)) => Ok(Self::State(Some(slug))),
                _ => Err(Error::invalid(
                    "scopes",
                    format!("{text:?} is no scope; there are read, install, state, state:<slug>, publish and admin"),
                )),
            },
        }
    }
}

impl TryFrom<String> for Scope {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read => f.write_str("read"),
            Self::Install => f.write_str("install"),
            Self::State(None) => f.write_str("state"),
            Self::State(Some(slug)) => write!(f, "state:{slug}"),
            Self::Publish => f.write_str("publish"),
            Self::Admin => f.write_str("admin"),
        }
    }
}

/// Whether a holder of `held` may do what `wanted` stands for.
fn includes(held: &[Scope], wanted: &Scope) -> bool {
    held.iter().any(|scope| match (scope, wanted) {
        (Scope::Admin, _) | (Scope::State(None), Scope::State(_)) => true,
        (held, wanted) => held == wanted,
    })
}

/// How the caller proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A login of this server, by its session.
    Session(String),
    /// A token of the host application.
    Host,
    /// An API token, by its id and scopes.
    Token { id: String, scopes: Vec<Scope> },
    /// The command line on the machine itself, with the command's name.
    Local(String),
}

/// The authenticated user behind a request, to whom everything is scoped, or a command on the machine itself.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Nobody's id where [`Caller::is_person`] is false.
    pub user: UserId,
    pub username: String,
    pub role: Role,
    pub credential: Credential,
    /// The request this belongs to, for the audit log.
    pub request_id: Option<String>,
}

impl Caller {
    /// Whoever runs this command on the machine itself: an administrator without an account.
    pub fn local(command: &str) -> Self {
        Self {
            user: UserId::from_bytes([0; 16]),
            username: command.to_owned(),
            role: Role::Admin,
            credential: Credential::Local(format!("plugyard {command}")),
            request_id: None,
        }
    }

    pub fn has(&self, scope: &Scope) -> bool {
        match &self.credential {
            Credential::Session(_) | Credential::Host | Credential::Local(_) => true,
            Credential::Token { scopes, .. } => includes(scopes, scope),
        }
    }

    /// The plugins whose state the caller may touch; none without a scope for it.
    pub fn state_plugins(&self) -> PluginSet {
        match &self.credential {
            Credential::Token { scopes, .. } if !self.has(&Scope::State(None)) => {
                let slug = |scope: &Scope| if let Scope::State(slug) = scope { slug.clone() } else { None };
                PluginSet::Only(scopes.iter().filter_map(slug).collect())
            }
            _ => PluginSet::All,
        }
    }

    pub fn require(&self, scope: &Scope) -> Result<()> {
        if self.has(scope) { Ok(()) } else { Err(Error::Forbidden(format!("this token lacks the scope `{scope}`"))) }
    }

    /// An administrator's role, through a credential that carries it.
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin && self.has(&Scope::Admin)
    }

    pub fn require_admin(&self) -> Result<()> {
        if self.is_admin() { Ok(()) } else { Err(Error::Forbidden("only administrators may do this".to_owned())) }
    }

    /// An account, as opposed to a command on the machine itself.
    pub fn is_person(&self) -> bool {
        !matches!(self.credential, Credential::Local(_))
    }

    /// A new token can never do more than the one who makes it.
    pub fn may_grant(&self, scopes: &[Scope]) -> Result<()> {
        if matches!(&self.credential, Credential::Token { scopes, .. } if !scopes.contains(&Scope::Admin)) {
            return Err(Error::Forbidden("only a login or a token with the scope `admin` may make tokens".to_owned()));
        }
        match scopes.contains(&Scope::Admin) && self.role != Role::Admin {
            true => Err(Error::Forbidden("only administrators may make tokens with the scope `admin`".to_owned())),
            false => Ok(()),
        }
    }

    /// How records and the audit log name the one who acted.
    pub fn actor(&self) -> String {
        match &self.credential {
            Credential::Session(_) | Credential::Host => self.username.clone(),
            Credential::Token { id, .. } => format!("{} (token {id})", self.username),
            Credential::Local(command) => command.clone(),
        }
    }
}
