//! The disk cache as the engine sees it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use gte_shared::wire::DiskCacheStatus;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::error::FileError;
use super::file::VectorFile;
use super::keeper::{self, Message, Shared};
use super::key::{Key, Keys};
use super::value::Vector;

/// Longest wait for a lookup. Until the disk has answered it, further requests do not ask.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(1);

/// Most vectors that wait to be written, 16 MiB with 1,024 values each. Further ones are not kept.
const MAX_WAITING: usize = 4096;

/// Longest wait for the file to be closed: what is not written is computed again.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Vectors on disk, of all models. Clones share them.
#[derive(Clone)]
pub struct DiskCache {
    messages: Sender<Message>,
    shared: Arc<Shared>,
}

/// Vectors on disk of one model.
#[derive(Clone)]
pub struct ModelVectors {
    cache: DiskCache,
    keys: Keys,
}

impl DiskCache {
    /// Opens the file at `path`, which takes at most `budget` bytes. If that fails, the fault is
    /// logged and stands in the status, and nothing is kept.
    #[must_use]
    pub fn open(path: &Path, budget: u64) -> Self {
        let shared = Arc::new(Shared::default());
        let (messages, queue) = channel();
        match VectorFile::open(path, budget) {
            Ok(file) => {
                shared.measure(&file);
                let of_thread = Arc::clone(&shared);
                let keep = move || {
                    let run = || keeper::run(file, &queue, &of_thread);
                    if catch_unwind(AssertUnwindSafe(run)).is_err() {
                        of_thread.report(&FileError::Thread);
                    }
                };
                let thread = std::thread::Builder::new().name("gte-disk".to_owned());
                if thread.spawn(keep).is_err() {
                    shared.report(&FileError::Thread);
                }
            }
            // Nobody receives the messages then.
            Err(fault) => shared.report(&fault),
        }
        Self { messages, shared }
    }

    /// The vectors of one model: of a fingerprint of all that they depend on but the token ids.
    #[must_use]
    pub fn of_model(&self, fingerprint: &[u8; 32]) -> ModelVectors {
        ModelVectors {
            cache: self.clone(),
            keys: Keys::of_model(fingerprint),
        }
    }

    /// Counters, size, and the latest fault.
    #[must_use]
    pub fn status(&self) -> DiskCacheStatus {
        self.shared.status()
    }

    /// Writes what waits and closes the file, within [`CLOSE_TIMEOUT`].
    pub fn close(&self) {
        let (done, closed) = channel();
        let sent = self.messages.send(Message::Close(done)).is_ok();
        if sent && closed.recv_timeout(CLOSE_TIMEOUT) == Err(RecvTimeoutError::Timeout) {
            self.shared.report(&FileError::Slow);
        }
    }

    async fn get_all(&self, keys: Vec<Key>) -> Option<Vec<Option<Vector>>> {
        if self.shared.slow.load(Ordering::Relaxed) {
            return None;
        }
        let (found, answer) = oneshot::channel();
        self.messages.send(Message::Get { keys, found }).ok()?;
        let Ok(found) = timeout(LOOKUP_TIMEOUT, answer).await else {
            self.shared.slow.store(true, Ordering::Relaxed);
            self.shared.report(&FileError::Slow);
            return None;
        };
        // The thread reports what failed.
        let found = found.ok()?;
        let hits = found.iter().flatten().count();
        let misses = found.len() - hits;
        self.shared.hits.fetch_add(hits as u64, Ordering::Relaxed);
        self.shared
            .misses
            .fetch_add(misses as u64, Ordering::Relaxed);
        Some(found)
    }

    fn put_all(&self, vectors: Vec<(Key, Vector)>) {
        let count = vectors.len();
        let waiting = self.shared.waiting.fetch_add(count, Ordering::Relaxed);
        if waiting + count > MAX_WAITING {
            self.shared.waiting.fetch_sub(count, Ordering::Relaxed);
            self.shared.report(&FileError::Slow);
        } else if self.messages.send(Message::Put(vectors)).is_err() {
            // The file is closed, or of no use, which has been reported.
            self.shared.waiting.fetch_sub(count, Ordering::Relaxed);
        }
    }
}

