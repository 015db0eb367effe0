//! Telling open pages what happens. Listeners are only woken here; what changed they read from the database, in order, so
//! that nothing is missed and a slow one costs no memory. Another process's changes can wake them the same way.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{broadcast, watch};

use crate::{
    domain::{Caller, Slug, UserId},
    error::{Error, Result},
};

/// Streams of one user.
pub const MOST_STREAMS: usize = 20;
/// Signals that wait for a slow listener; one that missed some is told to start anew.
const WAITING: usize = 64;
const TICKET_TTL: Duration = Duration::from_secs(60);
/// Tickets that were not used yet.
const MOST_TICKETS: usize = 100_000;
const RETRY_AFTER_SECONDS: u64 = 5;

/// What a listener is woken for.
#[derive(Debug, Clone)]
pub enum Signal {
    /// Something in the user's sequence of changes.
    StateChanged,
    /// `plugin.installed` and so on.
    Plugin { event: &'static str, plugin: Slug, version: Option<String> },
}

struct Channel {
    sender: broadcast::Sender<Signal>,
    streams: usize,
}

pub struct Events {
    channels: Mutex<HashMap<UserId, Channel>>,
    tickets: Mutex<HashMap<String, (Caller, tokio::time::Instant)>>,
    closed: watch::Sender<bool>,
}

impl Default for Events {
    fn default() -> Self {
        Self { channels: Mutex::default(), tickets: Mutex::default(), closed: watch::Sender::new(false) }
    }
}

/// One listener's place; given back when it is dropped.
pub struct Listener {
    events: Arc<Events>,
    user: UserId,
    pub signals: broadcast::Receiver<Signal>,
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

    pub fn send(&self, user: &UserId, signal: Signal) {
        if let Some(channel) = self.channels().get(user) {
            // Without listeners there is nobody to tell.
            let _ = channel.sender.send(signal);
        }
    }

    /// # Errors
    ///
    /// `RateLimited` when the user has all the streams that one may have.
    pub fn listen(self: &Arc<Self>, user: &UserId) -> Result<Listener> {
        let mut channels = self.channels();
        let channel = channels.entry(user.clone()).or_insert_with(|| Channel { sender: broadcast::Sender::new(WAITING), streams: 0 });
        if channel.streams >= MOST_STREAMS {
            return Err(Error::RateLimited { retry_after_seconds: RETRY_AFTER_SECONDS });
        }
        channel.streams += 1;
        let signals = channel.sender.subscribe();
        Ok(Listener { events: Arc::clone(self), user: user.clone(), signals, closed: self.closed.subscribe() })
    }

    /// Ends all streams: the server stops.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }

    /// Good for one stream of this caller, for a minute: browsers open streams without headers.
    pub fn ticket(&self, caller: Caller, ticket: String) -> Result<String> {
        let now = tokio::time::Instant::now();
        let mut tickets = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.retain(|_, (_, end)| *end > now);
        if tickets.len() >= MOST_TICKETS {
            return Err(Error::Busy { what: "the list of tickets" });
        }
        tickets.insert(ticket.clone(), (caller, now + TICKET_TTL));
        Ok(ticket)
    }

    pub fn redeem(&self, ticket: &str) -> Result<Caller> {
        let found = self.tickets.lock().unwrap_or_else(PoisonError::into_inner).remove(ticket);
        let valid = found.filter(|(_, end)| *end > tokio::time::Instant::now()).map(|(caller, _)| caller);
        valid.ok_or_else(|| Error::Unauthenticated("the ticket is not valid, or was used".to_owned()))
    }
}
