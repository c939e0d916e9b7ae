//! A panic in a handler as an error reply: the client of that request learns of it, and the others
//! do not notice.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use gte_shared::wire::{ErrorCode, ErrorReply};

/// Runs a handler; its panic becomes an error. The panic hook has logged its place.
pub(super) async fn catch<T>(
    handling: impl Future<Output = Result<T, ErrorReply>>,
) -> Result<T, ErrorReply> {
    let mut handling = pin!(handling);
    poll_fn(|context| {
        // What the handler shares with others is changed as a whole or behind locks that outlast
        // a panic, and the handler itself is not polled again.
        let polled = catch_unwind(AssertUnwindSafe(|| handling.as_mut().poll(context)));
        polled.unwrap_or_else(|_| {
            let message = "the daemon failed at this request";
            Poll::Ready(Err(ErrorReply::new(ErrorCode::Internal, message)))
        })
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_wherever_it_happens() {
        let at_once = catch(async { panic!("on purpose") });
        let reply: Result<(), _> = at_once.await;
        assert_eq!(reply.unwrap_err().code, ErrorCode::Internal);
        let later = catch(async {
            tokio::task::yield_now().await;
            panic!("on purpose")
        });
        let reply: Result<(), _> = later.await;
        assert_eq!(reply.unwrap_err().code, ErrorCode::Internal);
        assert_eq!(catch(async { Ok(7) }).await.unwrap(), 7);
    }
}
