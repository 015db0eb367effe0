//! The one way off the async threads for blocking work outside the database: files, hashing, compression.

use tokio::sync::oneshot;

use crate::error::{Error, Result};

/// Runs blocking work on a thread made for it. A panic there becomes `storage`, because its cause is ours and never the
/// caller's. The work runs to its end even when the caller stops waiting.
pub async fn run<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let (tell, mut told) = oneshot::channel();
    // The caller may have gone away.
    run_any(Box::new(move || drop(tell.send(work())))).await?;
    told.try_recv().map_err(|e| Error::storage("a background job said nothing", e))?
}

/// All work is one type here: the runtime's machinery for each of hundreds would be a tenth of the program.
#[expect(clippy::disallowed_methods, reason = "this is the helper that everybody else is sent to")]
async fn run_any(work: Box<dyn FnOnce() + Send>) -> Result<()> {
    tokio::task::spawn_blocking(work).await.map_err(|failure| Error::storage("a background job failed", failure))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_result_passes_through_and_a_panic_becomes_an_error() {
        assert_eq!(run(|| Ok(7)).await.unwrap(), 7);
        assert!(matches!(run(|| Err::<(), _>(Error::NotFound("x".to_owned()))).await, Err(Error::NotFound(_))));
        assert!(matches!(run(|| -> Result<()> { panic!("on purpose") }).await, Err(Error::Storage { .. })));
    }
}
