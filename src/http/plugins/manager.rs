//! All modules of the caller's plugins in one list, with what it can be narrowed to.

use std::collections::BTreeSet;

use actix_web::{HttpResponse, get, web};
use serde::{Deserialize, Serialize};

use super::shapes::ModuleShape;
use crate::{
    app::{
        App,
        plugins::{self, ListedModule, ListedPlugin, ModuleSearch},
    },
    domain::{ids::plugin_id, plugin::Plugin},
    error::{Error, Result},
    http::{
        extract::{Authorized, Query, Read},
        problem::HttpResult,
    },
};

const PAGE_SIZE: usize = 16;
const MAX_PAGE_SIZE: usize = 100;

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct ManagerParameters {
    /// Searched in name, display name and description, without regard to case.
    search: Option<String>,
    category: Option<String>,
    /// Separated by commas; modules that have any of them.
    tags: Option<String>,
    #[param(minimum = 1)]
    page: Option<usize>,
    #[param(minimum = 1, maximum = 100)]
    page_size: Option<usize>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManagerAnswer {
    modules: Vec<ModuleShape>,
    /// How many there are on all pages.
    #[schema(maximum = 1000000)]
    total_items: usize,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct Categories {
    categories: BTreeSet<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct Tags {
    tags: BTreeSet<String>,
}

/// Parameters that stand empty in the address are those of a form that was left empty.
fn given(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn within(name: &str, value: Option<usize>, default: usize, max: usize) -> Result<usize> {
    match value.unwrap_or(default) {
        value if (1..=max).contains(&value) => Ok(value),
        _ if max == usize::MAX => Err(Error::invalid(name, "must be at least 1")),
        _ => Err(Error::invalid(name, format!("must be between 1 and {max}"))),
    }
}

/// The modules of all of the caller's plugins, by slug, then in the manifest's order; disabled ones too.
#[utoipa::path(
    tag = "plugins",
    params(ManagerParameters),
    responses((status = 200, body = ManagerAnswer), (status = 422, description = "a parameter is not valid"))
)]
#[get("/plugins/manager")]
pub async fn manager(user: Authorized<Read>, app: web::Data<App>, query: Query<ManagerParameters>) -> HttpResult {
    let query = query.0;
    let page = within("page", query.page, 1, usize::MAX)?;
    let page_size = within("pageSize", query.page_size, PAGE_SIZE, MAX_PAGE_SIZE)?;
    let tags = query.tags.iter().flat_map(|tags| tags.split(',')).map(str::trim).filter(|tag| !tag.is_empty());
    let search = ModuleSearch { text: given(query.search), category: given(query.category), tags: tags.map(str::to_owned).collect() };
    let listed = plugins::list(&app, &user.caller.user).await?;
    let found: Vec<_> = plugins::modules(&listed, &search).collect();
    let shown = found.iter().skip((page - 1).saturating_mul(page_size)).take(page_size);
    // Not the stored id: this list has always named plugins so.
    let shape = |(plugin, module): &(&ListedPlugin, &ListedModule)| {
        let Plugin { user, slug, .. } = &plugin.installed.plugin;
        ModuleShape::new(plugin, module, &plugin_id(user, slug))
    };
    Ok(HttpResponse::Ok().json(ManagerAnswer { modules: shown.map(shape).collect(), total_items: found.len() }))
}

/// The categories of the caller's modules.
#[utoipa::path(tag = "plugins", responses((status = 200, body = Categories)))]
#[get("/plugins/categories")]
pub async fn module_categories(user: Authorized<Read>, app: web::Data<App>) -> HttpResult {
    let listed = plugins::list(&app, &user.caller.user).await?;
    let all = plugins::modules(&listed, &ModuleSearch::default()).filter_map(|(_, module)| module.declared.category.clone()).collect();
    Ok(HttpResponse::Ok().json(Categories { categories: all }))
}

/// The tags of the caller's modules.
#[utoipa::path(tag = "plugins", responses((status = 200, body = Tags)))]
#[get("/plugins/tags")]
pub async fn module_tags(user: Authorized<Read>, app: web::Data<App>) -> HttpResult {
    let listed = plugins::list(&app, &user.caller.user).await?;
    let all = plugins::modules(&listed, &ModuleSearch::default()).flat_map(|(_, module)| module.declared.tags.clone()).collect();
    Ok(HttpResponse::Ok().json(Tags { tags: all }))
}
