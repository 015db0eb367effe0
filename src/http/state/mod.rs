//! Routes under `/plugin-state`, for everybody's own state; also served under `/users/{user_id}` for administrators.

mod access;
mod batch;
mod body;
mod bulk;
mod changes;
mod conditions;
mod create;
mod delete;
mod entry;
mod events;
mod export;
mod facts;
mod get;
mod history;
mod import;
mod list;
mod mutations;
mod policies;
mod record;
mod rollback;
mod snapshots;
mod spooled;
mod stats;
mod update;

use utoipa_actix_web::service_config::ServiceConfig;

pub use entry::{document, kept_key};
pub use facts::ANSWER_HEADERS;
pub use policies::put_policy;
pub use stats::admin_stats;

/// Fixed words come before ids.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(entry::get_entry)
        .service(entry::put_entry)
        .service(entry::patch_entry)
        .service(entry::delete_entry)
        .service(changes::list_changes)
        .service(events::stream_events)
        .service(events::make_ticket)
        .service(batch::batch)
        .service(mutations::mutations)
        .service(bulk::bulk)
        .service(bulk::sync)
        .service(export::export)
        .service(import::import)
        .service(stats::stats)
        .service(stats::cleanup)
        .service(policies::get_policy)
        .service(policies::limits)
        .service(snapshots::list_snapshots)
        .service(snapshots::create_snapshot)
        .service(snapshots::get_snapshot)
        .service(snapshots::delete_snapshot)
        .service(snapshots::restore_snapshot)
        .service(create::create)
        .service(list::list)
        .service(history::list_revisions)
        .service(history::get_revision)
        .service(rollback::rollback)
        .service(get::get)
        .service(update::update)
        .service(delete::delete);
}
