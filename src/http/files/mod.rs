//! The three addresses of a release's files.

pub mod answer;
mod conditions;
mod encoding;
mod own;
mod public;
mod shared;

use utoipa_actix_web::service_config::ServiceConfig;

/// Registered after everything with fixed words: these end in any path.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(public::by_key).service(shared::shared_file).service(own::own_file);
}
