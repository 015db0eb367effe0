//! Modules of the caller's plugins.

use actix_web::{HttpResponse, get, web};
use serde::Serialize;

use super::shapes::{ModuleShape, PluginDetailShape};
use crate::{
    app::{
        App,
        plugins::{self, ListedModule, ListedPlugin},
    },
    domain::Caller,
    error::{Error, Result},
    http::{
        extract::{Authorized, ModuleSegments, PluginSegment, Read},
        problem::HttpResult,
    },
};

#[derive(Serialize, utoipa::ToSchema)]
pub struct Modules {
    modules: Vec<ModuleShape>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct ModuleAndPlugin {
    module: ModuleShape,
    plugin: PluginDetailShape,
}

#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct SimpleModule {
    id: String,
    plugin_id: String,
    name: String,
    display_name: Option<String>,
    description: Option<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
struct SimplePlugin {
    id: String,
    name: String,
    description: Option<String>,
    version: String,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct SimpleModuleAndPlugin {
    module: SimpleModule,
    plugin: SimplePlugin,
}

/// All modules of a plugin.
#[utoipa::path(tag = "plugins", params(("plugin", description = "slug or id")), responses((status = 200, body = Modules)))]
#[get("/plugins/{plugin}/modules")]
pub async fn list_modules(user: Authorized<Read>, app: web::Data<App>, names: web::Path<PluginSegment>) -> HttpResult {
    let listed = plugins::list_one(&app, &user.caller.user, &names.plugin).await?;
    let id = listed.installed.plugin.id.clone();
    Ok(HttpResponse::Ok().json(Modules { modules: listed.modules.iter().map(|module| ModuleShape::new(&listed, module, &id)).collect() }))
}

/// One module with its plugin.
#[utoipa::path(
    tag = "plugins",
    params(("plugin", description = "slug or id"), ("module", description = "module id")),
    responses((status = 200, body = ModuleAndPlugin))
)]
#[get("/plugins/{plugin}/modules/{module}")]
pub async fn get_module(user: Authorized<Read>, app: web::Data<App>, names: web::Path<ModuleSegments>) -> HttpResult {
    detail(&app, &user.caller, &names).await
}

/// The same under an older address.
#[utoipa::path(
    tag = "plugins",
    params(("plugin", description = "slug or id"), ("module", description = "module id")),
    responses((status = 200, body = ModuleAndPlugin))
)]
#[get("/plugins/direct/{plugin}/modules/{module}")]
pub async fn direct_module(user: Authorized<Read>, app: web::Data<App>, names: web::Path<ModuleSegments>) -> HttpResult {
    detail(&app, &user.caller, &names).await
}

async fn detail(app: &App, caller: &Caller, names: &ModuleSegments) -> HttpResult {
    let listed = plugins::list_one(app, &caller.user, &names.plugin).await?;
    let module = find(&listed, &names.module)?;
    let module = ModuleShape::new(&listed, module, &listed.installed.plugin.id).detail();
    Ok(HttpResponse::Ok().json(ModuleAndPlugin { module, plugin: PluginDetailShape::new(&listed) }))
}

/// The few facts that a list of modules needs.
#[utoipa::path(
    tag = "plugins",
    params(("plugin", description = "slug or id"), ("module", description = "module id")),
    responses((status = 200, body = SimpleModuleAndPlugin))
)]
#[get("/plugins/simple/{plugin}/modules/{module}")]
pub async fn simple_module(user: Authorized<Read>, app: web::Data<App>, names: web::Path<ModuleSegments>) -> HttpResult {
    let listed = plugins::list_one(&app, &user.caller.user, &names.plugin).await?;
    let declared = find(&listed, &names.module)?.declared.clone();
    let plugin = &listed.installed.plugin;
    Ok(HttpResponse::Ok().json(SimpleModuleAndPlugin {
        module: SimpleModule {
            id: declared.id,
            plugin_id: plugin.id.clone(),
            name: declared.name,
            display_name: declared.display_name,
            description: declared.description,
        },
        plugin: SimplePlugin {
            id: plugin.id.clone(),
            name: listed.manifest.name.clone(),
            description: listed.manifest.description.clone(),
            version: plugin.version.to_string(),
        },
    }))
}

fn find<'a>(listed: &'a ListedPlugin, id: &str) -> Result<&'a ListedModule> {
    listed.modules.iter().find(|module| module.declared.id == id).ok_or_else(|| Error::NotFound("module".to_owned()))
}
