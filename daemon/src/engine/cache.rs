//! Cache of computed vectors, which drops the least recently used ones.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gte_shared::wire::CacheStatus;
use lru::LruCache;

/// Bytes of an entry besides its values: two `Arc` headers, the links of the list and the slot of
/// the hash table.
const ENTRY_OVERHEAD_BYTES: usize = 160;

/// A cache that the callers of an engine and its worker share.
#[derive(Clone, Debug)]
pub(super) struct MemoryCache(Arc<Mutex<Cache>>);

impl MemoryCache {
    /// Creates an empty cache of at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self(Arc::new(Mutex::new(Cache::new(limit))))
    }

    /// Looks up the vector of each text, and counts those that are there.
    pub(super) fn get_all<'a>(
        &self,
        texts: impl Iterator<Item = &'a [u32]>,
    ) -> Vec<Option<Arc<[f32]>>> {
        let mut cache = self.lock();
        let found: Vec<_> = texts.map(|ids| cache.get(ids)).collect();
        let hits = found.iter().flatten().count();
        cache.hits += hits as u64;
        cache.misses += (found.len() - hits) as u64;
        found
    }

    /// Counters and size.
    pub(super) fn status(&self) -> CacheStatus {
        let cache = self.lock();
        CacheStatus {
            hits: cache.hits,
            misses: cache.misses,
            texts: cache.vectors.len() as u64,
            bytes: cache.bytes as u64,
        }
    }

    /// Stores the vectors of texts.
    pub(super) fn put_all(&self, vectors: impl Iterator<Item = (Arc<[u32]>, Arc<[f32]>)>) {
        let mut cache = self.lock();
        vectors.for_each(|(ids, vector)| cache.put(ids, vector));
    }

    fn lock(&self) -> MutexGuard<'_, Cache> {
        // A panic elsewhere leaves every entry valid: an entry is the vector of its own text.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Vectors by the token ids of their texts. Each engine has its own cache, since vectors depend on
/// model and precision.
#[derive(Debug)]
struct Cache {
    vectors: LruCache<Arc<[u32]>, Arc<[f32]>>,
    bytes: usize,
    limit: usize,
    hits: u64,
    misses: u64,
}

impl Cache {
    fn new(limit: usize) -> Self {
        Self {
            vectors: LruCache::unbounded(),
            bytes: 0,
            limit,
            hits: 0,
            misses: 0,
        }
    }

    fn get(&mut self, ids: &[u32]) -> Option<Arc<[f32]>> {
        self.vectors.get(ids).map(Arc::clone)
    }

    fn put(&mut self, ids: Arc<[u32]>, vector: Arc<[f32]>) {
        self.bytes += size(&ids, &vector);
        if let Some((ids, vector)) = self.vectors.push(ids, vector) {
            self.bytes -= size(&ids, &vector);
        }
        while self.bytes > self.limit {
            let Some((ids, vector)) = self.vectors.pop_lru() else {
                return;
            };
            self.bytes -= size(&ids, &vector);
        }
    }
}

fn size(ids: &[u32], vector: &[f32]) -> usize {
    size_of_val(ids) + size_of_val(vector) + ENTRY_OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(id: u32) -> Arc<[u32]> {
        Arc::from([101, id, 102])
    }

    fn vector() -> Arc<[f32]> {
        Arc::from([0.5; 8])
    }

    #[test]
    fn the_most_recently_used_stay_within_the_limit() {
        let mut cache = Cache::new(10 * size(&ids(0), &vector()));
        for id in 0..10 {
            cache.put(ids(id), vector());
        }
        assert_eq!(cache.get(&ids(0)), Some(vector()));
        // An entry that is there already takes no more room.
        cache.put(ids(9), vector());
        cache.put(ids(10), vector());
        assert_eq!(cache.get(&ids(1)), None);
        let there = (0..=10).filter(|id| cache.get(&ids(*id)).is_some());
        assert_eq!(there.count(), 10);
        assert_eq!(cache.bytes, cache.limit);
    }

    #[test]
    fn lookups_are_counted() {
        let cache = MemoryCache::new(1 << 20);
        cache.put_all([(ids(1), vector())].into_iter());
        let [one, other] = [ids(1), ids(2)];
        cache.get_all([&*one, &*other, &*other].into_iter());
        let status = cache.status();
        assert_eq!((status.hits, status.misses, status.texts), (1, 2, 1));
        assert_eq!(status.bytes, size(&one, &vector()) as u64);
    }

    #[test]
    fn an_entry_larger_than_the_limit_is_not_kept() {
        let mut cache = Cache::new(100);
        cache.put(ids(1), vector());
        assert_eq!(cache.get(&ids(1)), None);
        assert_eq!(cache.bytes, 0);
    }
}
