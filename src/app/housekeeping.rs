//! What a running server tidies up by itself, every hour.

use std::{sync::Arc, time::Duration};

use super::{App, now};
use crate::{
    error::Result,
    offload,
    storage::{audit, sessions},
};

const EVERY: Duration = Duration::from_secs(3600);

/// Tidies up until the returned task is aborted. A failure is logged and tried again an hour later.
pub fn start(app: Arc<App>) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        let mut hours = tokio::time::interval(EVERY);
        loop {
            hours.tick().await;
            if let Err(error) = tidy(&app).await {
                tracing::warn!(error = %error.chain(), "housekeeping failed");
            }
        }
    })
}

/// Dead sessions, what killed processes left in `cache/`, and audit entries older than their retention.
pub async fn tidy(app: &App) -> Result<()> {
    let now = now();
    app.db.write(move |conn| sessions::remove_all_ended(conn, now)).await?;
    let folder = app.folder.clone();
    offload::run(move || folder.remove_leftovers().map(drop)).await?;
    if let Some(retention) = app.settings.audit_retention {
        let cutoff = now.minus(retention);
        app.db.write(move |conn| audit::delete_before(conn, cutoff)).await?;
    }
    Ok(())
}
