//! A job: the texts of one request on their way through the model.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::backend::EmbedError;

/// Caller of the engine, such as a connection. The texts of several callers take turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallerId(pub u64);

/// Outcome of a job: its vectors, or hidden states row by row, in order.
pub(super) type Outcome = Result<Vec<Arc<[f32]>>, EmbedError>;

/// One computation of the model. Equal ones are done once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Task {
    /// Vector of a text.
    Vector(Arc<[u32]>),
    /// Hidden states of the tokens of a text.
    HiddenStates(Arc<[u32]>),
}

impl Task {
    /// Token ids of the text.
    pub(super) fn ids(&self) -> &Arc<[u32]> {
        match self {
            Self::Vector(ids) | Self::HiddenStates(ids) => ids,
        }
    }
}

/// Tasks of one request, as it comes to the worker.
pub(super) struct Job {
    pub(super) caller: CallerId,
    pub(super) tasks: Vec<Task>,
    pub(super) done: oneshot::Sender<Outcome>,
}

/// A text with its task on its way through the model, shared by all jobs that have it.
pub(super) struct Text {
    pub(super) task: Task,
    /// True once the text has been put into a batch.
    pub(super) chosen: Cell<bool>,
    pub(super) result: OnceCell<Result<Arc<[f32]>, EmbedError>>,
}

/// A job whose texts have been matched with those of the others.
pub(super) struct Running {
    texts: Vec<Rc<Text>>,
    /// Index before which every text has been put into a batch.
    next: usize,
    done: oneshot::Sender<Outcome>,
}

impl Text {
    pub(super) fn new(task: Task) -> Self {
        Self {
            task,
            chosen: Cell::new(false),
            result: OnceCell::new(),
        }
    }

    /// Number of its tokens.
    pub(super) fn tokens(&self) -> usize {
        self.task.ids().len()
    }

    pub(super) fn has_failed(&self) -> bool {
        matches!(self.result.get(), Some(Err(_)))
    }

    pub(super) fn result(&self) -> Result<Arc<[f32]>, EmbedError> {
        let left_out = || Err(EmbedError("the model left out a text".to_owned()));
        self.result.get().cloned().unwrap_or_else(left_out)
    }
}

impl Running {
    pub(super) fn new(texts: Vec<Rc<Text>>, done: oneshot::Sender<Outcome>) -> Self {
        Self {
            texts,
            next: 0,
            done,
        }
    }

    /// Returns true if nobody waits for the outcome any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.done.is_closed()
    }

    /// Sends the outcome: the vectors of all texts, or the first error.
    pub(super) fn send(self) {
        let outcome = self.texts.iter().map(|text| text.result()).collect();
        // The caller may have gone.
        drop(self.done.send(outcome));
    }

    /// Chooses up to `most` texts that have not been in a batch.
    pub(super) fn choose(&mut self, most: usize) -> Vec<Rc<Text>> {
        self.pass();
        let rest = self.texts.iter().skip(self.next);
        // A text that occurs twice is chosen once.
        let unchosen = rest.filter(|text| !text.chosen.replace(true));
        unchosen.take(most).map(Rc::clone).collect()
    }

    /// Passes the texts that have been in a batch.
    fn pass(&mut self) {
        let mut rest = self.texts.iter().skip(self.next);
        let passed = rest.position(|text| !text.chosen.get());
        self.next = passed.map_or(self.texts.len(), |passed| self.next + passed);
    }

    /// Returns true if all texts have been in a batch, or one of them has failed. Looks for that
    /// one only after a batch with a failure.
    pub(super) fn is_done(&mut self, failed: bool) -> bool {
        self.pass();
        self.next == self.texts.len() || (failed && self.texts.iter().any(|text| text.has_failed()))
    }
}
