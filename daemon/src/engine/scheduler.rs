//! Scheduling: the texts of all requests, each computed once, and the choice of the next batch.

use std::cell::{Cell, OnceCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::backend::EmbedError;

/// Most tokens in a batch, unless a single text has more.
///
/// Enough rows for the matrix products to run at full speed on a few cores, and so few that a pair
/// that arrives while a batch is running waits a fraction of a second for the batch.
pub(crate) const MAX_TOKENS: usize = 1024;

/// Outcome of a job: its vectors in order.
pub(super) type Outcome = Result<Vec<Arc<[f32]>>, EmbedError>;

/// Texts of one request, as it comes to the worker.
pub(super) struct Job {
    pub(super) texts: Vec<Arc<[u32]>>,
    pub(super) done: oneshot::Sender<Outcome>,
}

/// A text on its way through the model, shared by all jobs that have it.
pub(super) struct Text {
    pub(super) ids: Arc<[u32]>,
    /// True once the text has been put into a batch.
    chosen: Cell<bool>,
    vector: OnceCell<Arc<[f32]>>,
}

/// A job whose texts have been matched with those of the others.
struct Running {
    texts: Vec<Rc<Text>>,
    /// Index before which every text has been put into a batch.
    next: usize,
    done: oneshot::Sender<Outcome>,
}

/// Jobs that are not done, and their texts.
#[derive(Default)]
pub(super) struct Scheduler {
    jobs: Vec<Running>,
    /// Texts without a vector yet.
    missing: HashMap<Arc<[u32]>, Rc<Text>>,
}

impl Scheduler {
    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Adds a job. A text that another job or the job itself has already is not computed again.
    pub(super) fn add(&mut self, job: Job) {
        let mut text = |ids: Arc<[u32]>| {
            let text = self.missing.entry(Arc::clone(&ids));
            Rc::clone(text.or_insert_with(|| Rc::new(Text::new(ids))))
        };
        self.jobs.push(Running {
            texts: job.texts.into_iter().map(&mut text).collect(),
            next: 0,
            done: job.done,
        });
    }

    /// Chooses the texts of the next batch, all of them different.
    ///
    /// The jobs take turns, one text each, so that a pair that arrives behind a long list is in the
    /// next batch. A batch is never empty while a text waits. Jobs whose callers have gone are
    /// dropped.
    pub(super) fn next_batch(&mut self, max_tokens: usize) -> Vec<Rc<Text>> {
        self.drop_abandoned();
        let (mut batch, mut tokens) = (Vec::new(), 0);
        loop {
            let before = batch.len();
            for job in &mut self.jobs {
                let Some(text) = job.waiting() else {
                    continue;
                };
                if tokens > 0 && tokens + text.ids.len() > max_tokens {
                    return batch;
                }
                tokens += text.ids.len();
                text.chosen.set(true);
                batch.push(text);
            }
            if batch.len() == before {
                return batch;
            }
        }
    }

    /// Takes the vectors of a batch, and finishes the jobs that have all of theirs.
    pub(super) fn complete(&mut self, batch: &[Rc<Text>], vectors: Vec<Arc<[f32]>>) {
        for (text, vector) in batch.iter().zip(vectors) {
            self.missing.remove(&text.ids);
            // A text is in one batch only, so it has no vector yet.
            text.vector.get_or_init(|| vector);
        }
        let complete = |job: &mut Running| job.waiting().is_none();
        for job in self.jobs.extract_if(.., complete) {
            let vectors = job.texts.iter().map(|text| text.vector.get().cloned());
            let vectors: Option<Vec<_>> = vectors.collect();
            let left_out = || EmbedError("the model left out a text".to_owned());
            // The caller may have gone.
            drop(job.done.send(vectors.ok_or_else(left_out)));
        }
        // Each job is first in a batch in turn, so that none waits for more than a round.
        if !self.jobs.is_empty() {
            self.jobs.rotate_left(1);
        }
    }

    /// Fails the jobs that have a text of a failed batch; the other jobs continue.
    pub(super) fn fail(&mut self, batch: &[Rc<Text>], error: &EmbedError) {
        for text in batch {
            self.missing.remove(&text.ids);
        }
        let lost = |text: &Rc<Text>| text.chosen.get() && text.vector.get().is_none();
        let failed = |job: &mut Running| job.texts.iter().any(lost);
        for job in self.jobs.extract_if(.., failed) {
            // The caller may have gone.
            drop(job.done.send(Err(error.clone())));
        }
        self.forget_unshared();
    }

    fn drop_abandoned(&mut self) {
        let before = self.jobs.len();
        self.jobs.retain(|job| !job.done.is_closed());
        if self.jobs.len() < before {
            self.forget_unshared();
        }
    }

    /// Removes the texts that no job has any more.
    fn forget_unshared(&mut self) {
        self.missing.retain(|_, text| Rc::strong_count(text) > 1);
    }
}

impl Text {
    fn new(ids: Arc<[u32]>) -> Self {
        Self {
            ids,
            chosen: Cell::new(false),
            vector: OnceCell::new(),
        }
    }
}

impl Running {
    /// First text that has not been in a batch.
    fn waiting(&mut self) -> Option<Rc<Text>> {
        let mut rest = self.texts.iter().skip(self.next);
        let passed = rest.position(|text| !text.chosen.get());
        self.next = passed.map_or(self.texts.len(), |passed| self.next + passed);
        self.texts.get(self.next).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A scheduler with a job for each list of lengths. Texts of one length are equal.
    fn scheduler(jobs: &[&[usize]]) -> (Scheduler, Vec<oneshot::Receiver<Outcome>>) {
        let mut scheduler = Scheduler::default();
        let add = |lengths: &&[usize]| {
            let (done, outcome) = oneshot::channel();
            let texts = lengths.iter().map(|length| vec![0; *length].into());
            let texts = texts.collect();
            scheduler.add(Job { texts, done });
            outcome
        };
        let outcomes = jobs.iter().map(add).collect();
        (scheduler, outcomes)
    }

    fn lengths(batch: &[Rc<Text>]) -> Vec<usize> {
        batch.iter().map(|text| text.ids.len()).collect()
    }

    fn vectors(batch: &[Rc<Text>]) -> Vec<Arc<[f32]>> {
        batch.iter().map(|_| Arc::from([1.0])).collect()
    }

    #[test]
    fn a_pair_behind_a_long_list_is_in_the_next_batch() {
        let list: Vec<usize> = (30..130).collect();
        let (mut scheduler, _outcomes) = scheduler(&[&list, &[10, 11]]);
        let batch = lengths(&scheduler.next_batch(1024));
        assert_eq!(batch[..4], [30, 10, 31, 11]);
        assert!(batch.len() > 20);
    }

    #[test]
    fn the_budget_holds_but_for_a_single_text() {
        let (mut scheduler, _outcomes) = scheduler(&[&[512, 511], &[100]]);
        assert_eq!(lengths(&scheduler.next_batch(700)), [512, 100]);
        assert_eq!(lengths(&scheduler.next_batch(100)), [511]);
        assert!(scheduler.next_batch(100).is_empty());
    }

    #[test]
    fn equal_texts_are_chosen_once_and_charged_once() {
        let (mut scheduler, outcomes) = scheduler(&[&[50, 50, 40, 50, 10], &[40, 50]]);
        let batch = scheduler.next_batch(100);
        assert_eq!(lengths(&batch), [50, 40, 10]);
        scheduler.complete(&batch, vectors(&batch));
        assert!(scheduler.is_empty() && scheduler.missing.is_empty());
        for (mut outcome, count) in outcomes.into_iter().zip([5, 2]) {
            assert_eq!(outcome.try_recv().unwrap().unwrap().len(), count);
        }
    }

    #[test]
    fn a_text_that_is_being_computed_is_shared_with_a_later_job() {
        let (mut scheduler, _first) = scheduler(&[&[7]]);
        let batch = scheduler.next_batch(100);
        let (done, mut later) = oneshot::channel();
        let texts = vec![vec![0; 7].into()];
        scheduler.add(Job { texts, done });
        scheduler.complete(&batch, vectors(&batch));
        assert_eq!(later.try_recv().unwrap().unwrap().len(), 1);
    }

    #[test]
    fn a_failed_batch_fails_the_jobs_that_have_its_texts() {
        let (mut scheduler, mut outcomes) = scheduler(&[&[90, 5], &[20, 21]]);
        let batch = scheduler.next_batch(95);
        assert_eq!(lengths(&batch), [90]);
        scheduler.fail(&batch, &EmbedError("broken".to_owned()));
        assert!(outcomes[0].try_recv().unwrap().is_err());
        assert!(outcomes[1].try_recv().is_err(), "it is still running");
        assert_eq!(scheduler.missing.len(), 2);
        assert_eq!(lengths(&scheduler.next_batch(95)), [20, 21]);
    }

    #[test]
    fn texts_of_a_job_nobody_waits_for_are_forgotten() {
        let (mut scheduler, mut outcomes) = scheduler(&[&[5, 6, 6], &[5]]);
        drop(outcomes.remove(0));
        assert_eq!(lengths(&scheduler.next_batch(100)), [5]);
        assert_eq!(scheduler.missing.len(), 1);
    }
}
