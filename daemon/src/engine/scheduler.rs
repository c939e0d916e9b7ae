//! Scheduling: the texts of all requests, each computed once, and the choice of the next batch.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::backend::EmbedError;
use super::cost::cost;
use super::job::{Job, Running, Task, Text};
use super::turns::{Size, Turns};

/// Most cost of a small job: a pair of two texts of a hundred characters. Small jobs go before all
/// others, in batches of their own: one takes a few milliseconds for each.
const SMALL_COST: usize = 256;

/// Jobs that are not done, and their texts.
#[derive(Default)]
pub(super) struct Scheduler {
    small: Turns,
    large: Turns,
    /// Texts without a result yet.
    missing: HashMap<Task, Rc<Text>>,
    /// True after a batch of small jobs: the next batch is of large ones, which would otherwise
    /// wait for as long as small ones arrive.
    large_is_next: bool,
}

impl Scheduler {
    pub(super) fn is_empty(&self) -> bool {
        self.small.is_empty() && self.large.is_empty()
    }

    /// Adds a job. A text that another job or the job itself has already is not computed again.
    pub(super) fn add(&mut self, job: Job) {
        let mut text = |task: Task| {
            let text = self.missing.entry(task.clone());
            Rc::clone(text.or_insert_with(|| Rc::new(Text::new(task))))
        };
        let total: usize = job.tasks.iter().map(|task| cost(task.ids().len())).sum();
        let texts = job.tasks.into_iter().map(&mut text).collect();
        let running = Running::new(texts, job.done);
        let size = if total <= SMALL_COST {
            Size::Small
        } else {
            Size::Large
        };
        self.turns(size).add(job.caller, running);
    }

    fn turns(&mut self, size: Size) -> &mut Turns {
        match size {
            Size::Small => &mut self.small,
            Size::Large => &mut self.large,
        }
    }

    /// Chooses the texts of the next batch, all of them different.
    ///
    /// A batch is of small jobs or of large ones, in turns if there are both: a pair waits for one
    /// batch of large jobs at most, however many of them there are. Within a batch the callers take
    /// turns, one text each, and the jobs of one caller follow each other. A text that does not fit
    /// leaves its room to the texts of others. A batch is never empty while a text waits. Jobs
    /// whose callers have gone are dropped.
    pub(super) fn next_batch(&mut self) -> Vec<Rc<Text>> {
        self.drop_abandoned();
        let order = if self.large_is_next {
            [Size::Large, Size::Small]
        } else {
            [Size::Small, Size::Large]
        };
        for size in order {
            let batch = self.turns(size).choose(size);
            if !batch.is_empty() {
                self.large_is_next = size == Size::Small;
                return batch;
            }
        }
        Vec::new()
    }

    /// Takes the results of a batch, and finishes the jobs that have all of theirs. A text that
    /// failed fails the jobs that have it; all others continue.
    pub(super) fn finish(
        &mut self,
        batch: &[Rc<Text>],
        results: Vec<Result<Arc<[f32]>, EmbedError>>,
    ) {
        for (text, result) in batch.iter().zip(results) {
            self.missing.remove(&text.task);
            // A text is in one batch only, so it has no result yet.
            text.result.get_or_init(|| result);
        }
        let failed = batch.iter().any(|text| text.has_failed());
        for turns in [&mut self.small, &mut self.large] {
            turns.finish(failed);
        }
        if failed {
            self.forget_unshared();
        }
    }

    fn drop_abandoned(&mut self) {
        let dropped = [&mut self.small, &mut self.large].map(Turns::drop_abandoned);
        if dropped.contains(&true) {
            self.forget_unshared();
        }
    }

