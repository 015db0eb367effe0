//! Telling open pages what happens. Listeners are only woken for changes of state, which they read from the database, in
//! order, so that nothing is missed and a slow one costs no memory. What happens to plugins they are told as it happens. What
//! other processes do, `follow.rs` finds out.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{broadcast, watch};

use crate::{
    domain::{Slug, Timestamp, UserId, Version},
    error::{Error, Result},
    storage::changes::Stamp,
};

/// Streams of one user.
pub const MOST_STREAMS: usize = 20;
/// Plugin events that wait for a slow listener; one that missed some is told to start anew.
const WAITING: usize = 64;
/// Tickets that were used and are still good.
const MOST_TICKETS: usize = 100_000;
const RETRY_AFTER_SECONDS: u64 = 5;

/// What happened to a plugin of the user.
#[derive(Debug, Clone, Copy)]
pub enum PluginChange<'a> {
    /// Enabled, or not.
    Installed(&'a Version, bool),
    Updated(&'a Version),
    RolledBack(&'a Version),
    Enabled,
    Disabled,
    Uninstalled,
}

impl PluginChange<'_> {
    fn event(self) -> &'static str {
        match self {
            Self::Installed(..) => "plugin.installed",
            Self::Updated(_) => "plugin.updated",
            Self::RolledBack(_) => "plugin.rolled_back",
            Self::Enabled => "plugin.enabled",
            Self::Disabled => "plugin.disabled",
            Self::Uninstalled => "plugin.uninstalled",
        }
    }

    fn version(self) -> Option<String> {
        match self {
            Self::Installed(version, _) | Self::Updated(version) | Self::RolledBack(version) => Some(version.to_string()),
            Self::Enabled | Self::Disabled | Self::Uninstalled => None,
        }
    }
}

/// The same as listeners get it.
#[derive(Debug, Clone)]
pub struct PluginEvent {
    pub event: &'static str,
    pub plugin: Slug,
    pub version: Option<String>,
}

/// Version and enablement of a user's plugins.
pub(super) type Installed = HashMap<Slug, (Version, bool)>;

/// What a user's listeners have been woken for and told, or knew from the beginning.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub seq: i64,
    /// As of when the plugins are those of the database.
    pub stamp: Stamp,
    pub plugins: Installed,
}

struct Channel {
    /// Moves with the user's sequence of changes; how often does not matter.
    changed: watch::Sender<()>,
    plugins: broadcast::Sender<PluginEvent>,
    streams: usize,
    /// None until it is read.
    seen: Option<Seen>,
}

impl Channel {
    fn tell(&mut self, plugin: &Slug, change: PluginChange<'_>) {
        if let Some(seen) = &mut self.seen
            && !note(&mut seen.plugins, plugin, change)
        {
            return;
        }
        // Nobody listens any more when this fails.
        let _ = self.plugins.send(PluginEvent { event: change.event(), plugin: plugin.clone(), version: change.version() });
    }
}

/// Whether that is new.
fn note(plugins: &mut Installed, plugin: &Slug, change: PluginChange<'_>) -> bool {
    let before = plugins.get(plugin);
    let after = match change {
        PluginChange::Installed(version, enabled) => Some((version.clone(), enabled)),
        PluginChange::Updated(version) | PluginChange::RolledBack(version) => before.map(|(_, enabled)| (version.clone(), *enabled)),
        PluginChange::Enabled => before.map(|(version, _)| (version.clone(), true)),
        PluginChange::Disabled => before.map(|(version, _)| (version.clone(), false)),
        PluginChange::Uninstalled => None,
    };
    if before == after.as_ref() {
        return false;
    }
    match after {
        Some(after) => plugins.insert(plugin.clone(), after),
        None => plugins.remove(plugin),
    };
    true
}

pub struct Events {
    channels: Mutex<HashMap<UserId, Channel>>,
    /// By id, with the end of each.
    used_tickets: Mutex<HashMap<String, Timestamp>>,
    closed: watch::Sender<bool>,
}

impl Default for Events {
    fn default() -> Self {
        Self { channels: Mutex::default(), used_tickets: Mutex::default(), closed: watch::Sender::new(false) }
    }
}

/// One listener's place; given back when it is dropped.
pub struct Listener {
    events: Arc<Events>,
    user: UserId,
    /// Changes when there is something to be read.
    pub changed: watch::Receiver<()>,
    pub plugins: broadcast::Receiver<PluginEvent>,
    /// Becomes true when the server stops.
    pub closed: watch::Receiver<bool>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut channels = self.events.channels();
        if let Some(channel) = channels.get_mut(&self.user) {
            channel.streams -= 1;
            if channel.streams == 0 {
                channels.remove(&self.user);
            }
        }
    }
}

