//! Routes under `/plugins`.

mod access_key;
mod available;
mod change_version;
mod config;
mod enable;
mod importmap;
mod info;
mod install;
mod install_package;
mod list;
mod loading;
mod manager;
mod manifest;
mod modules;
mod register;
mod shapes;
mod status;
mod uninstall;
mod updates;

use utoipa_actix_web::service_config::ServiceConfig;

/// Also served under `/users/{user_id}` for administrators.
pub fn mirrored_routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_plugins)
        .service(importmap::importmap)
        .service(install::install)
        .service(uninstall::uninstall)
        .service(status::status)
        .service(change_version::update)
        .service(change_version::rollback)
        .service(change_version::versions)
        .service(config::get_config)
        .service(config::put_config)
        .service(config::patch_config)
        .service(config::get_module_config)
        .service(config::put_module_config)
        .service(config::patch_module_config)
        .service(access_key::renew_access_key)
        .service(enable::patch_plugin)
        .service(enable::patch_module);
}

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(manifest::manifest)
        .service(manifest::designer_manifest)
        .service(manager::manager)
        .service(manager::module_categories)
        .service(manager::module_tags)
        .service(info::test)
        .service(info::refresh_cache)
        .service(info::by_slug)
        .service(available::available)
        .service(install_package::install_package)
        .service(updates::updates_available)
        .service(updates::update_available)
        .service(modules::direct_module)
        .service(modules::simple_module)
        .configure(mirrored_routes)
        .service(info::info)
        .service(register::register)
        .service(uninstall::delete_plugin)
        .service(loading::test_loading)
        .service(loading::repair)
        .service(modules::list_modules)
        .service(modules::get_module);
}
