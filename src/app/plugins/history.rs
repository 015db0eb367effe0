//! What was installed when, and by whom.

use super::find;
use crate::{
    app::App,
    domain::{UserId, history::HistoryEntry},
    error::Result,
    storage::plugins,
};

/// Oldest first.
pub async fn history(app: &App, user: &UserId, name: &str) -> Result<Vec<HistoryEntry>> {
    let id = find(app, user, name).await?.id;
    app.db.read(move |conn| plugins::history(conn, &id)).await
}
