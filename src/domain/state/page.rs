//! Which entries a caller may see and asks for.

use super::Strategy;
use crate::domain::Slug;

/// The plugins whose state a caller may touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PluginSet {
    All,
    Only(Vec<Slug>),
}

impl PluginSet {
    pub fn includes(&self, plugin: &Slug) -> bool {
        match self {
            Self::All => true,
            Self::Only(slugs) => slugs.contains(plugin),
        }
    }
}

/// What a list of entries is restricted to; `None` is no restriction.
#[derive(Debug, Clone, Default)]
pub struct ListFilter {
    pub plugin: Option<Slug>,
    /// Empty asks for entries without page.
    pub page: Option<String>,
    pub key: Option<String>,
    pub strategy: Option<Strategy>,
    pub device: Option<String>,
    /// Inactive ones are listed when asked for alone.
    pub inactive: bool,
}