    /// Removes the texts that no job has any more.
    fn forget_unshared(&mut self) {
        self.missing.retain(|_, text| Rc::strong_count(text) > 1);
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::super::job::{CallerId, Outcome};
    use super::*;

    type Outcomes = Vec<oneshot::Receiver<Outcome>>;

    /// A scheduler with a job for each caller and list of lengths. Texts of one length are equal.
    fn scheduler(jobs: &[(u64, &[usize])]) -> (Scheduler, Outcomes) {
        let mut scheduler = Scheduler::default();
        let outcomes = jobs
            .iter()
            .map(|(caller, lengths)| add(&mut scheduler, *caller, lengths));
        let outcomes = outcomes.collect();
        (scheduler, outcomes)
    }

    fn add(
        scheduler: &mut Scheduler,
        caller: u64,
        lengths: &[usize],
    ) -> oneshot::Receiver<Outcome> {
        let (done, outcome) = oneshot::channel();
        let tasks = lengths
            .iter()
            .map(|length| Task::Vector(vec![0; *length].into()));
        let tasks = tasks.collect();
        let caller = CallerId(caller);
        scheduler.add(Job {
            caller,
            tasks,
            done,
        });
        outcome
    }

    fn lengths(batch: &[Rc<Text>]) -> Vec<usize> {
        batch.iter().map(|text| text.tokens()).collect()
    }

    fn succeed(scheduler: &mut Scheduler, batch: &[Rc<Text>]) {
        let results = batch.iter().map(|_| Ok(Arc::from([1.0])));
        scheduler.finish(batch, results.collect());
    }

    /// Runs the next batch and returns its lengths.
    fn run_next(scheduler: &mut Scheduler) -> Vec<usize> {
        let batch = scheduler.next_batch();
        succeed(scheduler, &batch);
        lengths(&batch)
    }

    /// Returns true if the outcome has been sent, and is as many vectors.
    fn has_vectors(outcome: &mut oneshot::Receiver<Outcome>, count: usize) -> bool {
        matches!(outcome.try_recv(), Ok(Ok(vectors)) if vectors.len() == count)
    }

    #[test]
    fn a_pair_goes_before_all_lists() {
        let list: Vec<usize> = (300..400).collect();
        let lists: Vec<(u64, &[usize])> = (0..100).map(|caller| (caller, &list[..])).collect();
        let (mut scheduler, _lists) = scheduler(&lists);
        run_next(&mut scheduler);
        let mut pair = add(&mut scheduler, 1000, &[10, 11]);
        assert_eq!(run_next(&mut scheduler), [10, 11]);
        assert!(has_vectors(&mut pair, 2));
    }

    #[test]
    fn lists_go_on_while_pairs_arrive() {
        let list: Vec<usize> = (600..650).collect();
        let (mut scheduler, _list) = scheduler(&[(1, &list)]);
        let mut batches = Vec::new();
        for length in 10..14 {
            // Dropping the outcome would abandon the job.
            std::mem::forget(add(&mut scheduler, 2, &[length]));
            std::mem::forget(add(&mut scheduler, 3, &[length + 50]));
            batches.push(run_next(&mut scheduler)[0]);
        }
        assert_eq!(batches, [10, 600, 11, 601]);
    }

    #[test]
    fn callers_take_turns_however_many_jobs_they_have() {
        let many: Vec<Vec<usize>> = (0..60).map(|job| vec![200 + job; 2]).collect();
        let mut jobs: Vec<(u64, &[usize])> = many.iter().map(|job| (1, &job[..])).collect();
        jobs.push((2, &[201, 300, 301, 302]));
        let (mut scheduler, mut outcomes) = scheduler(&jobs);
        let mut other = outcomes.pop().unwrap();
        let batches: Vec<Vec<usize>> = (0..4).map(|_| run_next(&mut scheduler)).collect();
        assert_eq!(
            batches[..2],
            [vec![200, 201, 202, 203], vec![300, 204, 205]]
        );
        assert!(has_vectors(&mut other, 4), "{batches:?}");
    }

    /// Text that no other one fits beside.
    const WHOLE: usize = 512;

    #[test]
    fn a_list_goes_on_beside_callers_that_come_back() {
        let list: Vec<usize> = (0..20).map(|n| WHOLE + n).collect();
        let (mut scheduler, _list) = scheduler(&[(1, &list)]);
        let mut batches = Vec::new();
        for n in 0..30 {
            // Two callers with one text each, which send the next one as soon as they can.
            let caller = if n % 2 == 0 { 2 } else { 3 };
            std::mem::forget(add(&mut scheduler, caller, &[WHOLE + 100 + n]));
            batches.extend(run_next(&mut scheduler));
        }
        let of_list = batches.iter().filter(|length| **length < WHOLE + 100);
        assert!(of_list.count() >= 9, "{batches:?}");
    }

    #[test]
    fn two_lists_go_on_beside_pairs() {
        let [one, other] =
            [0, 40].map(|first| -> Vec<usize> { (first..first + 20).map(|n| WHOLE + n).collect() });
        let (mut scheduler, _lists) = scheduler(&[(1, &one), (2, &other)]);
        let mut batches = Vec::new();
        for n in 0..20 {
            std::mem::forget(add(&mut scheduler, 3, &[10 + n, 40 + n]));
            batches.push(run_next(&mut scheduler)[0]);
        }
        let of_other = batches.iter().filter(|length| **length >= WHOLE + 40);
        assert_eq!(of_other.count(), 5, "{batches:?}");
    }

    #[test]
    fn the_jobs_of_a_caller_follow_each_other() {
        let (mut scheduler, mut outcomes) = scheduler(&[(1, &[400, 401]), (1, &[500, 501])]);
        run_next(&mut scheduler);
        run_next(&mut scheduler);
        assert!(has_vectors(&mut outcomes[0], 2));
        assert_eq!(run_next(&mut scheduler), [500]);
    }

    #[test]
    fn a_batch_is_bounded_but_for_a_single_text() {
        let (mut scheduler, _outcomes) = scheduler(&[(1, &[2000, 230, 231]), (2, &[512, 40])]);
        assert_eq!(run_next(&mut scheduler), [2000]);
        assert_eq!(run_next(&mut scheduler), [512, 40], "230 do not fit");
        assert_eq!(run_next(&mut scheduler), [230, 231]);
    }

    #[test]
    fn a_text_that_does_not_fit_leaves_room_to_others() {
        let (mut scheduler, _outcomes) =
            scheduler(&[(1, &[500, 501]), (2, &[450, 451]), (3, &[5, 300])]);
        assert_eq!(run_next(&mut scheduler), [500, 5]);
    }

    #[test]
    fn equal_texts_are_chosen_once_and_charged_once() {
        let (mut scheduler, mut outcomes) =
            scheduler(&[(1, &[50, 50, 40, 50, 10]), (2, &[40, 50])]);
        assert_eq!(run_next(&mut scheduler), [50, 40, 10]);
        assert!(scheduler.is_empty() && scheduler.missing.is_empty());
        assert!(has_vectors(&mut outcomes[0], 5));
        assert!(has_vectors(&mut outcomes[1], 2));
    }

    #[test]
    fn a_text_that_is_being_computed_is_shared_with_a_later_job() {
        let (mut scheduler, _first) = scheduler(&[(1, &[7])]);
        let batch = scheduler.next_batch();
        let mut later = add(&mut scheduler, 2, &[7]);
        succeed(&mut scheduler, &batch);
        assert!(has_vectors(&mut later, 1));
    }

    #[test]
    fn a_failed_text_fails_its_own_jobs_alone() {
        let (mut scheduler, mut outcomes) =
            scheduler(&[(1, &[90, 700, 5]), (2, &[20, 21]), (3, &[90, 300])]);
        assert_eq!(run_next(&mut scheduler), [20, 21]);
        assert!(has_vectors(&mut outcomes[1], 2));
        let batch = scheduler.next_batch();
        assert_eq!(lengths(&batch), [90, 300]);
        let error = Err(EmbedError("broken".to_owned()));
        scheduler.finish(&batch, vec![error, Ok(Arc::from([1.0]))]);
        assert!(outcomes[0].try_recv().unwrap().is_err());
        assert!(outcomes[2].try_recv().unwrap().is_err());
        assert!(scheduler.is_empty() && scheduler.missing.is_empty());
    }

    #[test]
    fn texts_of_a_job_nobody_waits_for_are_forgotten() {
        let (mut scheduler, mut outcomes) = scheduler(&[(1, &[5, 6, 6]), (2, &[5])]);
        drop(outcomes.remove(0));
        let batch = scheduler.next_batch();
        assert_eq!(lengths(&batch), [5]);
        assert_eq!(scheduler.missing.len(), 1);
    }
}
