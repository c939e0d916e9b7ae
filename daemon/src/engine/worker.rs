//! The worker thread, which owns the model: takes jobs, runs batches and sends the results.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::mpsc;

use super::backend::{Embed, EmbedError};
use super::cache::SharedCache;
use super::scheduler::{Job, MAX_TOKENS, Outcome, compose, distinct};

/// Runs until every sender is gone and every job is done.
pub(super) fn run(mut queue: mpsc::UnboundedReceiver<Job>, model: &dyn Embed, cache: &SharedCache) {
    let mut jobs: VecDeque<Job> = VecDeque::new();
    loop {
        if jobs.is_empty() {
            match queue.blocking_recv() {
                Some(job) => jobs.push_back(job),
                None => return,
            }
        }
        while let Ok(job) = queue.try_recv() {
            jobs.push_back(job);
        }
        // Drops jobs whose callers have gone.
        jobs.retain(|job| !job.done.is_closed());
        step(&mut jobs, model, cache);
        // Each job is first in a batch in turn, so that none waits for more than a round.
        if !jobs.is_empty() {
            jobs.rotate_left(1);
        }
    }
}

/// Runs one batch of slices of the jobs, and finishes the complete jobs.
fn step(jobs: &mut VecDeque<Job>, model: &dyn Embed, cache: &SharedCache) {
    let slices = compose(jobs.iter().map(Job::waiting), MAX_TOKENS);
    let texts: Vec<Arc<[u32]>> = jobs
        .iter()
        .zip(&slices)
        .flat_map(|(job, count)| job.waiting().iter().take(*count).cloned())
        .collect();
    match vectors(&texts, model, cache) {
        Ok(vectors) => {
            let mut vectors = vectors.into_iter();
            for (job, count) in jobs.iter_mut().zip(slices) {
                job.vectors.extend(vectors.by_ref().take(count));
            }
            finish(jobs);
        }
        Err(error) => {
            // The jobs in this batch fail; the other jobs continue.
            let mut parts = slices.into_iter();
            let failed = |_: &Job| parts.next().is_some_and(|count| count > 0);
            let (failed, rest) = jobs.drain(..).partition::<VecDeque<_>, _>(failed);
            *jobs = rest;
            for job in failed {
                // The caller may have gone.
                drop(job.done.send(Err(error.clone())));
            }
        }
    }
}

/// Returns the vectors of a batch. Each distinct text is computed once, unless its vector is
/// cached.
fn vectors(texts: &[Arc<[u32]>], model: &dyn Embed, cache: &SharedCache) -> Outcome {
    let (different, indices) = distinct(texts);
    let mut known = cache.get_all(different.iter().map(|ids| &**ids));
    let missing = different.iter().zip(&known);
    let missing = missing.filter(|(_, vector)| vector.is_none());
    let missing: Vec<Arc<[u32]>> = missing.map(|(ids, _)| Arc::clone(ids)).collect();
    let computed = embed(model, &missing)?;
    let computed: Vec<Arc<[f32]>> = computed.into_iter().map(Arc::from).collect();
    let empty = known.iter_mut().filter(|vector| vector.is_none());
    for (slot, vector) in empty.zip(&computed) {
        *slot = Some(Arc::clone(vector));
    }
    cache.put_all(missing.into_iter().zip(computed));
    let vectors: Option<Vec<_>> = indices
        .into_iter()
        .map(|index| known.get(index).cloned().flatten())
        .collect();
    vectors.ok_or_else(|| EmbedError("the model left out a text".to_owned()))
}

fn finish(jobs: &mut VecDeque<Job>) {
    let complete = |job: &Job| job.waiting().is_empty();
    let (complete, rest) = jobs.drain(..).partition::<VecDeque<_>, _>(complete);
    *jobs = rest;
    for job in complete {
        // The caller may have gone.
        drop(job.done.send(Ok(job.vectors)));
    }
}

