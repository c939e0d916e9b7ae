//! The task that writes vectors to the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use super::connection::Connection;
use super::counters::Counters;
use super::error::Fault;
use crate::engine::vector_key::Key;
use crate::engine::vector_value::{Vector, encode};

/// Prefix of the keys: other programs may use the server as well.
pub(super) const PREFIX: &[u8] = b"gte:";

/// Most vectors that wait to be written, 16 MiB with 1,024 values each. Further ones are not kept.
pub(super) const MAX_WAITING: usize = 4096;

/// Time that the server keeps a vector which nobody writes again. Those of former versions and
/// models are not asked for any more.
const KEEP: Duration = Duration::from_hours(30 * 24);

/// Vectors of a batch, with their keys.
type Vectors = Vec<(Key, Vector)>;

/// Vectors on their way to the server. Clones share them.
#[derive(Clone)]
pub(super) struct Writer {
    batches: mpsc::UnboundedSender<Vectors>,
    waiting: Arc<Waiting>,
}

/// Number of vectors that are not written yet.
#[derive(Default)]
struct Waiting {
    vectors: AtomicUsize,
    none_left: Notify,
}

impl Writer {
    /// Starts the task, within a runtime of tokio. It ends when all clones are gone.
    pub(super) fn start(connection: Connection, counters: Arc<Counters>) -> Self {
        let (batches, queue) = mpsc::unbounded_channel();
        let waiting = Arc::<Waiting>::default();
        let of_task = Arc::clone(&waiting);
        tokio::spawn(async move { run(connection, &counters, queue, &of_task).await });
        Self { batches, waiting }
    }

    /// Has vectors written. Returns false, and does not, if too many wait.
    pub(super) fn write(&self, vectors: Vectors) -> bool {
        let count = vectors.len();
        let before = self.waiting.vectors.fetch_add(count, Ordering::AcqRel);
        let fits = before + count <= MAX_WAITING && self.batches.send(vectors).is_ok();
        if !fits {
            self.waiting.have_left(count);
        }
        fits
    }

    /// Waits until nothing waits, for `longest` at most.
    pub(super) async fn settle(&self, longest: Duration) {
        let settled = async {
            loop {
                let none_left = self.waiting.none_left.notified();
                if self.waiting.vectors.load(Ordering::Acquire) == 0 {
                    return;
                }
                none_left.await;
            }
        };
        // What is late is lost, and computed again.
        drop(timeout(longest, settled).await);
    }
}

impl Waiting {
    fn have_left(&self, count: usize) {
        if self.vectors.fetch_sub(count, Ordering::AcqRel) == count {
            self.none_left.notify_waiters();
        }
    }
}

async fn run(
    connection: Connection,
    counters: &Counters,
    mut queue: mpsc::UnboundedReceiver<Vectors>,
    waiting: &Waiting,
) {
    while let Some(vectors) = queue.recv().await {
        if counters.may_write()
            && let Some(mut connected) = connection.get()
        {
            let mut pipeline = redis::pipe();
            for (key, vector) in &vectors {
                pipeline
                    .cmd("SET")
                    .arg([PREFIX, key].concat())
                    .arg(encode(key, vector))
                    .arg("EX")
                    .arg(KEEP.as_secs())
                    .ignore();
            }
            let written: redis::RedisResult<()> =
                pipeline.query_async(&mut connected.connection).await;
            if let Err(error) = written
                && counters.report(&Fault::Write(error))
            {
                connection.replace(&connected);
            }
        }
        waiting.have_left(vectors.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A writer without a server, whose task has not run yet.
    fn writer() -> Writer {
        let counters = Arc::<Counters>::default();
        let connection = Connection::open("redis://127.0.0.1:1", &counters).unwrap();
        Writer::start(connection, counters)
    }

    fn vectors(count: usize) -> Vectors {
        vec![([0; 32], Arc::from([0.5; 4])); count]
    }

    #[tokio::test]
    async fn what_waits_for_a_slow_server_is_bounded() {
        let writer = writer();
        assert!(writer.write(vectors(MAX_WAITING - 1)));
        assert!(!writer.write(vectors(2)), "one too many");
        assert!(writer.write(vectors(1)));
        // The task throws away what it cannot send.
        writer.settle(Duration::from_mins(1)).await;
        assert!(writer.write(vectors(MAX_WAITING)));
    }

    #[tokio::test(start_paused = true)]
    async fn settling_ends_when_its_time_does() {
        let writer = writer();
        writer.waiting.vectors.fetch_add(1, Ordering::AcqRel);
        let begin = tokio::time::Instant::now();
        writer.settle(Duration::from_millis(5)).await;
        assert_eq!(begin.elapsed(), Duration::from_millis(5));
        writer.waiting.have_left(1);
        writer.settle(Duration::from_mins(1)).await;
        assert_eq!(begin.elapsed(), Duration::from_millis(5));
    }
}
