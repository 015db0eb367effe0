//! What has changed in the database, for those who keep copies of it in memory. Counters move after each commit and
//! before its answer; a copy is good for as long as the counter that it was stamped with before it was read stands still.

pub(super) mod notes;
mod watch;

use std::{
    collections::HashSet,
    hash::{BuildHasher, Hash, RandomState},
    sync::atomic::{AtomicU64, Ordering::SeqCst},
    time::{Duration, Instant},
};

pub use watch::Watch;
pub(super) use watch::{data_version, start as watch};

use crate::domain::{Slug, UserId, state::StateKey};

/// Users, slugs and state entries share this many counters; a collision only costs a copy too many.
const COUNTERS: u64 = 1 << 18;

/// Whose rows a copy was made of: what belongs to one user (account, logins, tokens, plugins, modules, records to be
/// written), what everybody sees of one slug (availability, values, releases, the policy of its state), or a user's state.
#[derive(Clone, Copy)]
pub enum Subject<'a> {
    User(&'a UserId),
    Slug(&'a Slug),
    /// The user's entry of this key; see [`super::Database::notes_state`].
    State(&'a UserId, &'a StateKey),
}

/// The state of a subject at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    counter: u64,
    /// Of both counters together: each of them only grows, so an equal sum means that neither has moved.
    sum: u64,
}

/// A moment before a read whose subject only the read itself tells.
#[derive(Debug, Clone, Copy)]
pub struct Moment(u64);

/// Proof that changes of other processes are being followed at this moment.
#[derive(Clone, Copy)]
pub struct Trust<'a>(&'a Changes);

/// Counts changes of this process and, while somebody watches, of others.
pub struct Changes {
    /// Moves with every change but those of state, before the others.
    any: AtomicU64,
    /// Moves when nobody can tell what has changed.
    everything: AtomicU64,
    counters: Box<[AtomicU64]>,
    hasher: RandomState,
    origin: Instant,
    /// Milliseconds since the origin until which no change of another process can be unknown for long.
    trusted_until: AtomicU64,
}

impl Changes {
    pub(super) fn new() -> Self {
        Self {
            any: AtomicU64::new(0),
            everything: AtomicU64::new(0),
            counters: (0..COUNTERS).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
            origin: Instant::now(),
            trusted_until: AtomicU64::new(0),
        }
    }

    /// To be taken before the subject's rows are read.
    pub fn stamp(&self, subject: Subject<'_>) -> Stamp {
        let counter = self.counter_of(subject);
        Stamp { counter, sum: self.sum(counter) }
    }

    /// To be taken before rows are read whose subject is not known yet.
    pub fn moment(&self) -> Moment {
        Moment(self.any.load(SeqCst))
    }

    /// The stamp that would have been right before the read; none when something has changed since, whatever it was.
    pub fn stamp_as_of(&self, moment: Moment, subject: Subject<'_>) -> Option<Stamp> {
        // In this order, the reverse of `note`: a counter that was seen moved means that `any` is seen moved too.
        let stamp = self.stamp(subject);
        (self.any.load(SeqCst) == moment.0).then_some(stamp)
    }

