//! What there is to install.

use std::collections::{BTreeMap, HashMap};

use actix_web::{HttpResponse, get, web};
use serde::Serialize;

use crate::{
    app::{
        App, plugins,
        releases::{self, Search},
    },
    domain::{Version, release::CatalogueEntry},
    error::{Error, Result},
    http::{
        extract::{Authorized, Read},
        problem::HttpResult,
    },
};

/// Slugs read at a time.
const PAGE: usize = 1000;

#[derive(Serialize, utoipa::ToSchema)]
pub struct AvailableAnswer {
    status: &'static str,
    data: Available,
}

#[derive(Serialize, utoipa::ToSchema)]
struct Available {
    available_plugins: BTreeMap<String, AvailablePlugin>,
    #[schema(maximum = 1000000)]
    total_count: usize,
}

#[derive(Serialize, utoipa::ToSchema)]
struct AvailablePlugin {
    plugin_slug: String,
    name: String,
    description: Option<String>,
    /// The newest.
    version: String,
    r#type: String,
    icon: Option<String>,
    category: Option<String>,
    author: Option<String>,
    official: bool,
    tags: Vec<String>,
    #[schema(maximum = 9007199254740991i64)]
    installs: u64,
    /// Whether the caller has it, and in which version.
    installed: bool,
    installed_version: Option<String>,
}

impl AvailablePlugin {
    fn new(entry: CatalogueEntry, own: Option<&Version>) -> Self {
        let manifest = entry.newest.manifest;
        Self {
            plugin_slug: entry.newest.slug.to_string(),
            name: manifest.name,
            description: manifest.description,
            version: entry.newest.version.to_string(),
            r#type: manifest.plugin_type,
            icon: manifest.icon,
            category: manifest.category,
            author: manifest.author,
            official: manifest.official,
            tags: manifest.tags,
            installs: entry.installs,
            installed: own.is_some(),
            installed_version: own.map(ToString::to_string),
        }
    }
}

async fn catalogue(app: &App) -> Result<Vec<CatalogueEntry>> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = releases::catalogue(app, Search::default(), after, PAGE).await?;
        all.extend(page.items);
        match page.next {
            Some(next) => after = Some(next.parse().map_err(|e: Error| Error::storage("the catalogue cannot be read on", e))?),
            None => return Ok(all),
        }
    }
}

/// The newest release of every plugin that the administrator has not switched off.
#[utoipa::path(tag = "plugins", responses((status = 200, body = AvailableAnswer)))]
#[get("/plugins/available")]
pub async fn available(user: Authorized<Read>, app: web::Data<App>) -> HttpResult {
    let own = plugins::list(&app, &user.caller.user).await?;
    let own: HashMap<_, _> = own.iter().map(|one| (&one.installed.plugin.slug, &one.installed.plugin.version)).collect();
    let offered = catalogue(&app).await?.into_iter().filter(|entry| entry.available);
    let available_plugins: BTreeMap<_, _> = offered
        .map(|entry| {
            let own = own.get(&entry.newest.slug).copied();
            (entry.newest.slug.to_string(), AvailablePlugin::new(entry, own))
        })
        .collect();
    let data = Available { total_count: available_plugins.len(), available_plugins };
    Ok(HttpResponse::Ok().json(AvailableAnswer { status: "success", data }))
}
