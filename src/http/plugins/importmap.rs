//! The import map of a user's JavaScript modules.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, get, web};
use serde::Serialize;

use crate::{
    app::{App, plugins},
    http::{
        etag,
        extract::{Read, Subject},
        problem::HttpResult,
    },
};

/// As `<script type="importmap">` takes it (HTML, section "Import maps").
#[derive(Default, Serialize, utoipa::ToSchema)]
pub struct ImportMap {
    /// `slug` to the entry, `slug/` to the folder of all files.
    imports: BTreeMap<String, String>,
    /// Address to `sha384-...`
    integrity: BTreeMap<String, String>,
}

/// The enabled, available plugins that are JavaScript modules, by name.
#[utoipa::path(tag = "plugins", responses((status = 200, body = ImportMap), (status = 304, description = "unchanged")))]
#[get("/plugins/importmap")]
pub async fn importmap(subject: Subject<Read>, app: web::Data<App>, request: HttpRequest) -> HttpResult {
    let mut map = ImportMap::default();
    let listed = plugins::list(&app, &subject.user).await?;
    for one in listed.iter().filter(|one| one.installed.is_served() && one.manifest.bundle_method.as_deref() == Some("esm")) {
        let Some(entry) = &one.entry else { continue };
        let slug = &one.installed.plugin.slug;
        map.imports.insert(slug.to_string(), entry.url.clone());
        map.imports.insert(format!("{slug}/"), entry.files_base_url.clone());
        map.integrity.extend(entry.integrity.clone().map(|integrity| (entry.url.clone(), integrity)));
    }
    Ok(etag::json(&request, &map)?)
}
