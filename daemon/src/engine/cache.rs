//! Vectors that were computed before, the ones last asked for.

use std::sync::Arc;

use lru::LruCache;

/// What an entry takes besides its numbers: two counted slices, the list's links and the table's slot.
const OVERHEAD: usize = 160;

/// Vectors by the token ids of their texts. Within one engine model and precision are always the same.
#[derive(Debug)]
pub(super) struct Cache {
    vectors: LruCache<Arc<[u32]>, Arc<[f32]>>,
    bytes: usize,
    limit: usize,
}

impl Cache {
    /// An empty one that takes `limit` bytes at most.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            vectors: LruCache::unbounded(),
            bytes: 0,
            limit,
        }
    }

    /// The vector of a text, if it is there.
    pub(super) fn get(&mut self, ids: &[u32]) -> Option<Arc<[f32]>> {
        self.vectors.get(ids).map(Arc::clone)
    }

    /// Keeps a vector, and lets go of those that were not asked for the longest.
    pub(super) fn put(&mut self, ids: Arc<[u32]>, vector: Arc<[f32]>) {
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
    size_of_val(ids) + size_of_val(vector) + OVERHEAD
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
    fn what_was_asked_for_last_stays_and_memory_is_bounded() {
        let mut cache = Cache::new(10 * size(&ids(0), &vector()));
        for id in 0..10 {
            cache.put(ids(id), vector());
        }
        assert_eq!(cache.get(&ids(0)), Some(vector()));
        // What is there already takes no more room.
        cache.put(ids(9), vector());
        cache.put(ids(10), vector());
        assert_eq!(cache.get(&ids(1)), None);
        let there = (0..=10).filter(|id| cache.get(&ids(*id)).is_some());
        assert_eq!(there.count(), 10);
        assert_eq!(cache.bytes, cache.limit);
    }

    #[test]
    fn what_is_larger_than_all_of_it_is_not_kept() {
        let mut cache = Cache::new(100);
        cache.put(ids(1), vector());
        assert_eq!(cache.get(&ids(1)), None);
        assert_eq!(cache.bytes, 0);
    }
}
