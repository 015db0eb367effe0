//! `plugyard audit`

use std::num::NonZeroUsize;

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};

use super::{
    Outcome,
    failure::Result,
    global::Global,
    output::{Report, table},
    remote::read,
    target::{Local, Target},
};
use crate::{app::audit_log, domain::audit::AuditEntry};

/// Who changed what.
#[derive(Subcommand)]
pub enum AuditCommand {
    List(List),
}

/// List changes, newest first: everybody's for administrators, their own for others.
#[derive(Args)]
pub struct List {
    /// How many at most.
    #[arg(long, value_name = "N", default_value = "100")]
    limit: NonZeroUsize,
}

/// One change, with the members that the server's answers have.
#[derive(Serialize, Deserialize)]
struct AuditItem {
    id: String,
    at: String,
    /// User, token or command.
    actor: String,
    /// None for a command on the server's machine.
    actor_id: Option<String>,
    action: String,
    object: String,
    request_id: Option<String>,
}

impl From<AuditEntry> for AuditItem {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id,
            at: entry.at.to_string(),
            actor: entry.actor,
            actor_id: entry.actor_id.map(|id| id.to_string()),
            action: entry.action,
            object: entry.object,
            request_id: entry.request_id,
        }
    }
}

#[derive(Serialize)]
struct Changes(Vec<AuditItem>);

impl Report for Changes {
    fn text(&self) -> String {
        let row = |item: &AuditItem| [item.at.clone(), item.actor.clone(), item.action.clone(), item.object.clone()];
        table(["AT", "BY", "ACTION", "OBJECT"], self.0.iter().map(row))
    }
}

impl AuditCommand {
    pub async fn run(self, global: &Global) -> Result<Outcome> {
        let Self::List(List { limit }) = self;
        let items = match global.target("audit list").await? {
            Target::Local(Local { app, caller, .. }) => {
                audit_log::list(&app, &caller, None, limit.get()).await?.items.into_iter().map(AuditItem::from).collect()
            }
            Target::Remote(remote) => remote.first(["audit"], limit.get()).await?.into_iter().map(read).collect::<Result<_>>()?,
        };
        global.print(&Changes(items))?;
        Ok(Outcome::Done)
    }
}
