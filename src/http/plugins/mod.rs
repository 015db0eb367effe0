//! Routes under `/plugins`.

use utoipa_actix_web::service_config::ServiceConfig;

/// Also served under `/users/{user_id}` for administrators.
pub fn native_routes(_config: &mut ServiceConfig<'_>) {}

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.configure(native_routes);
}
