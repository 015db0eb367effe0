//! A plugin at another version than before.

use serde::{Deserialize, Serialize};

use crate::{app::plugins, domain::Slug};

#[derive(Serialize)]
pub struct Moved {
    pub slug: String,
    pub user: String,
    pub previous_version: String,
    /// Equal when there was nothing to do.
    pub new_version: String,
}

/// As the server's answers say it.
#[derive(Deserialize)]
pub struct Versions {
    previous_version: String,
    new_version: String,
}

impl From<plugins::Moved> for Versions {
    fn from(moved: plugins::Moved) -> Self {
        Self { previous_version: moved.previous.to_string(), new_version: moved.plugin.version.to_string() }
    }
}

impl Moved {
    pub fn new(slug: &Slug, user: String, versions: Versions) -> Self {
        let Versions { previous_version, new_version } = versions;
        Self { slug: slug.to_string(), user, previous_version, new_version }
    }
}
