//! Routes under `/releases`.

mod availability;
mod bulk;
mod config;
mod manage;
mod publish;
mod read;
mod shapes;
pub mod upload;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(publish::publish)
        .service(read::get_catalogue)
        .service(read::get_versions)
        .service(availability::put_availability)
        .service(bulk::install_all)
        .service(bulk::update_all)
        .service(config::get_wide_config)
        .service(config::put_wide_config)
        .service(config::patch_wide_config)
        .service(manage::put_channel)
        .service(manage::delete_channel)
        .service(read::get_release)
        .service(manage::patch_release)
        .service(read::get_files)
        .service(read::get_archive)
        .service(manage::yank)
        .service(manage::unyank);
}
