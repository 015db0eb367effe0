//! Routes under `/plugin-state`, for everybody's own state; also served under `/users/{user_id}` for administrators.

mod access;
mod body;
mod changes;
mod conditions;
mod create;
mod delete;
mod entry;
mod facts;
mod get;
mod history;
mod list;
mod record;
mod rollback;
mod update;

use utoipa_actix_web::service_config::ServiceConfig;

pub use facts::ANSWER_HEADERS;

/// Fixed words come before ids.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(entry::get_entry)
        .service(entry::put_entry)
        .service(entry::patch_entry)
        .service(entry::delete_entry)
        .service(changes::list_changes)
        .service(create::create)
        .service(list::list)
        .service(history::list_revisions)
        .service(history::get_revision)
        .service(rollback::rollback)
        .service(get::get)
        .service(update::update)
        .service(delete::delete);
}
