//! The one place from which blocking work leaves the async threads.

use crate::error::{Error, Result};

/// Runs blocking `work` on a thread made for it and waits for the result. A panic in it becomes an error here.
pub async fn run<T, F>(work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    #[expect(clippy::disallowed_methods, reason = "this is the helper that everything else goes through")]
    let task = tokio::task::spawn_blocking(work);
    task.await.map_err(|e| Error::storage("a background task failed", e))?
}
