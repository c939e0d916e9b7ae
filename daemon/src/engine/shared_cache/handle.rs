//! The shared cache as the engine sees it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::connection::Connection;
use super::counters::{Counters, SharedCacheStatus};
use super::error::{Fault, SharedCacheUrlError};
use super::waiting::wait_until;
use super::writer::{PREFIX, Writer};
use crate::engine::vector_key::{Key, Keys};
use crate::engine::vector_value::{Vector, decode};

/// Longest time that a request waits for the server: computing a short text takes as long.
const LOOKUP_TIMEOUT: Duration = Duration::from_millis(5);

/// Further time for each text, of 4 KB at most: a fraction of what it takes to compute.
const LOOKUP_TIME_PER_TEXT: Duration = Duration::from_micros(100);

/// Vectors in a Redis server, of all models. Clones share it.
#[derive(Clone)]
pub struct SharedCache {
    connection: Connection,
    counters: Arc<Counters>,
    writer: Writer,
}

/// Vectors in a Redis server of one model.
#[derive(Clone)]
pub struct SharedVectors {
    cache: SharedCache,
    keys: Keys,
    dimension: usize,
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
        let counters = Arc::<Counters>::default();
        let connection = Connection::open(url, &counters)?;
        Ok(Self {
            writer: Writer::start(connection.clone(), Arc::clone(&counters)),
            connection,
            counters,
        })
    }

    /// The vectors of one model, of so many values: of a fingerprint of all that they depend on but
    /// the token ids, which is the same on all machines.
    #[must_use]
    pub fn of_model(&self, fingerprint: &[u8; 32], dimension: usize) -> SharedVectors {
        SharedVectors {
            cache: self.clone(),
            keys: Keys::of_model(fingerprint),
            dimension,
        }
    }

    /// Reports that a model has no fingerprint, so that its vectors are not kept.
    pub fn report_unknown_model(&self, problem: &std::io::Error) {
        self.counters.report(&Fault::Model(problem.to_string()));
    }

    /// Counters since the start.
    #[must_use]
    pub fn status(&self) -> SharedCacheStatus {
        self.counters.status()
    }

    /// Waits until all new vectors are kept, for `longest` at most.
    pub async fn settle(&self, longest: Duration) {
        self.writer.settle(longest).await;
    }

    /// Values of keys; `None` if the server does not give them in time.
    async fn get_all(&self, keys: &[Key], Deadline(deadline): Deadline) -> Option<Vec<Stored>> {
        if !self.counters.may_look_up() || Instant::now() >= deadline {
            return None;
        }
        let mut connected = self.connection.get()?;
        let mut command = redis::cmd("MGET");
        for key in keys {
            command.arg([PREFIX, key].concat());
        }
        let asked = command.query_async(&mut connected.connection);
        let fault = match wait_until(deadline, asked).await {
            Some(Ok(values)) => return Some(values),
            Some(Err(error)) => Fault::Lookup(error),
            None => Fault::Late,
        };
        if self.counters.report(&fault) {
            self.connection.replace(&connected);
        }
        None
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
        let Some(values) = self.cache.get_all(&keys, deadline).await else {
            return vec![None; keys.len()];
        };
        let pairs = keys.iter().zip(values);
        let vectors = pairs.map(|(key, value)| self.read(key, &value?));
        let mut vectors: Vec<Option<Vector>> = vectors.collect();
        vectors.resize(keys.len(), None);
        let hits = vectors.iter().flatten().count();
        self.cache.counters.count(keys.len(), hits);
        vectors
    }

    /// Reads a value. Others may write to the server, too.
    fn read(&self, key: &Key, value: &[u8]) -> Option<Vector> {
        let vector = decode(key, value).filter(|vector| {
            vector.len() == self.dimension && vector.iter().all(|value| value.is_finite())
        });
        if vector.is_none() {
            self.cache.counters.report(&Fault::Damaged);
        }
        vector
    }

    /// Keeps the vectors of texts. Does not wait for the server.
    pub(in crate::engine) fn put_all(&self, vectors: impl Iterator<Item = (Arc<[u32]>, Vector)>) {
        let SharedCache {
            connection,
            counters,
            writer,
        } = &self.cache;
        if !counters.may_write() || connection.get().is_none() {
            return;
        }
        let keyed = vectors.map(|(ids, vector)| (self.keys.key(&ids), vector));
        if !writer.write(keyed.collect()) {
            counters.report(&Fault::Full);
        }
    }
}
