//! The vectors that are remembered: in memory, and on disk if the user wants it.

use std::sync::Arc;

use gte_shared::wire::CacheStatus;

use super::cache::SharedCache;
use super::disk_cache::{Deadline, ModelVectors};

/// Most texts that are looked up in memory at a time: less than a millisecond.
const LOOKUPS: usize = 256;

/// Vectors in memory and on disk. Clones share them.
#[derive(Clone)]
pub(super) struct Remembered {
    memory: SharedCache,
    disk: Option<ModelVectors>,
}

impl Remembered {
    pub(super) fn new(memory: SharedCache, disk: Option<ModelVectors>) -> Self {
        Self { memory, disk }
    }

    /// Looks up the vector of each text.
    pub(super) async fn get_all(&self, texts: &[Arc<[u32]>]) -> Vec<Option<Arc<[f32]>>> {
        let mut vectors = Vec::with_capacity(texts.len());
        let deadline = Deadline::of_request();
        for some in texts.chunks(LOOKUPS) {
            if !vectors.is_empty() {
                // Others use the cache and this thread, too.
                tokio::task::yield_now().await;
            }
            let mut found = self.memory.get_all(some.iter().map(|ids| &**ids));
            if let Some(disk) = &self.disk {
                self.look_on_disk(disk, some, &mut found, deadline).await;
            }
            vectors.extend(found);
        }
        vectors
    }

    /// Looks on disk for what is not in memory, and puts there what is found.
    async fn look_on_disk(
        &self,
        disk: &ModelVectors,
        texts: &[Arc<[u32]>],
        found: &mut [Option<Arc<[f32]>>],
        deadline: Deadline,
    ) {
        let missing = texts.iter().zip(found);
        let mut missing: Vec<_> = missing.filter(|(_, vector)| vector.is_none()).collect();
        if missing.is_empty() {
            return;
        }
        let ids = missing.iter().map(|(ids, _)| &***ids);
        let on_disk = disk.get_all(ids, deadline).await;
        for ((_, vector), on_disk) in missing.iter_mut().zip(on_disk) {
            **vector = on_disk;
        }
        let found = missing.iter().filter_map(|(ids, vector)| {
            let vector = vector.as_ref()?;
            Some((Arc::clone(ids), Arc::clone(vector)))
        });
        self.memory.put_all(found);
    }

    /// Remembers vectors that have been computed.
    pub(super) fn put_all(&self, vectors: impl Iterator<Item = (Arc<[u32]>, Arc<[f32]>)> + Clone) {
        if let Some(disk) = &self.disk {
            disk.put_all(vectors.clone());
        }
        self.memory.put_all(vectors);
    }

    /// Counters and size of the memory.
    pub(super) fn status(&self) -> CacheStatus {
        self.memory.status()
    }
}
