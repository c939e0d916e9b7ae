//! The daemon's side of the screen: answers the newest question.

use std::sync::{Arc, Mutex, PoisonError};

use gte_shared::client::{ClientError, Link};
use gte_shared::wire::{Computed, ErrorCode, PairScore};
use tokio::sync::{mpsc, watch};

use crate::app::{Action, Daemon, News, Outcome};

/// Two texts to compare.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) change: u64,
    pub(super) a: String,
    pub(super) b: String,
}

/// The line to the daemon, and what the screen has been told of it.
pub(super) struct Scorer {
    link: Link,
    actions: mpsc::UnboundedSender<Action>,
    /// The model that answers, as the screen was last told; `None` when it was told anything else.
    told: Mutex<Option<String>>,
}

/// Answers questions until the screen is left. Questions that were replaced by a newer one before
/// their turn came are never asked.
pub(super) async fn run(scorer: Arc<Scorer>, mut questions: watch::Receiver<Option<Question>>) {
    // At once, so that the daemon is warm by the time two texts are typed. Whatever is wrong is
    // said in words when there is something to compare.
    drop(scorer.meet().await);
    while questions.changed().await.is_ok() {
        let question = questions.borrow_and_update().clone();
        let Some(Question { change, a, b }) = question else {
            continue;
        };
        let outcome = scorer.compare(a, b).await;
        scorer.tell(Action::Answered(change, outcome));
    }
}

/// Has the daemon answer with a model, and tells when it does.
pub(super) async fn switch(scorer: Arc<Scorer>, name: String) {
    let switched = match scorer.link.use_model(name).await {
        Ok(_) => scorer.learn_model().await,
        Err(error) => Err(error),
    };
    let news = News::Used(switched.map_err(|error| error.to_string()));
    scorer.tell(Action::Models(news));
}

impl Scorer {
    pub(super) fn new(link: Link, actions: mpsc::UnboundedSender<Action>) -> Self {
        Self {
            link,
            actions,
            told: Mutex::default(),
        }
    }

    fn tell(&self, action: Action) {
        // The screen has been left: nobody is there to be told.
        drop(self.actions.send(action));
    }

    /// Tells what has become of the daemon.
    fn tell_daemon(&self, daemon: Daemon) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        *told = match &daemon {
            Daemon::Ready { model, .. } => Some(model.clone()),
            Daemon::Connecting | Daemon::Unreachable => None,
        };
        self.tell(Action::Daemon(daemon));
    }

    /// The model that answers, as far as the screen knows.
    fn told(&self) -> Option<String> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.clone()
    }

    /// Asks which model answers, and tells it.
    async fn learn_model(&self) -> Result<(), ClientError> {
        let status = self.link.status().await?;
        self.tell_daemon(Daemon::Ready {
            model: status.model.id,
            embedded: status.embedded,
        });
        Ok(())
    }

    /// Connects, if that is still to be done, and learns which model answers.
    async fn meet(&self) -> Result<(), ClientError> {
        if self.told().is_some() && self.link.is_connected().await {
            return Ok(());
        }
        self.tell_daemon(Daemon::Connecting);
        let met = self.learn_model().await;
        if met.is_err() {
            self.tell_daemon(Daemon::Unreachable);
        }
        met
    }

    async fn compare(&self, a: String, b: String) -> Outcome {
        match self.ask(a, b).await {
            Ok(computed) => Outcome::Scored(computed.into()),
            Err(ClientError::Refused(error)) if error.code == ErrorCode::BlankText => {
                Outcome::Blank
            }
            Err(error) => {
                if !self.link.is_connected().await {
                    self.tell_daemon(Daemon::Unreachable);
                }
                Outcome::Failed(error.to_string())
            }
        }
    }

    async fn ask(&self, a: String, b: String) -> Result<Computed<PairScore>, ClientError> {
        self.meet().await?;
        let computed = self.link.similarity(a, b).await?;
        if self.told().as_ref() != Some(&computed.model.id) {
            // Somebody has had the daemon use another one.
            self.learn_model().await?;
        }
        Ok(computed)
    }
}
