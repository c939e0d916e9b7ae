//! The worker thread, which owns the model: takes jobs, runs batches and sends the results.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::backend::{Embed, EmbedError};
use super::job::{Job, Text};
use super::progress::Progress;
use super::remembered::Remembered;
use super::scheduler::Scheduler;

/// Runs until every sender is gone and every job is done.
pub(super) fn run(
    queue: &mut mpsc::UnboundedReceiver<Job>,
    model: &dyn Embed,
    remembered: &Remembered,
    progress: &Progress,
) {
    let mut scheduler = Scheduler::default();
    loop {
        if scheduler.is_empty() {
            progress.set_busy(false);
            match queue.blocking_recv() {
                Some(job) => scheduler.add(job),
                None => return,
            }
            progress.set_busy(true);
        }
        receive(queue, &mut scheduler);
        let batch = scheduler.next_batch();
        let results = embed(model, &batch);
        let computed = batch.iter().zip(&results);
        remembered.put_all(computed.filter_map(|(text, result)| {
            let vector = result.as_ref().ok()?;
            Some((Arc::clone(&text.ids), Arc::clone(vector)))
        }));
        // Jobs that were sent during the batch may have its texts, which were not cached yet.
        receive(queue, &mut scheduler);
        scheduler.finish(&batch, results);
        progress.count_batch();
    }
}

/// Adds the jobs that are in the queue.
fn receive(queue: &mut mpsc::UnboundedReceiver<Job>, scheduler: &mut Scheduler) {
    while let Ok(job) = queue.try_recv() {
        scheduler.add(job);
    }
}

/// Computes the texts of a batch. If the batch fails, computes each text alone: texts of several
/// callers share a batch, and one that fails must not fail those of others.
fn embed(model: &dyn Embed, batch: &[Rc<Text>]) -> Vec<Result<Arc<[f32]>, EmbedError>> {
    if batch.is_empty() {
        return Vec::new();
    }
    let texts: Vec<&[u32]> = batch.iter().map(|text| &*text.ids).collect();
    match call(model, &texts) {
        Ok(vectors) => vectors
            .into_iter()
            .map(|vector| Ok(vector.into()))
            .collect(),
        Err(error) if texts.len() == 1 => vec![Err(error)],
        Err(_) => {
            let alone = |ids: &&[u32]| Ok(call(model, &[*ids])?.concat().into());
            texts.iter().map(alone).collect()
        }
    }
}

/// Calls the model. A panic of the model becomes an error.
fn call(model: &dyn Embed, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>, EmbedError> {
    // A panic cannot leave the model half changed, since it is only read.
    let vectors = catch_unwind(AssertUnwindSafe(|| model.embed(texts)))
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

    use super::super::cache::SharedCache;
    use super::super::job::{CallerId, Outcome};
    use super::*;

    /// Token of a text that fails.
    const FAILS: u32 = 98;

    /// Token of a text that makes the model panic.
    const PANICS: u32 = 99;

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
            let has = |id: u32| texts.iter().any(|ids| ids[0] == id);
            assert!(!has(PANICS), "on purpose");
            if has(FAILS) {
                return Err(EmbedError("on purpose".to_owned()));
            }
            Ok(texts.iter().map(|ids| vec![ids[0] as f32]).collect())
        }
    }

    /// A job of texts of these lengths, every token being `id`, which is its caller as well.
    fn job(id: u32, lengths: &[usize]) -> (Job, oneshot::Receiver<Outcome>) {
        let (done, outcome) = oneshot::channel();
        let texts = lengths.iter().map(|length| vec![id; *length].into());
        let texts = texts.collect();
        let caller = CallerId(id.into());
        let job = Job {
            caller,
            texts,
            done,
        };
        (job, outcome)
    }

    /// Returns the batches of jobs.
    fn run_all(jobs: Vec<Job>) -> Vec<Vec<usize>> {
        let (sender, mut queue) = mpsc::unbounded_channel();
        for job in jobs {
            assert!(sender.send(job).is_ok());
        }
        drop(sender);
        let recorder = Recorder::default();
        let progress = Progress::default();
        let remembered = Remembered::new(SharedCache::new(0), None);
        run(&mut queue, &recorder, &remembered, &progress);
        assert_eq!(progress.batches_if_busy(), None);
        recorder.0.into_inner().unwrap()
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

    #[test]
    fn texts_beside_one_that_fails_are_computed_again() {
        for failing in [FAILS, PANICS] {
            let (good, mut outcome) = job(1, &[5, 6]);
            let (bad, mut failed) = job(failing, &[7]);
            let (other, mut third) = job(2, &[8]);
            let batches = run_all(vec![good, bad, other]);
            assert_eq!(
                batches,
                [vec![5, 6, 7, 8], vec![5], vec![6], vec![7], vec![8]]
            );
            assert_eq!(outcome.try_recv().unwrap().unwrap().len(), 2);
            assert!(failed.try_recv().unwrap().is_err());
            assert_eq!(third.try_recv().unwrap().unwrap(), [Arc::from([2.0])]);
        }
    }
}
