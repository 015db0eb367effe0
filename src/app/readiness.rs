//! Whether writes can succeed right now.

use std::sync::Arc;

use super::App;
use crate::{offload, storage::meta};

pub struct Readiness {
    pub database: bool,
    pub folder: bool,
}

impl Readiness {
    pub fn is_ready(&self) -> bool {
        self.database && self.folder
    }
}

/// Writes to both, as a request would.
pub async fn check(app: &Arc<App>) -> Readiness {
    let database = app.db.write(meta::probe).await;
    let folder = app.folder.clone();
    let folder = offload::run(move || folder.writable()).await;
    for error in [&database, &folder].into_iter().filter_map(|result| result.as_ref().err()) {
        tracing::error!(error = %error.chain(), "not ready");
    }
    Readiness { database: database.is_ok(), folder: folder.is_ok() }
}
