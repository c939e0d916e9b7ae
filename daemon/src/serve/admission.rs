//! Admission: bounds on the memory of requests, from their first byte to the last byte of the
//! reply. A request over a bound waits. Small and medium requests have parts of their own, so that
//! large ones never keep them waiting, and one connection gets half of each part, or one request
//! that is larger than that.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gte_shared::wire::{ErrorCode, ErrorReply};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Bytes per permit: tokio counts permits in 32 bits.
const BYTES_PER_PERMIT: usize = 1024;

/// Most bytes of a small request.
pub(super) const SMALL_BYTES: usize = 64 * 1024;

/// Most bytes of a medium request: some thousand short texts.
const MEDIUM_BYTES: usize = 4 * 1024 * 1024;

/// Bytes of a text besides its own, its token ids and its vector while a request is at work: the
/// headers of these, the entries in job and scheduler, the score. Measured: 300 to 500.
const BYTES_PER_TEXT: usize = 512;

/// Most bytes of token ids per byte of text: an id has four bytes, and a token at least one.
const ID_BYTES_PER_BYTE: usize = 4;

/// Copies of a reply while it is encoded: the reply, its payload and its frame.
const REPLY_COPIES: usize = 3;

/// Bounds that all connections share.
#[derive(Debug)]
pub(super) struct Admission {
    frames: Pool,
    requests: Pool,
    request_bytes: usize,
    timeout: Duration,
    refused: AtomicU64,
}

/// Bytes that are shared in three parts: small and medium amounts have an eighth each for
/// themselves.
#[derive(Debug)]
struct Pool {
    small: Part,
    medium: Part,
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
    of_all: OwnedSemaphorePermit,
    of_connection: OwnedSemaphorePermit,
}

/// The share of one connection.
#[derive(Debug)]
pub(super) struct Share {
    admission: Arc<Admission>,
    own: Pool,
}

impl Admission {
    /// Creates bounds of `frame_bytes` for requests that are read, and of `request_bytes` for those
    /// at work. A request waits for those of others for `timeout` at most.
    pub(super) fn new(frame_bytes: usize, request_bytes: usize, timeout: Duration) -> Arc<Self> {
        Arc::new(Self {
            frames: Pool::new(frame_bytes),
            requests: Pool::new(request_bytes),
            request_bytes,
            timeout,
            refused: AtomicU64::new(0),
        })
    }

    /// Bytes of requests at work, and the most of them.
    pub(super) fn use_of_requests(&self) -> (usize, usize) {
        let parts = [
            &self.requests.small,
            &self.requests.medium,
            &self.requests.large,
        ];
        let most: usize = parts.iter().map(|part| part.permits as usize).sum();
        let free: usize = parts.iter().map(|part| part.free.available_permits()).sum();
        let bytes = |permits: usize| permits * BYTES_PER_PERMIT;
        (bytes(most.saturating_sub(free)), bytes(most))
    }

    /// Counts a request that others leave no room for.
    fn refuse(&self) -> ErrorReply {
        self.refused.fetch_add(1, Ordering::Relaxed);
        overloaded()
    }

    /// Requests that were refused since others left no room.
    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// The share of a new connection.
    pub(super) fn share(self: &Arc<Self>) -> Share {
        Share {
            admission: Arc::clone(self),
            own: Pool::new(self.request_bytes / 2),
        }
    }
}

impl Share {
    /// Waits for room to read a message of this many bytes: first for earlier requests of its own
    /// connection, whose replies its client may be slow to read, then for messages of others. A
    /// message counts to the part that its work will be in at least.
    pub(super) async fn to_read(&self, bytes: usize) -> Result<Admitted, ErrorReply> {
        let work = bytes_at_work(bytes, 0, 0, 0);
        let of_connection = self.own.part(work).take(bytes).await?;
        let of_all = self.admission.frames.part(work).take(bytes).await?;
        Ok(Admitted {
            of_all,
            of_connection,
        })
    }

    /// As [`to_read`](Self::to_read), for the timeout at most.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Overloaded`] if others leave no room for too long.
    pub(super) async fn to_read_in_time(&self, bytes: usize) -> Result<Admitted, ErrorReply> {
        let admitted = timeout(self.admission.timeout, self.to_read(bytes)).await;
        admitted.unwrap_or_else(|_| Err(self.admission.refuse()))
    }

    /// Waits for room for a request of this many bytes that has been read: without a limit for
    /// earlier requests of its own connection, and for the timeout for those of others, unless it
    /// needs more than half of all.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Overloaded`] if others leave no room for too long.
    pub(super) async fn to_work(
        &self,
        bytes: usize,
        read: Option<Admitted>,
    ) -> Result<Admitted, ErrorReply> {
        // The room for reading is kept until there is room to work, but for the connection's own,
        // which nobody else wants.
        let _frame = read.map(|read| read.of_all);
        let own = self.own.part(bytes);
        let of_connection = own.take(bytes).await?;
        let others = self.admission.requests.part(bytes).take(bytes);
        let of_all = if permits(bytes) > own.permits {
            // It needs more than half of all, and would lose its place in the row with each
            // refusal.
            others.await?
        } else {
            let of_all = timeout(self.admission.timeout, others).await;
            of_all.unwrap_or_else(|_| Err(self.admission.refuse()))?
        };
        Ok(Admitted {
            of_all,
            of_connection,
        })
    }
}