impl ModelVectors {
    /// Looks up the vectors of texts. `None` for all that the disk does not have, or does not give
    /// in time.
    pub(in crate::engine) async fn get_all<'a>(
        &self,
        texts: impl Iterator<Item = &'a [u32]>,
    ) -> Vec<Option<Vector>> {
        let keys: Vec<Key> = texts.map(|ids| self.keys.key(ids)).collect();
        let count = keys.len();
        let found = self.cache.get_all(keys).await;
        found.unwrap_or_else(|| vec![None; count])
    }

    /// Keeps the vectors of texts. Does not wait for the disk.
    pub(in crate::engine) fn put_all(&self, vectors: impl Iterator<Item = (Arc<[u32]>, Vector)>) {
        let keyed = vectors.map(|(ids, vector)| (self.keys.key(&ids), vector));
        self.cache.put_all(keyed.collect());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::Receiver;
    use std::time::Instant;

    use super::*;

    const BUDGET: u64 = 64 << 20;

    /// A disk cache without a thread, and the messages to it.
    fn unattended() -> (DiskCache, Receiver<Message>) {
        let (messages, queue) = channel();
        let shared = Arc::default();
        (DiskCache { messages, shared }, queue)
    }

    fn vectors(count: u32) -> impl Iterator<Item = (Arc<[u32]>, Vector)> {
        (0..count).map(|id| (Arc::from([id]), Arc::from([0.5; 4])))
    }

    async fn get(of: &ModelVectors, id: u32) -> Option<Vector> {
        let text = [id];
        of.get_all([&text[..]].into_iter()).await.remove(0)
    }

    #[tokio::test]
    async fn a_slow_disk_is_bypassed_until_it_answers() {
        let folder = tempfile::tempdir().unwrap();
        let file = VectorFile::open(&folder.path().join("vectors.sqlite"), BUDGET).unwrap();
        let (cache, queue) = unattended();
        let model = cache.of_model(&[7; 32]);
        model.put_all(vectors(3));
        assert_eq!(get(&model, 1).await, None);
        let again = Instant::now();
        assert_eq!(get(&model, 1).await, None);
        assert!(again.elapsed() < LOOKUP_TIMEOUT);
        let status = cache.status();
        assert_eq!((status.hits, status.misses, status.faults), (0, 0, 1));
        let slow = "the disk does not answer in time".to_owned();
        assert_eq!(status.problem, Some(slow));

        let shared = Arc::clone(&cache.shared);
        let thread = std::thread::spawn(move || keeper::run(file, &queue, &shared));
        // Behind it, the thread is done with the lookup.
        model.put_all(vectors(0));
        while cache.shared.slow.load(Ordering::Relaxed) {
            tokio::task::yield_now().await;
        }
        assert_eq!(get(&model, 1).await, Some(Arc::from([0.5; 4])));
        assert_eq!(get(&cache.of_model(&[8; 32]), 1).await, None);
        let status = cache.status();
        assert_eq!((status.hits, status.misses, status.faults), (1, 1, 1));
        cache.close();
        thread.join().unwrap();
        assert_eq!(get(&model, 1).await, None);
    }

    #[tokio::test]
    async fn what_waits_for_a_slow_disk_is_bounded() {
        let (cache, queue) = unattended();
        let model = cache.of_model(&[7; 32]);
        let most = u32::try_from(MAX_WAITING).unwrap();
        model.put_all(vectors(most - 1));
        model.put_all(vectors(2));
        assert_eq!(cache.status().faults, 1);
        model.put_all(vectors(1));
        assert_eq!(cache.status().faults, 1);
        assert_eq!(queue.try_iter().count(), 2);
    }

    #[tokio::test]
    async fn a_corrupt_file_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors.sqlite");
        std::fs::write(&path, "not a database ".repeat(99)).unwrap();
        let cache = DiskCache::open(&path, BUDGET);
        let model = cache.of_model(&[7; 32]);
        model.put_all(vectors(9));
        assert_eq!(get(&model, 1).await, None);
        let status = cache.status();
        let problem = status.problem.unwrap();
        assert!(
            problem.contains("not a database (stop the daemon"),
            "{problem}"
        );
        assert_eq!((status.faults, status.bytes), (1, 0));
        cache.close();
    }
}
