//! The daemon's side of the screen: answers the newest question.

use std::sync::Arc;

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

/// Answers questions until the screen is left. Questions that were replaced by a newer one before
/// their turn came are never asked.
pub(super) async fn run(
    link: Arc<Link>,
    mut questions: watch::Receiver<Option<Question>>,
    actions: mpsc::UnboundedSender<Action>,
) {
    let mut scorer = Scorer {
        link,
        actions,
        model: None,
    };
    // At once, so that the daemon is warm by the time two texts are typed. Whatever is wrong is
    // said in words when there is something to compare.
    drop(scorer.meet().await);
    while questions.changed().await.is_ok() {
        let question = questions.borrow_and_update().clone();
        let Some(Question { change, a, b }) = question else {
            continue;
        };
        let outcome = scorer.compare(a, b).await;
        tell(&scorer.actions, Action::Answered(change, outcome));
    }
}

/// Has the daemon answer with a model, and tells when it does.
pub(super) async fn switch(link: Arc<Link>, name: String, actions: mpsc::UnboundedSender<Action>) {
    let switched = match link.use_model(name).await {
        Ok(_) => learn_model(&link, &actions).await.map(drop),
        Err(error) => Err(error),
    };
    let news = News::Used(switched.map_err(|error| error.to_string()));
    tell(&actions, Action::Models(news));
}

fn tell(actions: &mpsc::UnboundedSender<Action>, action: Action) {
    // The screen has been left: nobody is there to be told.
    drop(actions.send(action));
}

/// Asks which model answers, tells it, and returns its name.
async fn learn_model(
    link: &Link,
    actions: &mpsc::UnboundedSender<Action>,
) -> Result<String, ClientError> {
    let status = link.status().await?;
    let model = status.model.id.clone();
    tell(
        actions,
        Action::Daemon(Daemon::Ready {
            model: status.model.id,
            embedded: status.embedded,
        }),
    );
    Ok(model)
}

struct Scorer {
    link: Arc<Link>,
    actions: mpsc::UnboundedSender<Action>,
    /// The model that answered last.
    model: Option<String>,
}

impl Scorer {
    /// Connects, if that is still to be done, and learns which model answers.
    async fn meet(&mut self) -> Result<(), ClientError> {
        if self.link.is_connected().await {
            return Ok(());
        }
        tell(&self.actions, Action::Daemon(Daemon::Connecting));
        match learn_model(&self.link, &self.actions).await {
            Ok(model) => {
                self.model = Some(model);
                Ok(())
            }
            Err(error) => {
                tell(&self.actions, Action::Daemon(Daemon::Unreachable));
                Err(error)
            }
        }
    }

    async fn compare(&mut self, a: String, b: String) -> Outcome {
        match self.ask(a, b).await {
            Ok(computed) => Outcome::Scored(computed.into()),
            Err(ClientError::Refused(error)) if error.code == ErrorCode::BlankText => {
                Outcome::Blank
            }
            Err(error) => {
                if !self.link.is_connected().await {
                    tell(&self.actions, Action::Daemon(Daemon::Unreachable));
                }
                Outcome::Failed(error.to_string())
            }
        }
    }

    async fn ask(&mut self, a: String, b: String) -> Result<Computed<PairScore>, ClientError> {
        self.meet().await?;
        let computed = self.link.similarity(a, b).await?;
        if self.model.as_ref() != Some(&computed.model.id) {
            // Somebody has had the daemon use another one.
            self.model = Some(learn_model(&self.link, &self.actions).await?);
        }
        Ok(computed)
    }
}
