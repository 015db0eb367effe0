//! What is there before the import.

use std::collections::{HashMap, HashSet, hash_map::Entry};

use crate::{
    app::App,
    domain::{Slug, UserId, Version, user::User},
    error::Result,
    storage::{plugin_config, plugins, releases, users},
};

/// Everything that decides whether something is already done, or in the way. The import holds the folder alone, so nobody
/// changes it meanwhile.
pub struct Target {
    pub users: HashMap<UserId, KnownUser>,
    pub plugins: HashMap<(UserId, Slug), KnownPlugin>,
    /// Digest, and whether the files are there.
    pub releases: HashMap<(Slug, Version), (String, bool)>,
    plugin_ids: HashMap<String, UserId>,
    /// By their form without case.
    slugs: HashMap<String, Slug>,
    names: HashSet<String>,
    addresses: HashSet<String>,
}

pub struct KnownUser {
    pub user: User,
    pub has_password: bool,
}

pub struct KnownPlugin {
    pub id: String,
    pub version: Version,
}

impl KnownUser {
    /// An account that an earlier import or `migrate-records` made, because all it had was an id.
    pub fn is_placeholder(&self) -> bool {
        !self.user.active && !self.has_password && self.user.username == self.user.id.as_str()
    }
}

impl Target {
    pub async fn look(app: &App) -> Result<Self> {
        let (accounts, installed, published, slugs) = app
            .db
            .read(|conn| Ok((users::all(conn)?, plugins::identities(conn)?, releases::digests(conn)?, plugin_config::slugs(conn)?)))
            .await?;
        let names = accounts.iter().map(|(user, _)| user.username.to_lowercase()).collect();
        let addresses = accounts.iter().filter_map(|(user, _)| Some(user.email.as_ref()?.to_lowercase())).collect();
        let plugin_ids = installed.iter().map(|(user, _, id, _)| (id.clone(), user.clone())).collect();
        let known = |(user, slug, id, version)| ((user, slug), KnownPlugin { id, version });
        Ok(Self {
            users: accounts.into_iter().map(|(user, has_password)| (user.id.clone(), KnownUser { user, has_password })).collect(),
            plugins: installed.into_iter().map(known).collect(),
            releases: published.into_iter().map(|(slug, version, digest, there)| ((slug, version), (digest.to_string(), there))).collect(),
            plugin_ids,
            slugs: slugs.into_iter().map(|slug| (slug.folded(), slug)).collect(),
            names,
            addresses,
        })
    }

    /// Slugs are unique without regard to case: the first spelling wins.
    pub fn claim_slug(&mut self, slug: &Slug) -> Result<(), String> {
        match self.slugs.entry(slug.folded()) {
            Entry::Vacant(free) => {
                free.insert(slug.clone());
                Ok(())
            }
            Entry::Occupied(taken) if taken.get() == slug => Ok(()),
            Entry::Occupied(taken) => Err(format!("its slug {slug} differs from {} only in case", taken.get())),
        }
    }

    /// A plugin's id belongs to one plugin. Only for plugins that are new: those that are there have theirs.
    pub fn claim_plugin_id(&mut self, id: &str, user: &UserId) -> Result<(), String> {
        match self.plugin_ids.entry(id.to_owned()) {
            Entry::Vacant(free) => {
                free.insert(user.clone());
                Ok(())
            }
            Entry::Occupied(taken) => Err(format!("the id {id:?} is that of a plugin of user {}", taken.get())),
        }
    }

    /// False when another account has the name, whatever its case.
    pub fn claim_name(&mut self, name: &str) -> bool {
        self.names.insert(name.to_lowercase())
    }

    /// False when another account has the address.
    pub fn claim_address(&mut self, address: &str) -> bool {
        self.addresses.insert(address.to_lowercase())
    }
}
