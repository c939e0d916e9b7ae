//! Waiting for a reply, on a processor that may be taken away.

use std::future::Future;

use tokio::time::{Instant, sleep_until};

/// Turns that other tasks get after a deadline, before its reply counts as late.
const TURNS: usize = 8;

/// Waits for a reply until a deadline; `None` if it is late.
///
/// A function with a small share of a processor stands still for up to 100 ms at a time. The reply
/// may then be there when it goes on, but behind the deadline, so the task that reads it gets some
/// turns first.
pub(super) async fn wait_until<T>(deadline: Instant, reply: impl Future<Output = T>) -> Option<T> {
    tokio::pin!(reply);
    tokio::select! {
        biased;
        reply = &mut reply => return Some(reply),
        () = sleep_until(deadline) => {}
    }
    for _ in 0..TURNS {
        tokio::select! {
            biased;
            reply = &mut reply => return Some(reply),
            () = tokio::task::yield_now() => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_reply_that_others_have_still_to_read_counts() {
        let (sender, reply) = oneshot::channel();
        let deadline = Instant::now() + Duration::from_millis(5);
        tokio::spawn(async move {
            sleep_until(deadline).await;
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            sender.send(7).unwrap();
        });
        let reply = async { reply.await.unwrap() };
        assert_eq!(wait_until(deadline, reply).await, Some(7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_reply_is_given_up() {
        let deadline = Instant::now() + Duration::from_millis(5);
        let never = std::future::pending::<()>();
        assert_eq!(wait_until(deadline, never).await, None);
        assert_eq!(Instant::now(), deadline);
    }
}
