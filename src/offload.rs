//! The one way off the async threads for blocking work outside the database: files, hashing, compression.

use crate::error::{Error, Result};

/// Runs blocking work on a thread made for it. A panic there becomes `storage`, because its cause is ours and never the
/// caller's. The work runs to its end even when the caller stops waiting.
#[expect(clippy::disallowed_methods, reason = "this is the helper that everybody else is sent to")]
pub async fn run<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(failure) => Err(Error::storage("a background job failed", failure)),
    }
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
