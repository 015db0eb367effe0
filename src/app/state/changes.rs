//! What changed since a reader was here last.

use super::Access;
use crate::{
    app::App,
    domain::state::{Cursor, Entry},
    error::Result,
    storage::{state_heads, state_lists},
};

/// Changed entries, each once, at its last change, in order; tombstones and those past their end among them.
#[derive(Debug)]
pub struct Changes {
    pub entries: Vec<Entry>,
    /// Where the next call goes on.
    pub cursor: Cursor,
    pub has_more: bool,
}

/// Where a reader stands who has just read everything.
pub async fn head(app: &App, access: &Access) -> Result<Cursor> {
    let (user, epoch) = (access.user.clone(), app.state.epoch.clone());
    app.db.read(move |conn| Ok(Cursor { seq: state_heads::find(conn, &user)?.seq, epoch, user })).await
}

/// At most `limit` changes after the cursor, or from the beginning.
///
/// # Errors
///
/// `Gone` for a cursor from which the changes cannot be told.
pub async fn changes(app: &App, access: &Access, since: Option<Cursor>, limit: usize) -> Result<Changes> {
    let (access, epoch) = (access.clone(), app.state.epoch.clone());
    app.db
        .read(move |conn| {
            let head = state_heads::find(conn, &access.user)?;
            let since = match since {
                Some(cursor) => cursor.position(&access.user, &epoch, head.horizon, head.seq)?,
                None => 0,
            };
            let rows = crate::app::page::Page::<Entry>::rows(limit);
            let mut entries = state_lists::changes(conn, &access.user, &access.plugins, since, rows)?;
            let has_more = entries.len() > limit;
            entries.truncate(limit);
            // At the end there is nothing up to the head that was not told: all of it is one picture of the database.
            let seq = if has_more { entries.last().map_or(since, |entry| entry.seq) } else { head.seq };
            Ok(Changes { entries, cursor: Cursor { user: access.user, epoch, seq }, has_more })
        })
        .await
}
