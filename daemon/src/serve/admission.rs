//! Admission: bounds on the memory of requests, from their first byte to the last byte of the
//! reply. A request over a bound waits. Small requests have a share of their own, so that large
//! ones never keep them waiting, and one connection gets half of the share of large requests at
//! most.

use std::sync::Arc;
use std::time::Duration;

use gte_shared::wire::{ErrorCode, ErrorReply};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Bytes per permit: tokio counts permits in 32 bits.
const BYTES_PER_PERMIT: usize = 1024;

/// Most bytes of a small request.
pub(super) const SMALL_BYTES: usize = 64 * 1024;

/// Bytes of a text besides its own while a request is at work: the string, its token ids, its
/// entries in job and scheduler, its score. Measured: 300 to 500 per short text.
const BYTES_PER_TEXT: usize = 512;

/// Bounds that all connections share.
#[derive(Debug)]
pub(super) struct Admission {
    frames: Pool,
    requests: Pool,
    timeout: Duration,
}

/// Bytes that are shared in two parts, of which small amounts have a quarter for themselves.
#[derive(Debug)]
struct Pool {
    small: Part,
    large: Part,
}

/// One part of a pool.
#[derive(Debug)]
struct Part {
    free: Arc<Semaphore>,
    permits: u32,
}

/// Admitted bytes, until this value is dropped.
#[derive(Debug)]
pub(super) struct Admitted {
    _of_all: OwnedSemaphorePermit,
    _of_connection: Option<OwnedSemaphorePermit>,
}

/// The share of one connection.
#[derive(Debug)]
pub(super) struct Share {
    admission: Arc<Admission>,
    own: Part,
}

impl Admission {
    /// Creates bounds of `frame_bytes` for requests that are read, and of `request_bytes` for those
    /// at work. A request waits for `timeout` at most.
    pub(super) fn new(frame_bytes: usize, request_bytes: usize, timeout: Duration) -> Arc<Self> {
        Arc::new(Self {
            frames: Pool::new(frame_bytes),
            requests: Pool::new(request_bytes),
            timeout,
        })
    }

    /// Waits for room to read a message of this many bytes. Messages that are read give way to
    /// others within the timeout of a request, so the wait ends.
    pub(super) async fn to_read(&self, bytes: usize) -> Result<Admitted, ErrorReply> {
        Ok(Admitted {
            _of_all: self.frames.take(bytes).await?,
            _of_connection: None,
        })
    }

    /// The share of a new connection.
    pub(super) fn share(self: &Arc<Self>) -> Share {
        Share {
            admission: Arc::clone(self),
            own: Part::new(self.requests.large.permits / 2),
        }
    }
}

impl Share {
    /// Waits for room for a request: first for earlier ones of its own connection, whose replies
    /// its client may be slow to read, then for those of others.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Overloaded`] if others leave no room for too long.
    pub(super) async fn to_work(&self, bytes: usize) -> Result<Admitted, ErrorReply> {
        let of_connection = self.own.take(bytes).await?;
        let others = self.admission.requests.take(bytes);
        let of_all = timeout(self.admission.timeout, others).await;
        Ok(Admitted {
            _of_all: of_all.unwrap_or_else(|_| Err(overloaded()))?,
            _of_connection: Some(of_connection),
        })
    }
}

impl Pool {
    fn new(bytes: usize) -> Self {
        Self {
            small: Part::new(permits(bytes / 4)),
            large: Part::new(permits(bytes - bytes / 4)),
        }
    }

    async fn take(&self, bytes: usize) -> Result<OwnedSemaphorePermit, ErrorReply> {
        let part = if bytes <= SMALL_BYTES {
            &self.small
        } else {
            &self.large
        };
        part.take(bytes).await
    }
}

impl Part {
    fn new(permits: u32) -> Self {
        let permits = permits.max(1);
        Self {
            free: Arc::new(Semaphore::new(permits as usize)),
            permits,
        }
    }

    /// Waits in turn. What is larger than the part takes all of it.
    async fn take(&self, bytes: usize) -> Result<OwnedSemaphorePermit, ErrorReply> {
        let permits = permits(bytes).min(self.permits);
        let permit = Arc::clone(&self.free).acquire_many_owned(permits).await;
        // The semaphore is never closed.
        permit.map_err(|_| overloaded())
    }
}

fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(BYTES_PER_PERMIT)).unwrap_or(u32::MAX)
}

fn overloaded() -> ErrorReply {
    ErrorReply::new(
        ErrorCode::Overloaded,
        "requests of other clients take all of the daemon's memory",
    )
    .with_hint("try again in a moment, with fewer texts at a time")
}

/// Memory of a request at work: its message, its texts, and its reply, which is in memory twice
/// while it is encoded.
pub(super) fn bytes_at_work(message: usize, texts: usize, reply: usize) -> usize {
    let texts = texts.saturating_mul(BYTES_PER_TEXT);
    message
        .saturating_add(texts)
        .saturating_add(reply.saturating_mul(2))
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    const SHORT: Duration = Duration::from_millis(30);

    fn admission() -> Arc<Admission> {
        Admission::new(1 << 20, 4 << 20, SHORT)
    }

    #[tokio::test]
    async fn a_large_request_waits_for_others_and_is_refused_in_the_end() {
        let admission = admission();
        let (one, other, third) = (admission.share(), admission.share(), admission.share());
        let _first = one.to_work(3 << 19).await.unwrap();
        let second = other.to_work(3 << 19).await.unwrap();
        let refused = third.to_work(3 << 19).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::Overloaded);
        // A small request has room.
        assert!(third.to_work(SMALL_BYTES).await.is_ok());
        let waiting = third.to_work(3 << 19);
        drop(second);
        assert!(waiting.await.is_ok());
    }

    #[tokio::test]
    async fn one_connection_gets_half_and_waits_for_itself() {
        let admission = admission();
        let (greedy, other) = (admission.share(), admission.share());
        let first = greedy.to_work(3 << 19).await.unwrap();
        // Without a limit of time: it is its own fault.
        let mut second = Box::pin(greedy.to_work(1 << 19));
        assert!(timeout(2 * SHORT, &mut second).await.is_err());
        assert!(other.to_work(1 << 20).await.is_ok());
        drop(first);
        assert!(second.await.is_ok());
    }

    #[tokio::test]
    async fn what_is_larger_than_all_takes_all() {
        let admission = admission();
        let share = admission.share();
        let all = share.to_work(usize::MAX).await.unwrap();
        let other = admission.share();
        assert!(other.to_work(1 << 20).await.is_err());
        drop(all);
        assert!(other.to_work(1 << 20).await.is_ok());
    }

    #[tokio::test]
    async fn a_message_waits_until_others_have_been_read() {
        let admission = admission();
        let first = admission.to_read(3 << 18).await.unwrap();
        let mut second = Box::pin(admission.to_read(1 << 18));
        assert!(timeout(SHORT, &mut second).await.is_err());
        assert!(admission.to_read(100).await.is_ok());
        drop(first);
        assert!(second.await.is_ok());
    }
}
