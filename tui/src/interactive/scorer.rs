//! The daemon's side of the screen: answers the newest question.

use gte_shared::client::{ClientError, Link};
use gte_shared::wire::ErrorCode;
use tokio::sync::{mpsc, watch};

use crate::app::{Action, Daemon, Outcome};

/// Two texts to compare.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) change: u64,
    pub(super) a: String,
    pub(super) b: String,
}

/// Answers questions until the screen is left. Questions that were replaced by a newer one before
/// their turn came are never asked.
pub(super) async fn run(
    link: Link,
    mut questions: watch::Receiver<Option<Question>>,
    actions: mpsc::UnboundedSender<Action>,
) {
    let scorer = Scorer { link, actions };
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

struct Scorer {
    link: Link,
    actions: mpsc::UnboundedSender<Action>,
}

impl Scorer {
    fn tell(&self, action: Action) {
        // The screen has been left: nobody is there to be told.
        drop(self.actions.send(action));
    }

    /// Connects, if that is still to be done, and learns which model answers.
    async fn meet(&self) -> Result<(), ClientError> {
        if self.link.is_connected().await {
            return Ok(());
        }
        self.tell(Action::Daemon(Daemon::Connecting));
        match self.link.status().await {
            Ok(status) => {
                let model = status.model.id;
                self.tell(Action::Daemon(Daemon::Ready { model }));
                Ok(())
            }
            Err(error) => {
                self.tell(Action::Daemon(Daemon::Unreachable));
                Err(error)
            }
        }
    }

    async fn compare(&self, a: String, b: String) -> Outcome {
        let computed = match self.meet().await {
            Ok(()) => self.link.similarity(a, b).await,
            Err(error) => Err(error),
        };
        match computed {
            Ok(computed) => Outcome::Scored(computed.into()),
            Err(ClientError::Refused(error)) if error.code == ErrorCode::BlankText => {
                Outcome::Blank
            }
            Err(error) => {
                if !self.link.is_connected().await {
                    self.tell(Action::Daemon(Daemon::Unreachable));
                }
                Outcome::Failed(error.to_string())
            }
        }
    }
}
