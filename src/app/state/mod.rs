//! The state service: one JSON document per user, plugin and optional page and key, with its history.

mod accesses;
mod batch;
mod changes;
mod commit;
mod context;
pub(crate) mod encode;
mod events;
mod export;
mod follow;
mod history;
mod import;
mod memory;
mod mutations;
mod policies;
mod prepare;
mod read;
mod rows;
mod snapshots;
mod stats;
mod sweep;
mod sync;
mod tickets;
mod write;

pub use accesses::flush as flush_accesses;
pub use batch::{Item, ItemResult, MOST_ITEMS, batch, create_many};
pub use changes::{Changes, changes, head};
pub use commit::{Facts, Outcome, Written};
pub use events::{Listener, MOST_STREAMS, PluginChange, PluginEvent};
pub use export::export;
pub use follow::{follow, listen};
pub use history::{RevisionWithDocument, history, revision, rollback};
pub use import::{Import, Imported, Mode as ImportMode};
pub use memory::kept_document;
pub use mutations::{Applied, Mutation, OnConflict, apply as apply_mutations};
pub use policies::{InForce, policy, set_policy};
pub use prepare::Form;
pub use read::{Found, ListRequest, find, find_by_id, find_filled, id_of, list};
pub use snapshots::{
    MOST_PINNED, SNAPSHOTS_KEPT, before_update, create_snapshot, delete_snapshot, let_go, list_snapshots, purge_in, restore_in,
    restore_snapshot, snapshot, take,
};
pub use stats::{Limits, Stats, Used, admin_stats, limits, stats};
pub use sweep::{HORIZON, expire, expire_of, forget};
pub use sync::{Conflict, Synced, sync};
pub use tickets::{TICKET_TTL, redeem, ticket};
pub use write::{Draft, KeyText, Request, delete_by_id, post, update, write};

use std::sync::Arc;

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
    memory: memory::Memory,
    pub events: Arc<events::Events>,
}

impl Service {
    pub async fn open(db: &Database, cache_bytes: u64) -> Result<Self> {
        let fresh = super::new_id();
        let epoch = db.write(move |conn| meta::get_or_insert(conn, "store_epoch", &fresh)).await?;
        Ok(Self {
            epoch,
            policies: context::Policies::default(),
            accesses: accesses::Accesses::default(),
            memory: memory::Memory::new(cache_bytes)?,
            events: Arc::default(),
        })
    }

    /// Tells the user's listeners that state has changed.
    pub fn wake(&self, user: &UserId) {
        self.events.wake(user);
    }

    /// Tells the user's listeners what happened to a plugin.
    pub fn tell(&self, user: &UserId, plugin: &Slug, change: PluginChange<'_>) {
        self.events.tell(user, plugin, change);
    }
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

    /// All of a user's state, for what goes with the plugins themselves: whoever may change those may take it along.
    pub fn of_plugin(caller: &Caller, user: UserId) -> Self {
        Self { user, plugins: PluginSet::All, actor: caller.actor(), user_agent: None }
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

/// A size or sum as limits are compared with.
fn amount(stored: i64) -> Result<u64> {
    u64::try_from(stored).map_err(|e| Error::storage("a size or sum in the database is negative", e))
}

fn absent() -> Error {
    Error::NotFound("state".to_owned())
}
