//! The state service: one JSON document per user, plugin and optional page and key, with its history.

mod accesses;
mod changes;
mod commit;
mod context;
mod encode;
mod history;
mod prepare;
mod read;
mod sweep;
mod write;

pub use accesses::flush as flush_accesses;
pub use changes::{Changes, changes};
pub use commit::{Facts, Outcome, Written};
pub use history::{RevisionWithDocument, history, revision, rollback};
pub use prepare::Form;
pub use read::{Found, ListRequest, find, find_by_id, list};
pub use sweep::{expire, expire_of, forget_tombstones};
pub use write::{Draft, KeyText, delete, delete_by_id, patch, post, put, update};

use crate::{
    domain::{Caller, Scope, Slug, UserId, state::PluginSet},
    error::{Error, Result},
    storage::{Database, meta},
};

/// What the state service keeps in memory; none of it is the only copy of anything.
pub struct Service {
    /// Made with the database, part of cursors: a restored or replaced database has another.
    epoch: String,
    policies: context::Policies,
    accesses: accesses::Accesses,
}

impl Service {
    pub async fn open(db: &Database) -> Result<Self> {
        let fresh = super::new_id();
        let epoch = db.write(move |conn| meta::get_or_insert(conn, "store_epoch", &fresh)).await?;
        Ok(Self { epoch, policies: context::Policies::default(), accesses: accesses::Accesses::default() })
    }

    fn announce(&self, _user: &UserId, _written: &Written) {}
}

/// Whose state is worked on, by whom, and how much of it.
#[derive(Debug, Clone)]
pub struct Access {
    pub user: UserId,
    pub plugins: PluginSet,
    /// As revisions name the one who acted.
    pub actor: String,
    pub user_agent: Option<String>,
}

impl Access {
    /// The state of `user` as far as the caller's scopes reach.
    ///
    /// # Errors
    ///
    /// `Forbidden` without any state scope.
    pub fn new(caller: &Caller, user: UserId, user_agent: Option<String>) -> Result<Self> {
        let plugins = caller.state_plugins();
        if plugins == PluginSet::Only(Vec::new()) {
            return Err(Error::Forbidden("this token lacks the scope `state`".to_owned()));
        }
        Ok(Self { user, plugins, actor: caller.actor(), user_agent })
    }

    /// # Errors
    ///
    /// `Forbidden` when the caller's scopes leave this plugin out.
    pub fn require(&self, plugin: &Slug) -> Result<()> {
        match self.plugins.includes(plugin) {
            true => Ok(()),
            false => Err(Error::Forbidden(format!("this token lacks the scope `{}`", Scope::State(Some(plugin.clone()))))),
        }
    }
}

fn absent() -> Error {
    Error::NotFound("state".to_owned())
}
