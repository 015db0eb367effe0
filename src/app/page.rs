//! Lists that are read a part at a time.

/// A part of a list over a total order.
#[derive(Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Where the next part begins after; none when this is the last.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// From what was found when one item more than `limit` was asked for. `key` is what the list is ordered by.
    pub fn new(mut items: Vec<T>, limit: usize, key: impl FnOnce(&T) -> String) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(key);
        Self { items, next }
    }

    /// How many rows to ask for, so that [`Page::new`] sees whether there are more.
    pub fn rows(limit: usize) -> i64 {
        i64::try_from(limit).map_or(i64::MAX, |limit| limit.saturating_add(1))
    }
}
