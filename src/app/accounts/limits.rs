//! How many logins may fail, per account and per client address. In memory: a restart forgets, and each server counts for
//! itself.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use crate::{
    error::{Error, Result},
    settings::Settings,
};

const WINDOW: Duration = Duration::from_secs(5 * 60);
/// Bounds the memory; beyond it, whoever failed longest ago is forgotten.
const MAX_KEYS: usize = 20_000;

/// Both limits, counted in failures within five minutes.
pub struct LoginLimits {
    accounts: FailureLimit<[u8; 32]>,
    addresses: FailureLimit<Option<IpAddr>>,
}

impl LoginLimits {
    pub fn new(settings: &Settings) -> Self {
        Self {
            accounts: FailureLimit::new(settings.login_attempts_per_account),
            addresses: FailureLimit::new(settings.login_attempts_per_address),
        }
    }

    /// `account` is a user id, or a name that nobody has.
    pub(super) async fn of_account(&self, account: &str) -> Result<Attempt<'_, [u8; 32]>> {
        // A name can be as long as a body; its hash is not.
        self.accounts.begin(Sha256::digest(account.as_bytes()).into()).await
    }

    pub(super) async fn of_address(&self, address: Option<IpAddr>) -> Result<Attempt<'_, Option<IpAddr>>> {
        self.addresses.begin(address.map(site)).await
    }
}

/// The smallest network that one customer has: with IPv6 that is 64 bits, not an address.
fn site(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

struct FailureLimit<K> {
    limit: usize,
    entries: Mutex<HashMap<K, Entry>>,
    ended: Notify,
}

#[derive(Default)]
struct Entry {
    /// At most as many as the limit, oldest first.
    failures: VecDeque<Instant>,
    /// Attempts whose outcome is not known yet.
    running: usize,
}

/// A login that is being tried. Dropped without an outcome it counts for nothing.
pub(super) struct Attempt<'a, K: Hash + Eq + Copy> {
    limit: &'a FailureLimit<K>,
    key: K,
}

impl<K: Hash + Eq + Copy> FailureLimit<K> {
    fn new(limit: u64) -> Self {
        Self { limit: usize::try_from(limit).unwrap_or(usize::MAX), entries: Mutex::default(), ended: Notify::new() }
    }

    /// Admits an attempt. Where the attempts under way could still reach the limit, it waits for them: many at once are
    /// neither a way around the limit nor a reason to refuse a right password.
    async fn begin(&self, key: K) -> Result<Attempt<'_, K>> {
        loop {
            // Made before looking, so that no end is missed.
            let ended = self.ended.notified();
            if self.admit(key, Instant::now())? {
                return Ok(Attempt { limit: self, key });
            }
            ended.await;
        }
    }

    fn admit(&self, key: K, now: Instant) -> Result<bool> {
        let mut entries = self.entries();
        if !entries.contains_key(&key) && entries.len() >= MAX_KEYS {
            make_room(&mut entries, now);
        }
        let entry = entries.entry(key).or_default();
        entry.forget_before(now);
        if entry.failures.len() >= self.limit {
            let wait = entry.failures.front().map_or(Duration::ZERO, |oldest| (*oldest + WINDOW).saturating_duration_since(now));
            return Err(Error::RateLimited { retry_after_seconds: wait.as_secs() + 1 });
        }
        let admitted = entry.failures.len() + entry.running < self.limit;
        entry.running += usize::from(admitted);
        Ok(admitted)
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<K, Entry>> {
        // Nothing in here can be left half done.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn forget_before(&mut self, now: Instant) {
        while self.failures.front().is_some_and(|oldest| now.duration_since(*oldest) >= WINDOW) {
            self.failures.pop_front();
        }
    }
}

fn make_room<K: Hash + Eq + Copy>(entries: &mut HashMap<K, Entry>, now: Instant) {
    entries.retain(|_, entry| {
        entry.forget_before(now);
        entry.running > 0 || !entry.failures.is_empty()
    });
    if entries.len() < MAX_KEYS {
        return;
    }
    let idle = entries.iter().filter(|(_, entry)| entry.running == 0);
    if let Some(key) = idle.min_by_key(|(_, entry)| entry.failures.back().copied()).map(|(key, _)| *key) {
        entries.remove(&key);
    }
}

impl<K: Hash + Eq + Copy> Attempt<'_, K> {
    pub fn failed(self) {
        self.limit.entries().entry(self.key).or_default().failures.push_back(Instant::now());
    }

    /// Earlier failures were the user's own slips.
    pub fn succeeded(self) {
        self.limit.entries().entry(self.key).or_default().failures.clear();
    }
}

impl<K: Hash + Eq + Copy> Drop for Attempt<'_, K> {
    fn drop(&mut self) {
        let mut entries = self.limit.entries();
        if let Some(entry) = entries.get_mut(&self.key) {
            entry.running = entry.running.saturating_sub(1);
            if entry.running == 0 && entry.failures.is_empty() {
                entries.remove(&self.key);
            }
        }
        drop(entries);
        self.limit.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn failures_count_and_success_forgets_them() {
        let limit = FailureLimit::new(2);
        limit.begin(1).await.unwrap().failed();
        limit.begin(1).await.unwrap().succeeded();
        for _ in 0..2 {
            limit.begin(1).await.unwrap().failed();
        }
        assert!(matches!(limit.begin(1).await, Err(Error::RateLimited { retry_after_seconds: 299..=301 })));
        assert!(limit.begin(2).await.is_ok(), "others are not affected");
    }

    #[tokio::test]
    async fn failures_are_forgotten_after_the_window() {
        let limit = FailureLimit::new(1);
        limit.begin(1).await.unwrap().failed();
        let now = Instant::now();
        assert!(limit.admit(1, now).is_err());
        assert!(limit.admit(1, now + WINDOW).unwrap());
    }

    #[tokio::test]
    async fn attempts_at_once_wait_for_each_other() {
        let limit = FailureLimit::new(1);
        let first = limit.begin(1).await.unwrap();
        let mut second = Box::pin(limit.begin(1));
        assert!(futures_util::FutureExt::now_or_never(&mut second).is_none());
        drop(first);
        let second = second.await.unwrap();
        let third = limit.begin(1);
        second.failed();
        assert!(third.await.is_err());
    }

    #[tokio::test]
    async fn the_memory_is_bounded() {
        let limit = FailureLimit::new(1);
        for key in 0..MAX_KEYS + 10 {
            limit.begin(key).await.unwrap().failed();
        }
        assert_eq!(limit.entries().len(), MAX_KEYS);
        assert!(limit.begin(MAX_KEYS + 9).await.is_err(), "the newest is remembered");
        assert!(limit.begin(0).await.is_ok(), "the oldest is not");
    }

    #[test]
    fn an_ipv6_site_is_one_client() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(site(address("2001:db8::1")), site(address("2001:db8::2:3:4:5")));
        assert_ne!(site(address("2001:db8::1")), site(address("2001:db8:0:1::1")));
        assert_eq!(site(address("::ffff:10.0.0.1")), address("10.0.0.1"));
        assert_ne!(site(address("10.0.0.1")), site(address("10.0.0.2")));
    }
}
