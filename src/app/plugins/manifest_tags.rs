//! The ETags of users' manifests, kept in memory: a frontend that has the current one is told so without a query.

use std::sync::Arc;

use bytes::Bytes;

use super::ListedPlugin;
use crate::{
    app::{App, kept::Kept},
    domain::{Slug, UserId},
    error::Result,
    storage::changes::{Moment, Stamp, Subject, Trust},
};

const CAPACITY: u64 = 100_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ManifestView {
    Manifest,
    Designer,
}

/// What a manifest was made of beside the user's own rows, and its tag with the quotes.
struct Tagged {
    slugs: Vec<Stamp>,
    tag: Bytes,
}

pub struct ManifestTags(Kept<(UserId, ManifestView), Arc<Tagged>>);

impl ManifestTags {
    pub fn new() -> Result<Self> {
        Kept::new("manifests", CAPACITY, 1, |_| 1).map(Self)
    }

    /// The tag of the user's current manifest, if it is known.
    pub fn kept(&self, trust: Trust<'_>, user: &UserId, view: ManifestView) -> Option<Bytes> {
        let tagged = self.0.get(trust, &(user.clone(), view))?;
        tagged.slugs.iter().all(|stamp| trust.holds(*stamp)).then(|| tagged.tag.clone())
    }
}

/// A manifest in the making: which plugins it depends on, those that it does not show too.
pub struct Sources {
    before: Moment,
    slugs: Vec<Slug>,
}

impl Sources {
    /// `before` is the moment before `listed` was read.
    pub fn new(before: Moment, listed: &[ListedPlugin]) -> Self {
        Self { before, slugs: listed.iter().map(|one| one.installed.plugin.slug.clone()).collect() }
    }

    /// Keeps the tag of the manifest that was made of these, unless something has changed meanwhile.
    pub fn keep(self, app: &App, user: &UserId, view: ManifestView, tag: Bytes) {
        let changes = app.db.changes();
        let slugs: Option<Vec<Stamp>> = self.slugs.iter().map(|slug| changes.stamp_as_of(self.before, Subject::Slug(slug))).collect();
        if let (Some(slugs), Some(stamp)) = (slugs, changes.stamp_as_of(self.before, Subject::User(user))) {
            app.manifest_tags.0.put((user.clone(), view), stamp, Arc::new(Tagged { slugs, tag }));
        }
    }
}
