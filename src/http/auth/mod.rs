//! Routes under `/auth`.

mod answer;
mod change_password;
mod login;
mod logout;
mod me;
mod refresh;
mod register;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(register::register)
        .service(login::login)
        .service(refresh::refresh)
        .service(logout::logout)
        .service(me::me)
        .service(change_password::change_password);
}
