//! Whose states can be taken over, and what their plugins are called here.

use std::collections::{BTreeSet, HashMap};

use super::super::rows::RowPlugin;
use crate::{
    app::takeover::{import::tree::bare_id, report::Outcome},
    domain::{Slug, UserId},
};

pub struct Known {
    /// By the plugin's id in the old database.
    plugins: HashMap<String, Slug>,
    installed: BTreeSet<(UserId, Slug)>,
    /// Those who have an account, or get one.
    users: BTreeSet<UserId>,
    keep_orphans: bool,
}

impl Known {
    /// `slugs` has every row by its id, `rows` those that are taken over.
    pub fn new(
        mut slugs: HashMap<String, Slug>,
        rows: &[RowPlugin],
        there: impl Iterator<Item = (UserId, Slug)>,
        users: impl Iterator<Item = UserId>,
        keep_orphans: bool,
    ) -> Self {
        slugs.extend(rows.iter().map(|row| (row.id.clone(), row.slug.clone())));
        let installed = rows.iter().map(|row| (row.user.clone(), row.slug.clone())).chain(there).collect();
        Self { plugins: slugs, installed, users: users.collect(), keep_orphans }
    }

    pub fn has_account(&self, user: &UserId) -> bool {
        self.users.contains(user)
    }

    pub fn has_plugin(&self, user: &UserId, slug: &Slug) -> bool {
        self.installed.contains(&(user.clone(), slug.clone()))
    }

    pub fn user(&self, written: Option<&str>) -> Result<UserId, Outcome> {
        let written = written.unwrap_or_default();
        let id: UserId = written.trim().parse().map_err(|_| Outcome::Failed(format!("is an orphan: {written:?} is no user's id")))?;
        match self.has_account(&id) || self.keep_orphans {
            true => Ok(id),
            false => Err(Outcome::Skipped(format!("is an orphan: its user {id} is not in the database; --keep-orphans keeps it"))),
        }
    }

    /// Rows name a plugin by its id; frontends also stored states under the bare slug, and under names of their own.
    pub fn slug(&self, written: Option<&str>, user: Option<&UserId>) -> Result<Slug, Outcome> {
        let written = written.unwrap_or_default();
        if let Some(known) = self.plugins.get(written) {
            return Ok(known.clone());
        }
        bare_id(written, user).parse().map_err(|_| Outcome::Failed(format!("its plugin {written:?} has no name that a slug can have")))
    }
}
