//! The worker thread, which owns the model: takes jobs, runs batches and sends the results.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::backend::{Embed, EmbedError};
use super::cache::SharedCache;
use super::scheduler::{Job, MAX_TOKENS, Scheduler, Text};

/// Runs until every sender is gone and every job is done.
pub(super) fn run(
    queue: &mut mpsc::UnboundedReceiver<Job>,
    model: &dyn Embed,
    cache: &SharedCache,
) {
    let mut scheduler = Scheduler::default();
    loop {
        if scheduler.is_empty() {
            match queue.blocking_recv() {
                Some(job) => scheduler.add(job),
                None => return,
            }
        }
        receive(queue, &mut scheduler);
        let batch = scheduler.next_batch(MAX_TOKENS);
        let computed = embed(model, &batch);
        if let Ok(vectors) = &computed {
            let ids = batch.iter().map(|text| Arc::clone(&text.ids));
            cache.put_all(ids.zip(vectors.iter().cloned()));
        }
        // Jobs that were sent during the batch may have its texts, which were not cached yet.
        receive(queue, &mut scheduler);
        match computed {
            Ok(vectors) => scheduler.complete(&batch, vectors),
            Err(error) => scheduler.fail(&batch, &error),
        }
    }
}

/// Adds the jobs that are in the queue.
fn receive(queue: &mut mpsc::UnboundedReceiver<Job>, scheduler: &mut Scheduler) {
    while let Ok(job) = queue.try_recv() {
        scheduler.add(job);
    }
}

/// Calls the model. A panic of the model becomes an error.
fn embed(model: &dyn Embed, batch: &[Rc<Text>]) -> Result<Vec<Arc<[f32]>>, EmbedError> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    let texts: Vec<&[u32]> = batch.iter().map(|text| &*text.ids).collect();
    // A panic cannot leave the model half changed, since it is only read.
    let vectors = catch_unwind(AssertUnwindSafe(|| model.embed(&texts)))
        .map_err(|_| EmbedError("the model panicked".to_owned()))??;
    if vectors.len() == texts.len() {
        Ok(vectors.into_iter().map(Arc::from).collect())
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

    use super::super::scheduler::Outcome;
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
        let texts = texts.collect();
        (Job { texts, done }, outcome)
    }

    /// Returns the batches of jobs.
    fn run_all(jobs: Vec<Job>) -> Vec<Vec<usize>> {
        let (sender, mut queue) = mpsc::unbounded_channel();
        for job in jobs {
            assert!(sender.send(job).is_ok());
        }
        drop(sender);
        let recorder = Recorder::default();
        run(&mut queue, &recorder, &SharedCache::new(0));
        recorder.0.into_inner().unwrap()
    }

    #[test]
    fn jobs_share_a_batch_and_each_gets_its_own_vectors() {
        let (jobs, mut outcomes): (Vec<_>, Vec<_>) = (1..=3).map(|id| job(id, &[5, 6])).unzip();
        assert_eq!(run_all(jobs), [[5, 5, 5, 6, 6, 6]]);
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
        let list: Vec<usize> = (463..=512).rev().collect();
        let (one, _one) = job(1, &list);
        let (other, _other) = job(2, &list);
        let (pair, _pair) = job(3, &[10, 11]);
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
        assert_eq!(run_all(vec![one]), [[700], [600]]);
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
