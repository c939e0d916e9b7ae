//! The disk cache as the engine sees it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use gte_shared::wire::DiskCacheStatus;
use tokio::time::{Instant, timeout_at};

use super::error::FileError;
use super::keeper::{Keeper, Message};
use super::shared::{Lookup, Shared};
use crate::engine::vector_key::{Key, Keys};
use crate::engine::vector_value::Vector;

/// Longest time that a request waits for the disk.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(1);

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

/// Time until which a request waits for the disk.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Deadline(Instant);

impl Deadline {
    /// Deadline of a request that begins now.
    pub(in crate::engine) fn of_request() -> Self {
        Self(Instant::now() + LOOKUP_TIMEOUT)
    }
}

impl DiskCache {
    /// Opens the file at `path`, if the environment names a place for it. It takes at most `budget`
    /// bytes. Does not wait for the disk: a failure is logged and stands in the status, and nothing
    /// is kept then.
    #[must_use]
    pub fn open(path: Option<PathBuf>, budget: u64) -> Self {
        let shared = Arc::new(Shared::default());
        let (messages, queue) = channel();
        let started = path.ok_or(FileError::NoPlace).and_then(|path| {
            let keeper = Keeper::new(path, budget, Arc::clone(&shared));
            let thread = std::thread::Builder::new().name("gte-disk".to_owned());
            let started = thread.spawn(move || keeper.run(&queue));
            started.map_err(FileError::Thread)
        });
        if let Err(fault) = started {
            shared.report(&fault);
            shared.end();
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

    /// Reports that a model has no fingerprint, so that its vectors are not kept.
    pub fn report_unknown_model(&self, problem: io::Error) {
        self.shared.report(&FileError::Model(problem));
    }

    /// Counters, size, and the latest fault.
    #[must_use]
    pub fn status(&self) -> DiskCacheStatus {
        self.shared.status()
    }

    /// Writes what waits and closes the file. Blocks for two seconds at most.
    pub fn close(&self) {
        let (done, closed) = channel();
        let sent = self.messages.send(Message::Close(done)).is_ok();
        if sent && closed.recv_timeout(CLOSE_TIMEOUT) == Err(RecvTimeoutError::Timeout) {
            self.shared.report(&FileError::Slow);
        }
    }

    async fn get_all(&self, keys: Vec<Key>, deadline: Instant) -> Option<Vec<Option<Vector>>> {
        let (lookup, mut answer) = Lookup::begin(&self.shared);
        self.messages.send(Message::Get { keys, lookup }).ok()?;
        let Ok(found) = timeout_at(deadline, &mut answer.found).await else {
            answer.give_up();
            self.shared.report(&FileError::Slow);
            return None;
        };
        // The thread has reported what failed.
        let found = found.ok()?;
        self.shared.count(&found);
        Some(found)
    }
}

impl ModelVectors {
    /// Looks up the vectors of texts. `None` for all that the disk does not have, or does not give
    /// in time.
    pub(in crate::engine) async fn get_all<'a>(
        &self,
        texts: impl ExactSizeIterator<Item = &'a [u32]>,
        Deadline(deadline): Deadline,
    ) -> Vec<Option<Vector>> {
        let count = texts.len();
        if self.cache.shared.is_quick() && Instant::now() < deadline {
            let keys = texts.map(|ids| self.keys.key(ids)).collect();
            if let Some(found) = self.cache.get_all(keys, deadline).await {
                return found;
            }
        }
        vec![None; count]
    }

    /// Keeps the vectors of texts. Does not wait for the disk.
    pub(in crate::engine) fn put_all(&self, vectors: impl Iterator<Item = (Arc<[u32]>, Vector)>) {
        let DiskCache { messages, shared } = &self.cache;
        if !shared.is_open() {
            return;
        }
        let keyed = vectors.map(|(ids, vector)| (self.keys.key(&ids), vector));
        let keyed: Vec<_> = keyed.collect();
        if shared.may_wait(keyed.len()) {
            // If the thread has just ended, it has reported why.
            messages.send(Message::Put(keyed)).ok();
        } else {
            shared.report(&FileError::Slow);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::mpsc::Receiver;

    use super::super::shared::MAX_WAITING;
    use super::*;

    const BUDGET: u64 = 64 << 20;

    /// A disk cache without a thread, and the messages to it.
    fn unattended() -> (DiskCache, Receiver<Message>) {
        let (messages, queue) = channel();
        let shared = Arc::default();
        (DiskCache { messages, shared }, queue)
    }

    fn vectors(count: u32) -> impl Iterator<Item = (Arc<[u32]>, Vector)> {
        (0..count).map(|id| (Arc::from([id]), Arc::from([0.5; 512])))
    }

    async fn get_many(of: &ModelVectors, count: u32) -> Vec<Option<Vector>> {
        let texts: Vec<[u32; 1]> = (0..count).map(|id| [id]).collect();
        let texts = texts.iter().map(|text| &text[..]);
        of.get_all(texts, Deadline::of_request()).await
    }

    async fn is_there(of: &ModelVectors) -> bool {
        get_many(of, 1).await[0].is_some()
    }

    fn open(path: &Path) -> DiskCache {
        DiskCache::open(Some(path.to_owned()), BUDGET)
    }

    fn problem(cache: &DiskCache) -> String {
        cache.status().problem.unwrap()
    }

    #[tokio::test]
    async fn a_slow_disk_is_bypassed_until_it_answers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors.sqlite");
        let (cache, queue) = unattended();
        let model = cache.of_model(&[7; 32]);
        model.put_all(vectors(3));
        assert!(!is_there(&model).await);
        let again = Instant::now();
        assert!(!is_there(&model).await);
        assert!(again.elapsed() < LOOKUP_TIMEOUT);
        let status = cache.status();
        assert_eq!((status.hits, status.misses, status.faults), (0, 0, 1));
        assert_eq!(problem(&cache), "the disk does not answer in time");
        cache.close();
        assert_eq!(cache.status().faults, 2, "closing takes too long");

        let keeper = Keeper::new(path.clone(), BUDGET, Arc::clone(&cache.shared));
        std::thread::spawn(move || keeper.run(&queue))
            .join()
            .unwrap();
        // The messages are done with, in their order, and the file is closed.
        let cache = open(&path);
        let model = cache.of_model(&[7; 32]);
        assert!(is_there(&model).await);
        assert!(!is_there(&cache.of_model(&[8; 32])).await);
        let status = cache.status();
        assert_eq!((status.hits, status.misses, status.faults), (1, 1, 0));
        cache.close();
        assert!(!is_there(&model).await);
    }

    #[tokio::test]
    async fn an_overdue_lookup_holds_others_off_until_it_is_done() {
        let shared = Arc::<Shared>::default();
        let (lookup, answer) = Lookup::begin(&shared);
        answer.give_up();
        assert!(!shared.is_quick());
        drop(lookup);
        assert!(shared.is_quick());
        let (lookup, answer) = Lookup::begin(&shared);
        lookup.answer(Vec::new());
        answer.give_up();
        assert!(shared.is_quick());
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
        // Callers that leave, however many.
        for _ in 0..1000 {
            let asking = tokio::time::timeout(Duration::ZERO, is_there(&model));
            assert!(asking.await.is_err() || !cache.shared.is_quick());
        }
        let lookups = |message: &Message| matches!(message, Message::Get { .. });
        assert_eq!(queue.try_iter().filter(lookups).count(), 64);
    }

    #[tokio::test]
    async fn a_corrupt_file_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors.sqlite");
        let cache = open(&path);
        cache.of_model(&[7; 32]).put_all(vectors(2000));
        cache.close();
        let cache = open(&path);
        let model = cache.of_model(&[7; 32]);
        assert!(is_there(&model).await);
        // All pages but the first, most of which have not been read.
        let mut content = std::fs::read(&path).unwrap();
        content[1 << 14..].fill(0xff);
        std::fs::write(&path, content).unwrap();
        assert!(get_many(&model, 2000).await.iter().all(Option::is_none));
        let problem = problem(&cache);
        assert!(problem.contains("malformed (stop the daemon"), "{problem}");
        assert!(!cache.shared.is_open());
        assert_eq!(cache.status().faults, 1);
    }

    #[tokio::test]
    async fn a_removed_file_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors.sqlite");
        let cache = open(&path);
        let model = cache.of_model(&[7; 32]);
        model.put_all(vectors(1));
        // A lookup goes before the vectors that wait.
        let written = async { while !is_there(&model).await {} };
        let patience = Duration::from_mins(1);
        tokio::time::timeout(patience, written).await.unwrap();
        std::fs::remove_file(&path).unwrap();
        model.put_all(vectors(1));
        cache.close();
        assert!(problem(&cache).contains("was removed or replaced"));
        let cache = open(&path);
        assert!(is_there(&cache.of_model(&[7; 32])).await);
    }

    #[tokio::test]
    async fn no_place_and_no_folder_are_named() {
        let cache = DiskCache::open(None, BUDGET);
        assert!(problem(&cache).contains("XDG_CACHE_HOME"));
        assert!(!is_there(&cache.of_model(&[7; 32])).await);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let cache = open(&file.join("gte/vectors.sqlite"));
        assert!(!is_there(&cache.of_model(&[7; 32])).await);
        assert!(problem(&cache).contains("Not a directory"));
        cache.report_unknown_model(io::Error::other("no /proc"));
        assert!(problem(&cache).ends_with("from others: no /proc"));
        assert_eq!(cache.status().faults, 2);
    }
}
