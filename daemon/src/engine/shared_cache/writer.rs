//! The task that writes vectors to the server.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::ConnectionManager;
use tokio::sync::mpsc;

use super::counters::Counters;
use crate::engine::vector_key::Key;
use crate::engine::vector_value::{Vector, encode};

/// Vectors of a batch, with their keys.
pub(super) type Vectors = Vec<(Key, Vector)>;

/// Prefix of the keys: other programs may use the server as well.
pub(super) const PREFIX: &[u8] = b"gte:";

/// Most batches that wait to be written: 16 MiB with 1,024 values a vector, as batches have a dozen
/// short texts or fewer long ones.
pub(super) const MAX_WAITING: usize = 256;

/// Time that the server keeps a vector which nobody writes again. Those of former versions and
/// models are not asked for any more.
const KEEP: Duration = Duration::from_hours(30 * 24);

/// Opens the connection, and writes vectors until all clones of the cache are gone.
pub(super) async fn write(
    mut connection: ConnectionManager,
    counters: Arc<Counters>,
    mut waiting: mpsc::Receiver<Vectors>,
) {
    let opened: redis::RedisResult<()> = redis::cmd("PING").query_async(&mut connection).await;
    if let Err(error) = opened {
        counters.report(error);
    }
    while let Some(vectors) = waiting.recv().await {
        if !counters.may_ask() {
            continue;
        }
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
        let written: redis::RedisResult<()> = pipeline.query_async(&mut connection).await;
        if let Err(error) = written {
            counters.report(error);
        }
    }
}