    /// None while changes of other processes may go unnoticed: then nothing that was kept is to be used.
    pub fn trust(&self) -> Option<Trust<'_>> {
        (self.elapsed(Instant::now()) < self.trusted_until.load(SeqCst)).then_some(Trust(self))
    }

    fn counter_of(&self, subject: Subject<'_>) -> u64 {
        match subject {
            Subject::User(user) => self.counter(&('u', user.as_str())),
            Subject::Slug(slug) => self.counter(&('s', slug.as_str())),
            Subject::State(user, key) => self.counter(&notes::entry(user, key).as_str()),
        }
    }

    fn counter(&self, name: &impl Hash) -> u64 {
        self.hasher.hash_one(name) % COUNTERS
    }

    fn sum(&self, counter: u64) -> u64 {
        let count = usize::try_from(counter).ok().and_then(|at| self.counters.get(at));
        self.everything.load(SeqCst) + count.map_or(0, |count| count.load(SeqCst))
    }

    /// Called after the commit of whatever noted these topics (see [`notes`]), and before anybody is told of it.
    fn note(&self, topic: &str) {
        let mut rest = topic.chars();
        let counter = match rest.next() {
            Some(kind @ ('u' | 's')) => self.counter(&(kind, rest.as_str())),
            // Nobody takes a moment for state, and so many changes would spoil those of others.
            Some('d') => return self.move_on(self.counter(&rest.as_str())),
            _ => {
                self.any.fetch_add(1, SeqCst);
                self.everything.fetch_add(1, SeqCst);
                return;
            }
        };
        self.any.fetch_add(1, SeqCst);
        self.move_on(counter);
    }

    fn move_on(&self, counter: u64) {
        let at = usize::try_from(counter).ok();
        if let Some(count) = at.and_then(|at| self.counters.get(at)) {
            count.fetch_add(1, SeqCst);
        }
    }

    pub(super) fn note_all(&self, topics: &HashSet<String>) {
        topics.iter().for_each(|topic| self.note(topic));
    }

    pub(super) fn note_everything(&self) {
        self.note(notes::EVERYTHING);
    }

    /// `seen` is a moment before everything that was committed elsewhere has been noted.
    fn trust_from(&self, seen: Instant, how_long: Duration) {
        self.trusted_until.store(self.elapsed(seen + how_long), SeqCst);
    }

    fn distrust(&self) {
        self.trusted_until.store(0, SeqCst);
    }

    fn elapsed(&self, moment: Instant) -> u64 {
        u64::try_from(moment.duration_since(self.origin).as_millis()).unwrap_or(u64::MAX)
    }
}

impl Trust<'_> {
    /// Whether nothing of the subject has changed since the stamp was taken.
    pub fn holds(self, stamp: Stamp) -> bool {
        self.0.sum(stamp.counter) == stamp.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes() -> (Changes, UserId, Slug) {
        let changes = Changes::new();
        changes.trust_from(Instant::now(), Duration::from_secs(3600));
        (changes, UserId::from_bytes([7; 16]), "Demo".parse().unwrap())
    }

    #[test]
    fn a_stamp_holds_until_its_subject_changes() {
        let (changes, user, slug) = changes();
        let (of_user, of_slug) = (changes.stamp(Subject::User(&user)), changes.stamp(Subject::Slug(&slug)));
        changes.note(&format!("u{user}"));
        let trust = changes.trust().unwrap();
        assert!(!trust.holds(of_user) && trust.holds(of_slug));
        assert!(trust.holds(changes.stamp(Subject::User(&user))));
        changes.note_all(&HashSet::from(["sDemo".to_owned()]));
        assert!(!trust.holds(of_slug));
        let both = (changes.stamp(Subject::User(&user)), changes.stamp(Subject::Slug(&slug)));
        changes.note_everything();
        assert!(!trust.holds(both.0) && !trust.holds(both.1));
    }

    #[test]
    fn a_read_during_a_change_gives_no_stamp() {
        let (changes, user, _) = changes();
        let before = changes.moment();
        assert!(changes.stamp_as_of(before, Subject::User(&user)).is_some());
        changes.note("sOther");
        assert!(changes.stamp_as_of(before, Subject::User(&user)).is_none());
    }

    #[test]
    fn nothing_is_trusted_that_nobody_watches() {
        let changes = Changes::new();
        assert!(changes.trust().is_none());
        changes.trust_from(Instant::now(), Duration::from_secs(3600));
        assert!(changes.trust().is_some());
        changes.distrust();
        assert!(changes.trust().is_none());
        changes.trust_from(Instant::now(), Duration::ZERO);
        assert!(changes.trust().is_none());
    }
}
