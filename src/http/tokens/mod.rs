//! Routes under `/tokens`: the caller's API tokens.

mod create;
mod list;
mod revoke;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(create::create).service(list::list).service(revoke::revoke);
}
