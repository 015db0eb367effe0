//! `plugyard state set`, `delete`, `rollback` and `cleanup`

use clap::Args;
use reqwest::Method;
use serde::Serialize;
use serde_json::json;

use super::place::{Key, Owner, Place, id, request, write};
use crate::{
    app::state::{self, Draft, Facts, Form, Request},
    cli::{
        Outcome,
        failure::{Failure, Result},
        global::Global,
        output::Report,
    },
    domain::state::Guard,
};

/// Create an entry or replace its document.
#[derive(Args)]
pub struct Set {
    #[command(flatten)]
    key: Key,
    /// The document, as JSON.
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    document: String,
}

/// Delete an entry; its history stays. Doing it twice is fine.
#[derive(Args)]
pub struct Delete {
    #[command(flatten)]
    key: Key,
}

/// Make the document of an earlier version the current one again.
#[derive(Args)]
pub struct Rollback {
    #[command(flatten)]
    key: Key,
    /// A version of the entry's history.
    #[arg(long, value_name = "VERSION")]
    to: i64,
}

/// Sweep up a user's entries whose time has come; they were gone before.
#[derive(Args)]
pub struct Cleanup {
    #[command(flatten)]
    owner: Owner,
}

#[derive(Serialize)]
struct Done {
    /// What was done to which entry.
    message: String,
}

impl Report for Done {
    fn text(&self) -> String {
        self.message.clone()
    }
}

fn done(global: &Global, message: String) -> Result<Outcome> {
    global.print(&Done { message })?;
    Ok(Outcome::Done)
}

impl Set {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        match self.key.owner.place(global, "state set").await? {
            Place::Here { app, access } => {
                let draft = Draft { text: self.document.into(), facts: Facts::default(), form: Form::Any };
                let put = Request::Put { draft, guard: Guard::unconditional() };
                state::write(&app, &access, &self.key.text(), &put).await?;
            }
            Place::There { remote, route } => {
                let put = || {
                    let put = request(&remote, &route, Method::PUT, &["entry"]).query(&self.key.query());
                    put.header("content-type", "application/json").body(self.document.clone())
                };
                write(&remote, &route, &self.key, put).await?;
            }
        }
        done(global, format!("{} is set", self.key.name()))
    }
}

impl Delete {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let deleted = match self.key.owner.place(global, "state delete").await? {
            Place::Here { app, access } => {
                let delete = Request::Delete { guard: Guard::unconditional() };
                state::write(&app, &access, &self.key.text(), &delete).await.map(drop).map_err(Failure::from)
            }
            Place::There { remote, route } => {
                let delete = || request(&remote, &route, Method::DELETE, &["entry"]).query(&self.key.query());
                write(&remote, &route, &self.key, delete).await
            }
        };
        match deleted {
            Ok(()) => done(global, format!("{} is deleted", self.key.name())),
            Err(failure) if failure.is_not_found() => done(global, format!("{} was not there", self.key.name())),
            Err(failure) => Err(failure),
        }
    }
}

impl Rollback {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let place = self.key.owner.place(global, "state rollback").await?;
        let id = id(&place, &self.key).await?;
        match &place {
            Place::Here { app, access } => drop(state::rollback(app, access, &id, self.to, Guard::unconditional()).await?),
            Place::There { remote, route } => {
                let back = || request(remote, route, Method::POST, &[&id, "rollback"]).json(&json!({"to": self.to}));
                write(remote, route, &self.key, back).await?;
            }
        }
        done(global, format!("{} is back at what it was in version {}", self.key.name(), self.to))
    }
}

impl Cleanup {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let swept = match self.owner.place(global, "state cleanup").await? {
            Place::Here { app, access } => state::expire_of(&app, &access).await?.to_string(),
            Place::There { remote, route } => {
                let answer = remote.send(request(&remote, &route, Method::DELETE, &["cleanup"])).await?.1;
                answer.get("deleted_count").map(ToString::to_string).unwrap_or_default()
            }
        };
        done(global, format!("{swept} entries that had ended are swept up"))
    }
}
