//! The shared cache as the engine sees it.

use std::sync::Arc;
use std::time::Duration;

use redis::Client;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::counters::{Counters, SharedCacheStatus};
use super::waiting::wait_until;
use super::writer::{MAX_WAITING, PREFIX, Vectors, write};
use crate::engine::vector_key::{Key, Keys};
use crate::engine::vector_value::{Vector, decode};

/// Longest time that a request waits for the server: computing a short text takes as long.
const LOOKUP_TIMEOUT: Duration = Duration::from_millis(5);

/// Further time for each text, of 4 KB at most: a quarter of what it takes to compute.
const LOOKUP_TIME_PER_TEXT: Duration = Duration::from_micros(100);

/// Longest time for a connection to open, and for the server to answer anything.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Failure to understand the address of a server.
#[derive(Debug, thiserror::Error)]
#[error("the address of the shared cache cannot be used: {0}")]
pub struct SharedCacheUrlError(String);

/// Vectors in a Redis server, of all models. Clones share it.
#[derive(Clone)]
pub struct SharedCache {
    connection: ConnectionManager,
    counters: Arc<Counters>,
    new: mpsc::Sender<Vectors>,
}

/// Vectors in a Redis server of one model.
#[derive(Clone)]
pub struct SharedVectors {
    cache: SharedCache,
    keys: Keys,
}

/// Time until which a request waits for the server.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Deadline(Instant);

impl Deadline {
    /// Deadline of a request for so many texts that begins now.
    pub(in crate::engine) fn of_request(texts: usize) -> Self {
        let texts = u32::try_from(texts).unwrap_or(u32::MAX);
        let time = LOOKUP_TIME_PER_TEXT.saturating_mul(texts);
        Self(Instant::now() + LOOKUP_TIMEOUT + time)
    }
}

impl SharedCache {
    /// Begins to connect to the server at `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`, within
    /// a runtime of tokio. Does not wait for it: a fault is logged and counted, and nothing is
    /// looked up or kept then.
    ///
    /// # Errors
    ///
    /// If this is not such an address.
    pub fn open(url: &str) -> Result<Self, SharedCacheUrlError> {
        let wrong = |error: redis::RedisError| SharedCacheUrlError(error.to_string());
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(RESPONSE_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT))
            // A lost connection is opened again by the next request that may ask.
            .set_number_of_retries(1);
        let client = Client::open(url).map_err(wrong)?;
        let connection = client.get_connection_manager_lazy(config).map_err(wrong)?;
        let counters = Arc::<Counters>::default();
        let (new, waiting) = mpsc::channel(MAX_WAITING);
        // Its first step opens the connection, while the model is loaded.
        tokio::spawn(write(connection.clone(), Arc::clone(&counters), waiting));
        Ok(Self {
            connection,
            counters,
            new,
        })
    }

    /// The vectors of one model: of a fingerprint of all that they depend on but the token ids,
    /// which is the same on all machines.
    #[must_use]
    pub fn of_model(&self, fingerprint: &[u8; 32]) -> SharedVectors {
        SharedVectors {
            cache: self.clone(),
            keys: Keys::of_model(fingerprint),
        }
    }

    /// Reports that a model has no fingerprint, so that its vectors are not kept.
    pub fn report_unknown_model(&self, problem: &std::io::Error) {
        let message = format!("its model cannot be told from others: {problem}");
        self.counters.report(message);
    }

    /// Counters since the start.
    #[must_use]
    pub fn status(&self) -> SharedCacheStatus {
        self.counters.status()
    }

    /// Values of keys; `None` if the server does not give them in time.
    async fn get_all(&self, keys: &[Key], Deadline(deadline): Deadline) -> Option<Vec<Stored>> {
        if !self.counters.may_ask() || Instant::now() >= deadline {
            return None;
        }
        let mut command = redis::cmd("MGET");
        for key in keys {
            command.arg([PREFIX, key].concat());
        }
        let mut connection = self.connection.clone();
        let asked = command.query_async(&mut connection);
        match wait_until(deadline, asked).await {
            Some(Ok(values)) => Some(values),
            Some(Err(error)) => {
                self.counters.report(error);
                None
            }
            None => {
                self.counters.report("the server does not answer in time");
                None
            }
        }
    }
}

/// A value of the server, if it has one for the key.
type Stored = Option<Vec<u8>>;

impl SharedVectors {
    /// Looks up the vectors of texts. `None` for all that the server does not have, or does not
    /// give in time.
    pub(in crate::engine) async fn get_all<'a>(
        &self,
        texts: impl ExactSizeIterator<Item = &'a [u32]>,
        deadline: Deadline,
    ) -> Vec<Option<Vector>> {
        let keys: Vec<Key> = texts.map(|ids| self.keys.key(ids)).collect();
        let counters = &self.cache.counters;
        let Some(values) = self.cache.get_all(&keys, deadline).await else {
            return vec![None; keys.len()];
        };
        let pairs = keys.iter().zip(values);
        let vectors = pairs.map(|(key, value)| {
            let vector = decode(key, &value?);
            if vector.is_none() {
                counters.report("a vector in it is damaged");
            }
            vector
        });
        let mut vectors: Vec<Option<Vector>> = vectors.collect();
        vectors.resize(keys.len(), None);
        counters.count(keys.len(), vectors.iter().flatten().count());
        vectors
    }

    /// Keeps the vectors of texts. Does not wait for the server.
    pub(in crate::engine) fn put_all(&self, vectors: impl Iterator<Item = (Arc<[u32]>, Vector)>) {
        let SharedCache { counters, new, .. } = &self.cache;
        if !counters.may_ask() {
            return;
        }
        let keyed = vectors.map(|(ids, vector)| (self.keys.key(&ids), vector));
        if new.try_send(keyed.collect()).is_err() {
            counters.report("the server is too slow to keep all vectors");
        }
    }
}