impl Events {
    fn channels(&self) -> MutexGuard<'_, HashMap<UserId, Channel>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn wake(&self, user: &UserId) {
        if let Some(channel) = self.channels().get(user) {
            channel.changed.send_replace(());
        }
    }

    pub fn tell(&self, user: &UserId, plugin: &Slug, change: PluginChange<'_>) {
        if let Some(channel) = self.channels().get_mut(user) {
            channel.tell(plugin, change);
        }
    }

    /// # Errors
    ///
    /// `RateLimited` when the user has all the streams that one may have.
    pub fn listen(self: &Arc<Self>, user: &UserId) -> Result<Listener> {
        let mut channels = self.channels();
        let new = || Channel { changed: watch::Sender::new(()), plugins: broadcast::Sender::new(WAITING), streams: 0, seen: None };
        let channel = channels.entry(user.clone()).or_insert_with(new);
        if channel.streams >= MOST_STREAMS {
            return Err(Error::RateLimited { retry_after_seconds: RETRY_AFTER_SECONDS });
        }
        channel.streams += 1;
        let (changed, plugins) = (channel.changed.subscribe(), channel.plugins.subscribe());
        Ok(Listener { events: Arc::clone(self), user: user.clone(), changed, plugins, closed: self.closed.subscribe() })
    }

    /// How many streams of the user are open at this server.
    pub fn streams(&self, user: &UserId) -> usize {
        self.channels().get(user).map_or(0, |channel| channel.streams)
    }

    /// Everybody who listens; with the plugins that they know, where those are no longer as of what `holds`.
    pub(super) fn listening(&self, holds: impl Fn(Stamp) -> bool) -> Vec<(UserId, Option<Installed>)> {
        let known = |seen: &Seen| (!holds(seen.stamp)).then(|| seen.plugins.clone());
        let channels = self.channels();
        channels.iter().filter_map(|(user, channel)| Some((user.clone(), channel.seen.as_ref().map(known)?))).collect()
    }

    /// Where the user's listeners begin; those that are there already have begun.
    pub(super) fn begin(&self, user: &UserId, seen: Seen) {
        if let Some(channel) = self.channels().get_mut(user) {
            channel.seen.get_or_insert(seen);
        }
    }

    pub(super) fn has_begun(&self, user: &UserId) -> bool {
        self.channels().get(user).is_some_and(|channel| channel.seen.is_some())
    }

    /// Wakes the user's listeners if the counter is another one than they have seen.
    pub(super) fn at(&self, user: &UserId, seq: i64) {
        if let Some(channel) = self.channels().get_mut(user)
            && let Some(seen) = &mut channel.seen
            && seen.seq != seq
        {
            seen.seq = seq;
            channel.changed.send_replace(());
        }
    }

    /// Tells changes that were found in the database as of `stamp`. `is_now` says whether that is still how it is: else
    /// somebody has perhaps told more than that meanwhile.
    pub(super) fn found(&self, user: &UserId, stamp: Stamp, changes: &[(Slug, PluginChange<'_>)], is_now: impl FnOnce() -> bool) {
        let mut channels = self.channels();
        let Some(channel) = channels.get_mut(user).filter(|channel| channel.seen.is_some() && is_now()) else { return };
        for (plugin, change) in changes {
            channel.tell(plugin, *change);
        }
        if let Some(seen) = &mut channel.seen {
            seen.stamp = stamp;
        }
    }

    /// Ends all streams: the server stops.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }

    /// Whether the ticket was not used here before.
    pub(super) fn use_ticket(&self, id: String, end: Timestamp, now: Timestamp) -> Result<bool> {
        let mut used = self.used_tickets.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= MOST_TICKETS {
            used.retain(|_, end| *end > now);
        }
        if used.len() >= MOST_TICKETS {
            return Err(Error::Busy { what: "the list of tickets" });
        }
        Ok(used.insert(id, end).is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_not_told_again() {
        let (demo, one, two): (Slug, Version, Version) = ("Demo".parse().unwrap(), "1.0.0".parse().unwrap(), "2.0.0".parse().unwrap());
        let mut plugins = Installed::new();
        for (change, is_new) in [
            (PluginChange::Enabled, false),
            (PluginChange::Installed(&one, true), true),
            (PluginChange::Installed(&one, true), false),
            (PluginChange::Enabled, false),
            (PluginChange::Disabled, true),
            (PluginChange::Updated(&two), true),
            (PluginChange::Updated(&two), false),
            (PluginChange::RolledBack(&one), true),
            (PluginChange::Uninstalled, true),
            (PluginChange::Uninstalled, false),
        ] {
            assert_eq!(note(&mut plugins, &demo, change), is_new, "{change:?}");
        }
    }
}
