//! The manifest's types: what is stored with a release and answered to frontends.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    domain::{Slug, Version},
    error::{Error, Result},
};

/// A release's manifest in the one form that is stored and answered: the keys of `plugin.json`. Written as JSON and read
/// back it is equal, digits and member order of the free-form parts included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The slug; `plugin.json` calls it `id`.
    #[serde(rename = "id")]
    pub slug: Slug,
    pub name: String,
    #[serde(default)]
    pub description: Option<String>,
    pub version: Version,
    #[serde(rename = "type", default = "frontend")]
    pub plugin_type: String,
    #[serde(default)]
    pub icon: Option<String>,
    #[serde(default)]
    pub category: Option<String>,
    #[serde(default)]
    pub status: Option<String>,
    #[serde(default)]
    pub official: bool,
    #[serde(default)]
    pub author: Option<String>,
    #[serde(default)]
    pub last_updated: Option<String>,
    #[serde(default)]
    pub compatibility: Option<String>,
    #[serde(default)]
    pub downloads: u64,
    #[serde(default)]
    pub scope: Option<String>,
    /// `webpack` for Module Federation, `esm` for a JavaScript module.
    #[serde(rename = "bundlemethod", default)]
    pub bundle_method: Option<String>,
    /// The entry file, relative to the release; absent for a plugin without a bundle of its own.
    #[serde(rename = "bundlelocation", default)]
    pub bundle_location: Option<String>,
    #[serde(rename = "islocal", default)]
    pub is_local: bool,
    #[serde(default)]
    pub long_description: Option<String>,
    #[serde(default)]
    pub source_type: Option<String>,
    #[serde(default)]
    pub source_url: Option<String>,
    #[serde(default)]
    pub update_check_url: Option<String>,
    #[serde(default)]
    pub config_fields: Map<String, Value>,
    #[serde(default)]
    pub messages: Map<String, Value>,
    /// Slug to range of the versions that this plugin needs beside it.
    #[serde(default)]
    pub dependencies: BTreeMap<Slug, semver::VersionReq>,
    #[serde(default)]
    pub permissions: Vec<String>,
    #[serde(default)]
    pub tags: Vec<String>,
    /// The host applications' versions that this release works with.
    #[serde(default)]
    pub host: Option<semver::VersionReq>,
    #[serde(default)]
    pub visibility: Option<Visibility>,
    /// JSON Schema (draft 2020-12) of the plugin's config.
    #[serde(rename = "config_schema", default, skip_serializing_if = "Option::is_none")]
    pub config_schema: Option<Value>,
    #[serde(rename = "state_policy", default, skip_serializing_if = "Option::is_none")]
    pub state_policy: Option<Value>,
    #[serde(default)]
    pub modules: Vec<Module>,
}

/// A part of a plugin that a frontend can place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Module {
    pub id: String,
    pub name: String,
    #[serde(default)]
    pub display_name: Option<String>,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub icon: Option<String>,
    #[serde(default)]
    pub category: Option<String>,
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default = "yes")]
    pub enabled: bool,
    #[serde(default)]
    pub priority: i64,
    #[serde(default)]
    pub props: Map<String, Value>,
    #[serde(default)]
    pub config_fields: Map<String, Value>,
    #[serde(default)]
    pub messages: Map<String, Value>,
    #[serde(default)]
    pub required_services: Map<String, Value>,
    #[serde(default)]
    pub dependencies: Vec<Value>,
    #[serde(default)]
    pub layout: Map<String, Value>,
    #[serde(rename = "config_schema", default, skip_serializing_if = "Option::is_none")]
    pub config_schema: Option<Value>,
}

/// Who can load a release's files from the address that is the same for all users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    Private,
    Public,
}

impl Manifest {
    /// A manifest that says nothing but what it must.
    pub fn new(slug: Slug, version: Version) -> Self {
        Self {
            name: slug.to_string(),
            slug,
            description: None,
            version,
            plugin_type: frontend(),
            icon: None,
            category: None,
            status: None,
            official: false,
            author: None,
            last_updated: None,
            compatibility: None,
            downloads: 0,
            scope: None,
            bundle_method: None,
            bundle_location: None,
            is_local: false,
            long_description: None,
            source_type: None,
            source_url: None,
            update_check_url: None,
            config_fields: Map::new(),
            messages: Map::new(),
            dependencies: BTreeMap::new(),
            permissions: Vec::new(),
            tags: Vec::new(),
            host: None,
            visibility: None,
            config_schema: None,
            state_policy: None,
            modules: Vec::new(),
        }
    }
}

impl Module {
    /// A module that says nothing but its id.
    pub fn new(id: String) -> Self {
        Self {
            name: id.clone(),
            id,
            display_name: None,
            description: None,
            icon: None,
            category: None,
            tags: Vec::new(),
            enabled: true,
            priority: 0,
            props: Map::new(),
            config_fields: Map::new(),
            messages: Map::new(),
            required_services: Map::new(),
            dependencies: Vec::new(),
            layout: Map::new(),
            config_schema: None,
        }
    }
}

impl fmt::Display for Visibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Private => "private",
            Self::Public => "public",
        })
    }
}

impl FromStr for Visibility {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "private" => Ok(Self::Private),
            "public" => Ok(Self::Public),
            _ => Err(Error::invalid("visibility", format!("{text:?} is neither `private` nor `public`"))),
        }
    }
}

pub(super) fn frontend() -> String {
    "frontend".to_owned()
}

fn yes() -> bool {
    true
}