/// Calls the model. A panic of the model becomes an error.
fn embed(model: &dyn Embed, texts: &[Arc<[u32]>]) -> Result<Vec<Vec<f32>>, EmbedError> {
    if texts.is_empty() {
        return Ok(Vec::new());
    }
    let texts: Vec<&[u32]> = texts.iter().map(|ids| &**ids).collect();
    // A panic cannot leave the model half changed, since it is only read.
    let vectors = catch_unwind(AssertUnwindSafe(|| model.embed(&texts)))
        .map_err(|_| EmbedError("the model panicked".to_owned()))??;
    if vectors.len() == texts.len() {
        Ok(vectors)
    } else {
        Err(EmbedError(format!(
            "the model produced {} vectors for {} texts",
            vectors.len(),
            texts.len()
        )))
    }
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "small values")]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    /// Records the length of every text of every batch.
    #[derive(Default)]
    struct Recorder(std::sync::Mutex<Vec<Vec<usize>>>);

    impl Embed for Recorder {
        fn threads(&self) -> usize {
            1
        }

        fn embed(&self, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>, EmbedError> {
            let lengths = texts.iter().map(|ids| ids.len()).collect();
            self.0.lock().unwrap().push(lengths);
            Ok(texts.iter().map(|ids| vec![ids[0] as f32]).collect())
        }
    }

    /// A job of texts of these lengths, every token being `id`.
    fn job(id: u32, lengths: &[usize]) -> (Job, oneshot::Receiver<Outcome>) {
        let (done, outcome) = oneshot::channel();
        let texts = lengths.iter().map(|length| vec![id; *length].into());
        (Job::new(texts.collect(), done), outcome)
    }

    /// Returns the batches of jobs, with a cache of `cache_bytes`.
    fn run_with(jobs: Vec<Job>, cache_bytes: usize) -> Vec<Vec<usize>> {
        let (sender, queue) = mpsc::unbounded_channel();
        for job in jobs {
            assert!(sender.send(job).is_ok());
        }
        drop(sender);
        let recorder = Recorder::default();
        run(queue, &recorder, &SharedCache::new(cache_bytes));
        recorder.0.into_inner().unwrap()
    }

    fn run_all(jobs: Vec<Job>) -> Vec<Vec<usize>> {
        run_with(jobs, 0)
    }

    #[test]
    fn jobs_share_a_batch_and_each_gets_its_own_vectors() {
        let (jobs, mut outcomes): (Vec<_>, Vec<_>) = (1..=3).map(|id| job(id, &[5, 6])).unzip();
        assert_eq!(run_all(jobs), [[5, 6, 5, 6, 5, 6]]);
        for (id, outcome) in (1..).zip(&mut outcomes) {
            let vectors = outcome.try_recv().unwrap().unwrap();
            assert_eq!(
                vectors.iter().map(|v| v[0]).collect::<Vec<_>>(),
                [id as f32; 2]
            );
        }
    }

    #[test]
    fn a_pair_behind_lists_of_long_texts_is_in_the_second_batch() {
        let (one, _one) = job(1, &[512; 50]);
        let (other, _other) = job(2, &[512; 50]);
        let (pair, _pair) = job(3, &[10, 10]);
        let batches = run_all(vec![one, other, pair]);
        let with_pair = batches.iter().position(|batch| batch.contains(&10));
        assert_eq!(with_pair, Some(1));
        assert_eq!(batches.concat().len(), 102);
    }

    #[test]
    fn a_text_of_two_jobs_is_computed_once() {
        let (one, mut first) = job(1, &[5, 6, 5]);
        let (other, mut second) = job(1, &[6, 7]);
        assert_eq!(run_all(vec![one, other]), [[5, 6, 7]]);
        assert_eq!(first.try_recv().unwrap().unwrap().len(), 3);
        assert_eq!(second.try_recv().unwrap().unwrap().len(), 2);
    }

    #[test]
    fn a_text_of_an_earlier_batch_is_not_computed_again() {
        let (one, mut outcome) = job(1, &[700, 600, 700, 600]);
        assert_eq!(run_with(vec![one], 1 << 20), [[700], [600]]);
        assert_eq!(outcome.try_recv().unwrap().unwrap().len(), 4);
    }

    #[test]
    fn a_job_nobody_waits_for_is_not_computed() {
        let (gone, outcome) = job(1, &[7]);
        drop(outcome);
        let (kept, _outcome) = job(2, &[8]);
        assert_eq!(run_all(vec![gone, kept]), [[8]]);
    }
}
