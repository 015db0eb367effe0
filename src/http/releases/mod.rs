//! Routes under `/releases`.

mod availability;
mod publish;
mod upload;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(publish::publish).service(availability::put_availability);
}
