//! The worker thread, which owns the model: takes jobs, runs batches and sends the results.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::backend::{Embed, EmbedError};
use super::job::{Job, Task, Text};
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
            let Task::Vector(ids) = &text.task else {
                // Hidden states are larger than vectors, and rarely asked for again.
                return None;
            };
            Some((Arc::clone(ids), Arc::clone(result.as_ref().ok()?)))
        }));
        // Jobs that were sent during the batch may have its texts, which were not cached yet.
        receive(queue, &mut scheduler);
        scheduler.finish(&batch, results);
        progress.count_batch(batch.len());
    }
}

/// Adds the jobs that are in the queue.
fn receive(queue: &mut mpsc::UnboundedReceiver<Job>, scheduler: &mut Scheduler) {
    while let Ok(job) = queue.try_recv() {
        scheduler.add(job);
    }
}

/// Result of one task.
type Computed = Result<Arc<[f32]>, EmbedError>;

/// Computes the texts of a batch, those of each kind of task at once.
fn embed(model: &dyn Embed, batch: &[Rc<Text>]) -> Vec<Computed> {
    let is_vector = |text: &&Rc<Text>| matches!(text.task, Task::Vector(_));
    let (vectors, states): (Vec<_>, Vec<_>) = batch.iter().partition(is_vector);
    let mut vectors = compute(&vectors, |texts| model.embed(texts)).into_iter();
    let mut states = compute(&states, |texts| model.hidden_states(texts)).into_iter();
    let of_text = |text: &Rc<Text>| match text.task {
        Task::Vector(_) => vectors.next(),
        Task::HiddenStates(_) => states.next(),
    };
    let left_out = || Err(EmbedError("the model left out a text".to_owned()));
    let results = batch.iter().map(of_text);
    results
        .map(|result| result.unwrap_or_else(left_out))
        .collect()
}

/// Computes texts by `model`. If that fails, computes each text alone: texts of several callers
/// share a batch, and one that fails must not fail those of others.
fn compute(
    texts: &[&Rc<Text>],
    model: impl Fn(&[&[u32]]) -> Result<Vec<Vec<f32>>, EmbedError>,
) -> Vec<Computed> {
    if texts.is_empty() {
        return Vec::new();
    }
    let ids: Vec<&[u32]> = texts.iter().map(|text| &**text.task.ids()).collect();
    match call(&model, &ids) {
        Ok(computed) => computed
            .into_iter()
            .map(|values| Ok(values.into()))
            .collect(),
        Err(error) if ids.len() == 1 => vec![Err(error)],
        Err(_) => {
            let alone = |ids: &&[u32]| Ok(call(&model, &[*ids])?.concat().into());
            ids.iter().map(alone).collect()
        }
    }
}

/// Calls the model. A panic of the model becomes an error.
fn call(
    model: impl Fn(&[&[u32]]) -> Result<Vec<Vec<f32>>, EmbedError>,
    texts: &[&[u32]],
) -> Result<Vec<Vec<f32>>, EmbedError> {
    // A panic cannot leave the model half changed, since it is only read.
    let computed = catch_unwind(AssertUnwindSafe(|| model(texts)))
        .map_err(|_| EmbedError("the model panicked".to_owned()))??;
    if computed.len() == texts.len() {
        Ok(computed)
    } else {
        Err(EmbedError(format!(
            "the model produced {} results for {} texts",
            computed.len(),
            texts.len()
        )))
    }
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "small values")]
mod tests {
    use tokio::sync::oneshot;

    use super::super::cache::MemoryCache;
    use super::super::job::{CallerId, Outcome};
    use super::super::remembered::KeptVectors;
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

        fn hidden_states(&self, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>, EmbedError> {
            self.embed(texts)?;
            let state = |id: &u32| *id as f32;
            Ok(texts
                .iter()
                .map(|ids| ids.iter().map(state).collect())
                .collect())
        }
    }

    /// A job of texts of these lengths, every token being `id`, which is its caller as well.
    fn job(id: u32, lengths: &[usize]) -> (Job, oneshot::Receiver<Outcome>) {
        let (done, outcome) = oneshot::channel();
        let tasks = lengths
            .iter()
            .map(|length| Task::Vector(vec![id; *length].into()));
        let tasks = tasks.collect();
        let caller = CallerId(id.into());
        let job = Job {
            caller,
            tasks,
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
        let remembered = Remembered::new(MemoryCache::new(0), KeptVectors::default());
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

    #[test]
    fn hidden_states_are_computed_beside_vectors() {
        let (mut states, mut outcome) = job(1, &[2, 3]);
        states.tasks[1] = Task::HiddenStates([1, 1].into());
        let (other, mut second) = job(1, &[2, 4]);
        // The vector of the same text is another result.
        assert_eq!(run_all(vec![states, other]), [vec![2, 4], vec![2]]);
        let results = outcome.try_recv().unwrap().unwrap();
        assert_eq!(results, [Arc::from([1.0]), Arc::from([1.0, 1.0])]);
        assert_eq!(second.try_recv().unwrap().unwrap().len(), 2);
    }
}
