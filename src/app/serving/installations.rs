//! What a user has installed, as serving sees it, kept in memory.

use std::sync::Arc;

use quick_cache::sync::Cache;

use crate::{
    app::{App, kept::Kept, plugins::records},
    domain::{AccessKey, Slug, UserId, Version, ids::plugin_id},
    error::Result,
    storage::{
        changes::{Subject, Trust},
        plugins::{self, ServedPlugin},
    },
};

/// Plugins of all users together; `benches/run memory` tells what half of them take.
const CAPACITY: u64 = 400_000;
/// Releases that are installed; of more, some are in memory twice.
const RELEASES: usize = 10_000;
/// Plugins of one user, as a guess.
const TYPICAL: u64 = 16;

/// A release, shared by all who have it installed.
#[derive(Debug)]
pub struct Installed {
    pub slug: Slug,
    pub version: Version,
    /// As [`super::release_files::place`] has it.
    pub place: Box<str>,
}

/// One plugin with row and record.
#[derive(Debug)]
pub struct Installation {
    pub release: Arc<Installed>,
    pub enabled: bool,
    pub key: AccessKey,
    /// An id that is not made of user and slug: an imported one.
    imported_id: Option<Box<str>>,
}

impl Installation {
    pub fn id(&self, user: &UserId) -> String {
        self.imported_id.as_deref().map_or_else(|| plugin_id(user, &self.release.slug), str::to_owned)
    }
}

/// One user's plugins, by slug.
#[derive(Debug)]
pub struct Installations(Box<[Installation]>);

impl Installations {
    fn new(user: &UserId, rows: impl Iterator<Item = ServedPlugin>, release: impl Fn(Slug, Version) -> Arc<Installed>) -> Self {
        let installation = |row: ServedPlugin| Installation {
            imported_id: (row.id != plugin_id(user, &row.slug)).then(|| row.id.into()),
            release: release(row.slug, row.version),
            enabled: row.enabled,
            key: row.access_key,
        };
        let mut all: Vec<_> = rows.map(installation).collect();
        all.sort_by(|a, b| a.release.slug.cmp(&b.release.slug));
        Self(all.into())
    }

    pub fn by_slug(&self, slug: &str) -> Option<&Installation> {
        self.0.binary_search_by(|one| one.release.slug.as_str().cmp(slug)).ok().and_then(|at| self.0.get(at))
    }

    /// By slug, else by `<user id>_<slug>`, else by stored id.
    pub fn by_name(&self, user: &UserId, name: &str) -> Option<&Installation> {
        let own = || name.strip_prefix(user.as_str()).and_then(|rest| rest.strip_prefix('_')).and_then(|slug| self.by_slug(slug));
        let imported = || self.0.iter().find(|one| one.imported_id.as_deref() == Some(name));
        self.by_slug(name).or_else(own).or_else(imported)
    }

    pub fn by_key(&self, key: &AccessKey) -> Option<&Installation> {
        self.0.iter().find(|one| one.key == *key)
    }
}

/// Users' plugins, and whose an access key is. The latter is a hint that the former confirm, so it is never taken back.
pub struct InstallationCache {
    of_users: Kept<UserId, Arc<Installations>>,
    owners: Cache<AccessKey, UserId>,
    /// By place.
    releases: Cache<Box<str>, Arc<Installed>>,
}

impl InstallationCache {
    pub fn new() -> Result<Self> {
        let of_users = Kept::new("installations", CAPACITY, TYPICAL, |all: &Arc<Installations>| 1 + all.0.len() as u64)?;
        let owners = Cache::new(usize::try_from(CAPACITY).unwrap_or(usize::MAX));
        Ok(Self { of_users, owners, releases: Cache::new(RELEASES) })
    }

    pub fn kept_of(&self, trust: Trust<'_>, user: &UserId) -> Option<Arc<Installations>> {
        self.of_users.get(trust, user)
    }

    fn release(&self, slug: Slug, version: Version) -> Arc<Installed> {
        let place = super::release_files::place(&slug, &version).into_boxed_str();
        self.releases.get(&place).unwrap_or_else(|| {
            let made = Arc::new(Installed { slug, version, place: place.clone() });
            self.releases.insert(place, Arc::clone(&made));
            made
        })
    }

    pub fn hinted_owner(&self, key: &AccessKey) -> Option<UserId> {
        self.owners.get(key)
    }
}

/// The user's plugins, from memory if possible.
pub async fn of(app: &App, user: &UserId) -> Result<Arc<Installations>> {
    let cache = &app.installations;
    if let Some(kept) = app.db.changes().trust().and_then(|trust| cache.kept_of(trust, user)) {
        return Ok(kept);
    }
    let stamp = app.db.changes().stamp(Subject::User(user));
    let records = records::of(app, user).await?;
    let owner = user.clone();
    let rows = app.db.read(move |conn| plugins::list_served(conn, &owner)).await?;
    let recorded = rows.into_iter().filter(|row| records.contains_key(row.slug.as_str()));
    let installations = Arc::new(Installations::new(user, recorded, |slug, version| cache.release(slug, version)));
    cache.of_users.put(user.clone(), stamp, Arc::clone(&installations));
    Ok(installations)
}

/// Whose installation the key opens, with all that user has.
pub async fn by_key(app: &App, key: &AccessKey) -> Result<Option<(UserId, Arc<Installations>)>> {
    if let Some(user) = app.installations.hinted_owner(key) {
        let all = of(app, &user).await?;
        if all.by_key(key).is_some() {
            return Ok(Some((user, all)));
        }
    }
    let wanted = key.clone();
    let Some(user) = app.db.read(move |conn| plugins::owner_of_access_key(conn, &wanted)).await? else { return Ok(None) };
    let all = of(app, &user).await?;
    if all.by_key(key).is_none() {
        return Ok(None);
    }
    app.installations.owners.insert(key.clone(), user.clone());
    Ok(Some((user, all)))
}
