//! Execution of effects: each in a task of its own, so that the screen never waits.

use std::sync::Arc;

use gte_shared::client::Client;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::comparer::{Comparer, Question};
use super::explainer::Explainer;
use super::gted;
use crate::app::{Action, Effect};
use crate::strings::Language;

/// Runner of effects.
pub(super) struct Effects {
    comparer: Arc<Comparer>,
    explainer: Arc<Explainer>,
    /// Waiting question.
    question_tx: watch::Sender<Option<Question>>,
    action_tx: mpsc::UnboundedSender<Action>,
    language: Language,
    /// Task of the last pull.
    pull: Option<JoinHandle<()>>,
}

impl Effects {
    /// Starts the comparer, which connects to the daemon. Explanations have a client of their own.
    pub(super) fn start(
        [comparing, explaining]: [Client; 2],
        language: Language,
        action_tx: mpsc::UnboundedSender<Action>,
    ) -> Self {
        let comparer = Arc::new(Comparer::new(comparing, language, action_tx.clone()));
        let explainer = Arc::new(Explainer::new(explaining, language, action_tx.clone()));
        let (question_tx, question_rx) = watch::channel(None);
        tokio::spawn(Arc::clone(&comparer).run(question_rx));
        Self {
            comparer,
            explainer,
            question_tx,
            action_tx,
            language,
            pull: None,
        }
    }

    /// Runs an effect.
    pub(super) fn run(&mut self, effect: Option<Effect>) {
        match effect {
            None => {}
            Some(Effect::Compare {
                revision,
                a,
                b,
                second,
            }) => {
                self.question_tx.send_replace(Some(Question {
                    revision,
                    a,
                    b,
                    second,
                    asked_at: Instant::now(),
                }));
            }
            Some(Effect::CancelCompare) => {
                self.question_tx.send_replace(None);
            }
            Some(Effect::Explain { number, a, b }) => {
                let explainer = Arc::clone(&self.explainer);
                drop(tokio::spawn(explainer.explain(number, a, b)));
            }
            Some(Effect::CancelExplain) => {
                drop(tokio::spawn(Arc::clone(&self.explainer).cancel()));
            }
            Some(Effect::ListModels) => {
                let list = gted::list(self.language, self.action_tx.clone());
                drop(tokio::spawn(list));
            }
            Some(Effect::Pull { number, name }) => {
                let pull = gted::pull(number, name, self.language, self.action_tx.clone());
                self.pull = Some(tokio::spawn(pull));
            }
            Some(Effect::CancelPull) => {
                if let Some(pull) = self.pull.take() {
                    pull.abort();
                }
            }
            Some(Effect::UseModel(name)) => {
                drop(tokio::spawn(Arc::clone(&self.comparer).use_model(name)));
            }
        }
    }
}
