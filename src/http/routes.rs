//! Every route on one screen. Fixed words come before variable segments.

use utoipa_actix_web::{scope, service_config::ServiceConfig};

use super::{audit, auth, files, openapi, operations, plugins, releases, state, tokens, users};

pub fn all(config: &mut ServiceConfig<'_>) {
    config.service(operations::healthz).service(operations::readyz).service(operations::metrics).service(openapi::openapi_json).service(
        scope("/api/v1")
            // Saves are what comes here most often, and addresses are compared one after another.
            .service(state::admin_stats)
            .service(state::put_policy)
            .configure(state::routes)
            .configure(auth::routes)
            .configure(tokens::routes)
            .service(audit::audit)
            .configure(releases::routes)
            // Before the scope below, which keeps every address that begins like it.
            .configure(users::routes)
            .service(scope("/users/{user_id}").configure(plugins::mirrored_routes).configure(state::routes))
            .configure(plugins::routes)
            .configure(files::routes),
    );
}