impl Admitted {
    /// Gives back what is over this many bytes.
    pub(super) fn shrink(&mut self, bytes: usize) {
        let needed = permits(bytes) as usize;
        for permit in [&mut self.of_all, &mut self.of_connection] {
            let over = permit.num_permits().saturating_sub(needed);
            // Dropping the split part gives it back.
            drop(permit.split(over));
        }
    }
}

impl Pool {
    fn new(bytes: usize) -> Self {
        Self {
            small: Part::new(permits(bytes / 8)),
            medium: Part::new(permits(bytes / 8)),
            large: Part::new(permits(bytes - bytes / 4)),
        }
    }

    /// Part for requests of this many bytes.
    fn part(&self, bytes: usize) -> &Part {
        if bytes <= SMALL_BYTES {
            &self.small
        } else if bytes <= MEDIUM_BYTES {
            &self.medium
        } else {
            &self.large
        }
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

/// Memory of a request at work: its message, its texts with their token ids and vectors, and its
/// reply.
pub(super) fn bytes_at_work(message: usize, texts: usize, dimension: usize, reply: usize) -> usize {
    let ids = message.saturating_mul(ID_BYTES_PER_BYTE);
    let vector = dimension.saturating_mul(size_of::<f32>());
    let texts = texts.saturating_mul(BYTES_PER_TEXT + vector);
    let reply = reply.saturating_mul(REPLY_COPIES);
    [ids, texts, reply]
        .into_iter()
        .fold(message, usize::saturating_add)
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    const SHORT: Duration = Duration::from_millis(30);

    const MIB: usize = 1 << 20;

    /// Parts of 12 MiB for large requests, and of 2 MiB for small and medium ones.
    fn admission() -> Arc<Admission> {
        Admission::new(16 * MIB, 16 * MIB, SHORT)
    }

    #[tokio::test]
    async fn a_large_request_waits_for_others_and_is_refused_in_the_end() {
        let admission = admission();
        let (one, other, third) = (admission.share(), admission.share(), admission.share());
        let _first = one.to_work(6 * MIB, None).await.unwrap();
        let second = other.to_work(6 * MIB, None).await.unwrap();
        let refused = third.to_work(6 * MIB, None).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::Overloaded);
        // Small and medium requests have room of their own, even behind a large one that waits.
        let waiting = third.to_work(6 * MIB, None);
        let fourth = admission.share();
        let (waited, ()) = tokio::join!(waiting, async {
            assert!(fourth.to_work(SMALL_BYTES, None).await.is_ok());
            assert!(fourth.to_work(2 * MIB, None).await.is_ok());
            drop(second);
        });
        assert!(waited.is_ok());
    }

    #[tokio::test]
    async fn one_connection_gets_half_and_waits_for_itself() {
        let admission = admission();
        let (greedy, other) = (admission.share(), admission.share());
        let first = greedy.to_work(5 * MIB, None).await.unwrap();
        // Without a limit of time: it is its own fault. Even its message is not read.
        let mut second = Box::pin(greedy.to_read(5 * MIB));
        assert!(timeout(2 * SHORT, &mut second).await.is_err());
        assert!(other.to_work(6 * MIB, None).await.is_ok());
        drop(first);
        assert!(second.await.is_ok());
    }

    #[tokio::test]
    async fn what_is_larger_than_all_takes_all() {
        let admission = admission();
        let share = admission.share();
        let read = share.to_read(5 * MIB).await.unwrap();
        let all = share.to_work(usize::MAX, Some(read)).await.unwrap();
        let other = admission.share();
        assert!(other.to_work(5 * MIB, None).await.is_err());
        // Another one keeps its place in the row.
        let mut second = Box::pin(other.to_work(usize::MAX, None));
        assert!(timeout(2 * SHORT, &mut second).await.is_err());
        drop(all);
        assert!(second.await.is_ok());
    }

    #[tokio::test]
    async fn a_message_waits_until_others_have_been_read() {
        let admission = admission();
        let [one, other] = [admission.share(), admission.share()];
        let mut first = one.to_read(12 * MIB).await.unwrap();
        let mut second = Box::pin(other.to_read(5 * MIB));
        assert!(timeout(SHORT, &mut second).await.is_err());
        assert!(admission.share().to_read(100).await.is_ok());
        // Who does not wait for ever is refused, and counted.
        let third = admission.share();
        let refused = third.to_read_in_time(5 * MIB).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::Overloaded);
        assert_eq!(admission.refused(), 1);
        // It turns out to be shorter.
        first.shrink(6 * MIB);
        assert!(second.await.is_ok());
    }
}
