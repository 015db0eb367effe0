//! Bounded caches of what the database says. An entry counts only while nothing that it was made of has changed, in this
//! process or another (see `storage::changes`).

use std::{borrow::Borrow, hash::Hash};

use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter, sync::Cache, sync::DefaultLifecycle};

use crate::{
    error::{Error, Result},
    storage::changes::{Stamp, Trust},
};

/// Values by key, each with the stamp that was taken before it was read.
pub struct Kept<K, V> {
    cache: Cache<K, (Stamp, V), Weight<V>>,
    hits: metrics::Counter,
    misses: metrics::Counter,
}

struct Weight<V>(fn(&V) -> u64);

impl<V> Clone for Weight<V> {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl<K, V> Weighter<K, (Stamp, V)> for Weight<V> {
    fn weight(&self, _: &K, (_, value): &(Stamp, V)) -> u64 {
        (self.0)(value)
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Kept<K, V> {
    /// Holds values of `capacity` together, as `weight` has it, and never more. `typical` is the weight of an entry.
    pub fn new(name: &'static str, capacity: u64, typical: u64, weight: fn(&V) -> u64) -> Result<Self> {
        let options = OptionsBuilder::new()
            .weight_capacity(capacity)
            .estimated_items_capacity(usize::try_from(capacity / typical.max(1)).unwrap_or(usize::MAX))
            .build()
            .map_err(|e| Error::storage("a cache cannot be made", e))?;
        let cache = Cache::with_options(options, Weight(weight), DefaultHashBuilder::default(), DefaultLifecycle::default());
        let hits = metrics::counter!("plugyard_cache_hits_total", "cache" => name);
        let misses = metrics::counter!("plugyard_cache_misses_total", "cache" => name);
        Ok(Self { cache, hits, misses })
    }

    /// The value, if there is one and it is still true.
    pub fn get<Q>(&self, trust: Trust<'_>, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let found = self.cache.get(key).filter(|(stamp, _)| trust.holds(*stamp)).map(|(_, value)| value);
        if found.is_some() { &self.hits } else { &self.misses }.increment(1);
        found
    }

    /// `stamp` was taken before the value was read.
    pub fn put(&self, key: K, stamp: Stamp, value: V) {
        self.cache.insert(key, (stamp, value));
    }
}
