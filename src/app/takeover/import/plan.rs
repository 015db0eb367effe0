//! What an import is going to do, as plain values.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::target::{KnownPlugin, Target};
use crate::{
    app::{
        new_access_key,
        takeover::report::{Item, Kind, Outcome},
    },
    domain::{
        Manifest, Slug, Timestamp, UserId, Version,
        history::HistoryEntry,
        legacy::Personal,
        plugin::{Change, ModuleRow, NewPlugin, Plugin},
        record::InstallationMetadata,
        user::User,
    },
    error::{Error, Result},
    files::Place,
};

/// A folder that is published, and every folder of the same content.
pub struct PlannedRelease {
    pub manifest: Arc<Manifest>,
    pub version: Version,
    pub place: Place,
    pub digest: String,
    pub items: Vec<Item>,
}

/// An account that is made, or one of nothing but an id that is completed.
pub struct PlannedAccount {
    pub user: User,
    pub password_hash: Option<String>,
    pub completes: bool,
    pub item: Item,
}

pub struct PlannedPlugin {
    pub new: NewPlugin,
    pub metadata: InstallationMetadata,
    /// Its files.
    pub release: Option<Version>,
    pub items: Vec<Item>,
}

/// What one user gets, in one transaction.
pub struct PlannedUser {
    pub id: UserId,
    pub account: Option<PlannedAccount>,
    pub plugins: Vec<PlannedPlugin>,
}

impl PlannedUser {
    pub fn new(id: UserId) -> Self {
        Self { id, account: None, plugins: Vec::new() }
    }
}

/// An account for somebody of whom nothing but the id is known: inactive, without a password.
pub fn placeholder(id: &UserId, source: impl Into<String>, why: &str, at: Timestamp) -> PlannedAccount {
    let user = User::of_an_id(id.clone(), at);
    let note = format!("{why}; the account is inactive and has no password");
    let item = Item::new(Kind::User, source, Outcome::Done).into_target(format!("user {id}")).with_notes([note]);
    PlannedAccount { user, password_hash: None, completes: false, item }
}

/// What is known of a user's plugin, from whatever source.
pub struct Draft {
    pub id: String,
    pub user: UserId,
    pub slug: Slug,
    pub version: Version,
    pub enabled: bool,
    pub personal: Personal,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Versions that the user had before, oldest first.
    pub before: Vec<Version>,
    pub metadata: InstallationMetadata,
    pub release: Option<Version>,
}

impl Draft {
    /// `items` tell where the plugin was; those that are to be done end as what the target says.
    pub fn planned(self, items: Vec<Item>, target: &mut Target) -> Result<PlannedPlugin> {
        let outcome = match target.plugins.get(&(self.user.clone(), self.slug.clone())) {
            Some(known) => Some(self.is_there(known)),
            None => target.claim_plugin_id(&self.id, &self.user).err().map(|why| (Outcome::Failed(why), None)),
        };
        let items = items.into_iter().map(|item| match &outcome {
            Some((outcome, note)) if item.outcome == Outcome::Done => Item { outcome: outcome.clone(), ..item }.with_notes(note.clone()),
            _ => item,
        });
        let items = items.collect();
        let at = self.metadata.installed_at;
        let entry = |version: &Version, replaced_at| HistoryEntry {
            version: version.clone(),
            change: Change::Import,
            installed_by: self.metadata.installed_by.clone(),
            installed_at: at,
            replaced_at,
        };
        let before = self.before.iter().map(|version| entry(version, Some(at)));
        let history = before.chain([entry(&self.version, None)]).collect();
        let modules = self
            .personal
            .modules
            .iter()
            .map(|own| Ok(ModuleRow { id: own.id.clone(), enabled: own.enabled, config: text(&own.config)?, present: true }));
        let modules = modules.collect::<Result<_>>()?;
        let plugin = Plugin {
            id: self.id,
            user: self.user,
            slug: self.slug,
            version: self.version,
            enabled: self.enabled,
            config: text(&self.personal.config)?,
            manifest: self.personal.manifest,
            access_key: new_access_key()?,
            created_at: self.created_at,
            updated_at: self.updated_at,
            enabled_at: self.enabled.then_some(self.updated_at),
            disabled_at: (!self.enabled).then_some(self.updated_at),
            revision: 1,
        };
        Ok(PlannedPlugin { new: NewPlugin { plugin, modules, history }, metadata: self.metadata, release: self.release, items })
    }

    fn is_there(&self, known: &KnownPlugin) -> (Outcome, Option<String>) {
        match known {
            known if known.id != self.id => {
                let why = format!("the user has this plugin already, with the id {:?}; it stays as it is", known.id);
                (Outcome::Skipped(why), None)
            }
            known if known.version != self.version => {
                (Outcome::AlreadyDone, Some(format!("the user has version {} by now", known.version)))
            }
            _ => (Outcome::AlreadyDone, None),
        }
    }
}

impl PlannedPlugin {
    pub fn is_new(&self) -> bool {
        self.items.iter().any(|item| item.outcome == Outcome::Done)
    }

    /// Nothing of it can be done.
    pub fn fail(&mut self, why: &str) {
        for item in self.items.iter_mut().filter(|item| item.outcome == Outcome::Done) {
            item.outcome = Outcome::Failed(why.to_owned());
        }
    }
}

fn text(values: &Map<String, Value>) -> Result<String> {
    serde_json::to_string(values).map_err(|e| Error::storage("cannot write the config", e))
}
