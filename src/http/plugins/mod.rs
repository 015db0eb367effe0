//! Routes under `/plugins`.

mod enable;
mod install;
mod list;
mod manifest;
mod modules;
mod shapes;
mod status;
mod uninstall;

use utoipa_actix_web::service_config::ServiceConfig;

/// Also served under `/users/{user_id}` for administrators.
pub fn mirrored_routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_plugins)
        .service(install::install)
        .service(uninstall::uninstall)
        .service(status::status)
        .service(enable::patch_plugin)
        .service(enable::patch_module);
}

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(manifest::manifest)
        .service(manifest::designer_manifest)
        .service(modules::direct_module)
        .service(modules::simple_module)
        .configure(mirrored_routes)
        .service(modules::list_modules)
        .service(modules::get_module);
}
