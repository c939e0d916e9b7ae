//! Explanations: each is asked for once, over a connection that is closed to abandon it.

use std::sync::Arc;

use gte_shared::client::Client;
use gte_shared::wire::{Explain, TextOptions};
use tokio::sync::{Notify, mpsc};

use super::refusal::is_blank;
use crate::app::{Action, Explained};
use crate::strings::Language;

/// Client for explanations. They take longer than comparisons, which do not wait for them.
pub(super) struct Explainer {
    client: Client,
    language: Language,
    action_tx: mpsc::UnboundedSender<Action>,
    canceled: Notify,
}

impl Explainer {
    pub(super) fn new(
        client: Client,
        language: Language,
        action_tx: mpsc::UnboundedSender<Action>,
    ) -> Self {
        Self {
            client,
            language,
            action_tx,
            canceled: Notify::new(),
        }
    }

    /// Has the daemon explain a score, and reports the words, unless it is canceled meanwhile.
    pub(super) async fn explain(self: Arc<Self>, number: u64, a: String, b: String) {
        let options = TextOptions::default();
        let answered = tokio::select! {
            answered = self.client.call(Explain { a, b, options }) => answered,
            () = self.canceled.notified() => return,
        };
        let explained = match answered {
            Ok(computed) => Explained::Words(Box::new(computed)),
            Err(error) if is_blank(&error) => Explained::Blank,
            Err(error) => Explained::Failed(self.language.client_error(&error)),
        };
        // The send fails once the screen is left.
        drop(self.action_tx.send(Action::Explained(number, explained)));
    }

    /// Abandons the explanation that waits: the daemon drops the requests of a closed connection.
    pub(super) async fn cancel(self: Arc<Self>) {
        self.canceled.notify_waiters();
        self.client.disconnect().await;
    }
}
