//! Sums over state.

use super::{Access, commit::Quota, import::most_of_a_line};
use crate::{
    app::{App, now},
    domain::{Caller, Slug, Timestamp, UserId},
    error::Result,
    storage::{state_lists, state_usage},
};

pub use crate::storage::state_usage::Usage as Used;

/// Rows of the administrator's list.
const LARGEST: i64 = 1000;

#[derive(Debug)]
pub struct Stats {
    /// By plugin; entries that have ended and were not swept yet count.
    pub plugins: Vec<(Slug, Used)>,
    /// Those that lists show.
    pub visible: i64,
    pub last_activity: Option<Timestamp>,
}

impl Stats {
    pub fn total(&self) -> Used {
        self.plugins.iter().fold(Used::default(), |sum, (_, used)| Used {
            entries: sum.entries + used.entries,
            size: sum.size + used.size,
            stored_size: sum.stored_size + used.stored_size,
        })
    }
}

/// What the settings allow: bytes of one document, bytes of a plugin's entries, entries of a user, bytes of an export's line.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub document: u64,
    pub plugin: u64,
    pub entries: u64,
    pub import_line: u64,
}

pub fn limits(app: &App) -> Limits {
    let quota = Quota::of(app);
    Limits {
        document: app.settings.max_state_document.as_u64(),
        plugin: quota.plugin_bytes,
        entries: quota.entries,
        import_line: most_of_a_line(app),
    }
}

pub async fn stats(app: &App, access: &Access) -> Result<Stats> {
    let access = access.clone();
    app.db
        .read(move |conn| {
            let mut plugins = state_usage::list(conn, &access.user)?;
            plugins.retain(|(plugin, _)| access.plugins.includes(plugin));
            let visible = state_lists::count_visible(conn, &access.user, &access.plugins, now())?;
            Ok(Stats { plugins, visible, last_activity: state_lists::last_change(conn, &access.user, &access.plugins)? })
        })
        .await
}

/// Who keeps the most, by user and plugin.
pub async fn admin_stats(app: &App, caller: &Caller) -> Result<Vec<(UserId, Slug, Used)>> {
    caller.require_admin()?;
    app.db.read(|conn| state_usage::largest(conn, LARGEST)).await
}
