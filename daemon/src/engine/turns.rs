//! Turns: the callers whose jobs of one size wait, and the texts that each puts into a batch.

use std::collections::VecDeque;
use std::rc::Rc;

use super::cost::{MAX_COST, cost};
use super::job::{CallerId, Running, Text};

/// Jobs of one caller and of one size, in the order of their arrival.
struct Caller {
    id: CallerId,
    jobs: VecDeque<Running>,
}

/// Callers with jobs of one size. Each is first in a batch in turn.
#[derive(Default)]
pub(super) struct Turns {
    callers: VecDeque<Caller>,
}

/// Size of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    Small,
    Large,
}

impl Turns {
    pub(super) fn is_empty(&self) -> bool {
        self.callers.is_empty()
    }

    pub(super) fn add(&mut self, id: CallerId, job: Running) {
        match self.callers.iter_mut().find(|caller| caller.id == id) {
            Some(caller) => caller.jobs.push_back(job),
            None => self.callers.push_back(Caller {
                id,
                jobs: VecDeque::from([job]),
            }),
        }
    }

    /// Chooses the texts of a batch.
    pub(super) fn choose(&mut self, size: Size) -> Vec<Rc<Text>> {
        let (mut batch, mut total) = (Vec::new(), 0);
        let mut full = vec![false; self.callers.len()];
        loop {
            let before = batch.len();
            for (caller, full) in self.callers.iter_mut().zip(&mut full) {
                if *full {
                    continue;
                }
                let turn = caller.turn(size);
                if turn.is_empty() {
                    *full = true;
                    continue;
                }
                let more: usize = turn.iter().map(|text| cost(text.tokens())).sum();
                if total > 0 && total + more > MAX_COST {
                    // Its later texts wait as well: the texts of a caller keep their order.
                    *full = true;
                    for text in turn {
                        text.chosen.set(false);
                    }
                } else {
                    total += more;
                    batch.extend(turn);
                }
            }
            if batch.len() == before {
                // Each caller is first in turn, so that none waits for more than a round. The next
                // one is first even if this one has no more jobs.
                if !batch.is_empty() {
                    self.callers.rotate_left(1);
                }
                return batch;
            }
        }
    }

    /// Sends the outcomes of the jobs that are done; `failed` is true if a text of the last batch
    /// failed.
    pub(super) fn finish(&mut self, failed: bool) {
        for caller in &mut self.callers {
            let is_done = |job: &mut Running| job.is_done(failed);
            while let Some(done) = caller.jobs.iter_mut().position(is_done) {
                if let Some(job) = caller.jobs.remove(done) {
                    job.send();
                }
            }
        }
        self.callers.retain(|caller| !caller.jobs.is_empty());
    }

    /// Drops the jobs that nobody waits for. Returns true if there were any.
    pub(super) fn drop_abandoned(&mut self) -> bool {
        let mut dropped = false;
        for caller in &mut self.callers {
            let before = caller.jobs.len();
            caller.jobs.retain(|job| !job.is_abandoned());
            dropped |= caller.jobs.len() < before;
        }
        self.callers.retain(|caller| !caller.jobs.is_empty());
        dropped
    }
}

impl Caller {
    /// Chooses the texts of one turn: of small jobs all of the next one, so that a pair is in one
    /// batch; of large jobs one text.
    fn turn(&mut self, size: Size) -> Vec<Rc<Text>> {
        let most = match size {
            Size::Small => usize::MAX,
            Size::Large => 1,
        };
        let mut turns = self.jobs.iter_mut().map(|job| job.choose(most));
        turns.find(|turn| !turn.is_empty()).unwrap_or_default()
    }
}
