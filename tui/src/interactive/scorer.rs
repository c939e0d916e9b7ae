//! The daemon's side of the screen: keeps a connection, and answers the newest question.

use gte_shared::client::{Client, ClientError, connect, connect_or_start};
use gte_shared::endpoint::Endpoint;
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
    endpoint: Endpoint,
    start: bool,
    mut questions: watch::Receiver<Option<Question>>,
    actions: mpsc::UnboundedSender<Action>,
) {
    let mut line = Line {
        endpoint,
        start,
        client: None,
        actions,
    };
    // At once, so that the daemon is warm by the time two texts are typed. Whatever is wrong is
    // said in words when there is something to compare.
    drop(line.client().await);
    while questions.changed().await.is_ok() {
        let question = questions.borrow_and_update().clone();
        let Some(Question { change, a, b }) = question else {
            continue;
        };
        let outcome = line.compare(a, b).await;
        line.tell(Action::Answered(change, outcome));
    }
}

/// The connection, made when it is needed.
struct Line {
    endpoint: Endpoint,
    start: bool,
    client: Option<Client>,
    actions: mpsc::UnboundedSender<Action>,
}

impl Line {
    fn tell(&self, action: Action) {
        // The screen has been left: nobody is there to be told.
        drop(self.actions.send(action));
    }

    async fn client(&mut self) -> Result<&Client, ClientError> {
        let client = match self.client.take() {
            Some(client) => client,
            None => match self.connect().await {
                Ok(client) => client,
                Err(error) => {
                    self.tell(Action::Daemon(Daemon::Unreachable));
                    return Err(error);
                }
            },
        };
        Ok(self.client.insert(client))
    }

    async fn connect(&self) -> Result<Client, ClientError> {
        self.tell(Action::Daemon(Daemon::Connecting));
        let client = if self.start {
            connect_or_start(&self.endpoint).await?
        } else {
            connect(&self.endpoint).await?
        };
        let model = client.status().await?.model.id;
        self.tell(Action::Daemon(Daemon::Ready { model }));
        Ok(client)
    }

    async fn compare(&mut self, a: String, b: String) -> Outcome {
        let mut answer = self.ask(a.clone(), b.clone()).await;
        if let Err(ClientError::Closed) = answer {
            // The daemon has gone since the last question: once more with a new one.
            self.client = None;
            answer = self.ask(a, b).await;
        }
        match answer {
            Ok(outcome) => outcome,
            Err(ClientError::Refused(error)) if error.code == ErrorCode::BlankText => {
                Outcome::Blank
            }
            Err(error) => {
                if !matches!(error, ClientError::Refused(_)) {
                    self.client = None;
                    self.tell(Action::Daemon(Daemon::Unreachable));
                }
                Outcome::Failed(error.to_string())
            }
        }
    }

    async fn ask(&mut self, a: String, b: String) -> Result<Outcome, ClientError> {
        let computed = self.client().await?.similarity(a, b).await?;
        Ok(Outcome::Scored(computed.into()))
    }
}
