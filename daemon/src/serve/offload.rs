//! Long computations away from the threads that serve connections.

use gte_shared::wire::{ErrorCode, ErrorReply};

use super::admission::SMALL_BYTES;

/// Runs `work` on this thread if it is about a small message, else on a thread for long work. Its
/// panic there becomes an error.
pub(super) async fn offload<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ErrorReply> {
    if bytes <= SMALL_BYTES {
        return Ok(work());
    }
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| ErrorReply::new(ErrorCode::Internal, "the daemon failed at this request"))
}
