//! Users' manifests, kept in memory: the tags of very many, so that a frontend that has the current one is told so without
//! a query, and the bodies of those asked for most.

use std::sync::Arc;

use bytes::Bytes;
use quick_cache::{Weighter, sync::Cache};

use super::ListedPlugin;
use crate::{
    app::{App, kept::Kept},
    domain::{Slug, UserId},
    error::Result,
    storage::changes::{Moment, Stamp, Subject, Trust},
};

const TAGS: u64 = 100_000;
/// Bytes of all bodies together.
const BODIES: u64 = 32 << 20;
/// Of one, as a guess.
const TYPICAL_BODY: u64 = 32 << 10;

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

pub struct ManifestTags {
    tags: Kept<(UserId, ManifestView), Arc<Tagged>>,
    /// By tag, which is a hash of the body: none can be out of date.
    bodies: Cache<Bytes, Bytes, ByBytes>,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Bytes, Bytes> for ByBytes {
    fn weight(&self, tag: &Bytes, body: &Bytes) -> u64 {
        (tag.len() + body.len()) as u64
    }
}

impl ManifestTags {
    pub fn new() -> Result<Self> {
        let bodies = Cache::with_weighter(usize::try_from(BODIES / TYPICAL_BODY).unwrap_or(usize::MAX), BODIES, ByBytes);
        Ok(Self { tags: Kept::new("manifests", TAGS, 1, |_| 1)?, bodies })
    }

    /// The manifest with this tag.
    pub fn kept_body(&self, tag: &Bytes) -> Option<Bytes> {
        self.bodies.get(tag)
    }

    /// The tag of the user's current manifest, if it is known.
    pub fn kept(&self, trust: Trust<'_>, user: &UserId, view: ManifestView) -> Option<Bytes> {
        let tagged = self.tags.get(trust, &(user.clone(), view))?;
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

    /// Keeps the manifest that was made of these, unless something has changed meanwhile.
    pub fn keep(self, app: &App, user: &UserId, view: ManifestView, tag: Bytes, body: Bytes) {
        let changes = app.db.changes();
        let slugs: Option<Vec<Stamp>> = self.slugs.iter().map(|slug| changes.stamp_as_of(self.before, Subject::Slug(slug))).collect();
        if let (Some(slugs), Some(stamp)) = (slugs, changes.stamp_as_of(self.before, Subject::User(user))) {
            app.manifest_tags.bodies.insert(tag.clone(), body);
            app.manifest_tags.tags.put((user.clone(), view), stamp, Arc::new(Tagged { slugs, tag }));
        }
    }
}
