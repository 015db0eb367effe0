//! Routes under `/users`: other people's accounts, for administrators.

mod body;
mod create;
mod delete;
mod get;
mod list;
mod update;

use utoipa_actix_web::service_config::ServiceConfig;

pub use body::UserBody;

use crate::{
    domain::UserId,
    error::{Error, Result},
};

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list::list).service(create::create).service(get::get).service(update::update).service(delete::delete);
}

/// What cannot be a user's id is the id of nobody.
fn user_id(segment: &str) -> Result<UserId> {
    segment.parse().map_err(|_| Error::NotFound("user".to_owned()))
}
