//! The vectors that are remembered: in memory, and on disk and in a shared cache if the user wants
//! it.

use std::sync::Arc;

use gte_shared::wire::CacheStatus;

use super::cache::MemoryCache;
use super::disk_cache::{self, ModelVectors};
use super::shared_cache::{self, SharedVectors};

/// Most texts that are looked up in memory at a time: less than a millisecond.
const LOOKUPS: usize = 256;

/// Vectors that outlast the process.
#[derive(Clone, Default)]
pub struct KeptVectors {
    /// Those on disk.
    pub disk: Option<ModelVectors>,
    /// Those of a shared cache.
    pub shared: Option<SharedVectors>,
}

/// Vectors in memory and elsewhere. Clones share them.
#[derive(Clone)]
pub(super) struct Remembered {
    memory: MemoryCache,
    kept: KeptVectors,
}

/// A slot of a text whose vector is looked for.
type Missing<'a> = (&'a Arc<[u32]>, &'a mut Option<Arc<[f32]>>);

impl Remembered {
    pub(super) fn new(memory: MemoryCache, kept: KeptVectors) -> Self {
        Self { memory, kept }
    }

    /// Looks up the vector of each text.
    pub(super) async fn get_all(&self, texts: &[Arc<[u32]>]) -> Vec<Option<Arc<[f32]>>> {
        let mut vectors = Vec::with_capacity(texts.len());
        let of_disk = disk_cache::Deadline::of_request();
        let of_shared = shared_cache::Deadline::of_request(texts.len());
        for some in texts.chunks(LOOKUPS) {
            if !vectors.is_empty() {
                // Others use the cache and this thread, too.
                tokio::task::yield_now().await;
            }
            let mut found = self.memory.get_all(some.iter().map(|ids| &**ids));
            if let Some(disk) = &self.kept.disk {
                let look_up = async |missing: &[&[u32]]| {
                    let missing = missing.iter().copied();
                    disk.get_all(missing, of_disk).await
                };
                self.fill(some, &mut found, look_up).await;
            }
            if let Some(shared) = &self.kept.shared {
                let look_up = async |missing: &[&[u32]]| {
                    let missing = missing.iter().copied();
                    shared.get_all(missing, of_shared).await
                };
                self.fill(some, &mut found, look_up).await;
            }
            vectors.extend(found);
        }
        vectors
    }

    /// Looks elsewhere for what is not in memory, and puts there what is found.
    async fn fill(
        &self,
        texts: &[Arc<[u32]>],
        found: &mut [Option<Arc<[f32]>>],
        look_up: impl AsyncFnOnce(&[&[u32]]) -> Vec<Option<Arc<[f32]>>>,
    ) {
        let missing = texts.iter().zip(found);
        let mut missing: Vec<Missing> = missing.filter(|(_, vector)| vector.is_none()).collect();
        if missing.is_empty() {
            return;
        }
        let ids: Vec<&[u32]> = missing.iter().map(|(ids, _)| &***ids).collect();
        let elsewhere = look_up(&ids).await;
        for ((_, vector), elsewhere) in missing.iter_mut().zip(elsewhere) {
            **vector = elsewhere;
        }
        let found = missing.iter().filter_map(|(ids, vector)| {
            let vector = vector.as_ref()?;
            Some((Arc::clone(ids), Arc::clone(vector)))
        });
        self.memory.put_all(found);
    }

    /// Remembers vectors that have been computed.
    pub(super) fn put_all(&self, vectors: impl Iterator<Item = (Arc<[u32]>, Arc<[f32]>)> + Clone) {
        if let Some(disk) = &self.kept.disk {
            disk.put_all(vectors.clone());
        }
        if let Some(shared) = &self.kept.shared {
            shared.put_all(vectors.clone());
        }
        self.memory.put_all(vectors);
    }

    /// Counters and size of the memory.
    pub(super) fn status(&self) -> CacheStatus {
        self.memory.status()
    }
}
