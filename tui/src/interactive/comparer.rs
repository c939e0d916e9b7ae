//! Comparisons: the newest texts are sent to the daemon once the user pauses.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gte_shared::client::{Client, ClientError};
use gte_shared::wire::{Call, GetStatus, Similarity, TextOptions, UseModel};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout_at};

use super::refusal::{Retry, is_blank};
use crate::app::{Action, Daemon, ModelsError, ModelsEvent, Outcome};
use crate::strings::Language;

/// Pause after the last change before texts are compared: longer than the time between two keys of
/// a fast typist, and too short to be noticed.
const DEBOUNCE: Duration = Duration::from_millis(120);

/// Pause before a failed comparison is tried again, which doubles with each failure: a daemon that
/// is restarted is back within a second.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// Longest pause: few attempts at what lasts, and the user need not do anything.
const LAST_RETRY: Duration = Duration::from_secs(30);

/// Most attempts at a comparison that may be what ends the daemon, or whose daemon does not start.
const MAX_ATTEMPTS: u32 = 4;

/// Attempts at a comparison.
#[derive(Debug)]
struct Attempts {
    /// Those that may have ended the daemon.
    risky: u32,
    /// Pause before the next.
    pause: Duration,
}

impl Default for Attempts {
    fn default() -> Self {
        Self {
            risky: 0,
            pause: FIRST_RETRY,
        }
    }
}

impl Attempts {
    /// Pause before the next attempt; `None` if there is to be none.
    fn next(&mut self, retry: Retry) -> Option<Duration> {
        self.risky += u32::from(retry == Retry::AFewTimes);
        let goes_on = retry != Retry::Never && self.risky < MAX_ATTEMPTS;
        let pause = goes_on.then_some(self.pause);
        self.pause = (self.pause * 2).min(LAST_RETRY);
        pause
    }
}

/// Two texts to compare.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) revision: u64,
    pub(super) a: String,
    pub(super) b: String,
    /// Second model to compare them with.
    pub(super) second: Option<String>,
    /// Time of the last change, at which the pause begins.
    pub(super) asked_at: Instant,
}

/// Connection of the screen to the daemon. Reports the daemon's condition and keeps none.
pub(super) struct Comparer {
    client: Client,
    language: Language,
    action_tx: mpsc::UnboundedSender<Action>,
    /// True after the screen has closed the connection to abandon a comparison.
    abandoned: AtomicBool,
    /// True while the daemon loads another model, over the same connection.
    switching: AtomicBool,
}

impl Comparer {
    pub(super) fn new(
        client: Client,
        language: Language,
        action_tx: mpsc::UnboundedSender<Action>,
    ) -> Self {
        Self {
            client,
            language,
            action_tx,
            abandoned: AtomicBool::new(false),
            switching: AtomicBool::new(false),
        }
    }

    /// Answers questions until the screen is left.
    pub(super) async fn run(self: Arc<Self>, mut questions: watch::Receiver<Option<Question>>) {
        // Connects now, so that the daemon loads its model while the user types. An error is shown
        // with the first comparison, which tries again.
        drop(self.ensure_connected().await);
        while let Some(question) = next_question(&mut questions).await {
            let replaced = tokio::select! {
                () = self.compare_with_all(question) => continue,
                replaced = questions.changed() => replaced,
            };
            if replaced.is_err() {
                return;
            }
            // The daemon drops the request that nobody waits for any more.
            if !self.switching.load(Ordering::Relaxed) {
                let was_connected = self.client.is_connected().await;
                self.client.disconnect().await;
                self.abandoned.store(was_connected, Ordering::Relaxed);
            }
            questions.mark_changed();
        }
    }

    /// Asks the daemon to use a model, and reports the result.
    pub(super) async fn use_model(self: Arc<Self>, model: String) {
        self.switching.store(true, Ordering::Relaxed);
        let switched = self.ask(UseModel { model }).await;
        self.switching.store(false, Ordering::Relaxed);
        let used = match switched {
            Ok(model) => {
                self.send(Action::Daemon(Daemon::ready(&model)));
                Ok(())
            }
            Err(error) => Err(ModelsError(self.language.client_error(&error))),
        };
        self.send(Action::Models(ModelsEvent::Used(used)));
    }

    /// Connects if not connected, and reports the daemon's condition.
    async fn ensure_connected(&self) -> Result<(), ClientError> {
        // After a disconnection of its own, the next call connects, and the screen need not show
        // it.
        if self.client.is_connected().await || self.abandoned.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        self.send(Action::Daemon(Daemon::Connecting));
        let status = self.client.call(GetStatus).await;
        self.send(Action::Daemon(match &status {
            Ok(status) => Daemon::ready(&status.model),
            Err(_) => Daemon::Unreachable,
        }));
        status.map(drop)
    }

    /// Compares with the model that answers and with the second one, at the same time, and reports
    /// each outcome as it comes. What may pass is tried again.
    async fn compare_with_all(&self, question: Question) {
        let mut attempts = Attempts::default();
        while let Some(pause) = attempts.next(self.compare_once(&question).await) {
            sleep(pause).await;
        }
    }

    /// Compares once.
    async fn compare_once(&self, question: &Question) -> Retry {
        let revision = question.revision;
        let with_second = async {
            let Some(model) = question.second.clone() else {
                return Retry::Never;
            };
            let (outcome, retry) = self.compare(question, Some(model)).await;
            self.send(Action::SecondAnswered(revision, outcome));
            retry
        };
        let with_first = async {
            let (outcome, retry) = self.compare(question, None).await;
            self.send(Action::Answered(revision, outcome));
            retry
        };
        let (first, second) = tokio::join!(with_first, with_second);
        first.max(second)
    }

    /// Outcome of a comparison, and the attempts that it is worth if it is a failure.
    async fn compare(&self, question: &Question, model: Option<String>) -> (Outcome, Retry) {
        let options = TextOptions {
            model,
            ..TextOptions::default()
        };
        let (a, b) = (question.a.clone(), question.b.clone());
        match self.ask(Similarity { a, b, options }).await {
            Ok(computed) => (Outcome::Scored(computed.into()), Retry::Never),
            Err(error) if is_blank(&error) => (Outcome::Blank, Retry::Never),
            Err(error) => {
                if !self.client.is_connected().await {
                    self.send(Action::Daemon(Daemon::Unreachable));
                }
                let failed = Outcome::Failed(self.language.client_error(&error));
                (failed, Retry::of(&error))
            }
        }
    }

    async fn ask<C: Call>(&self, call: C) -> Result<C::Output, ClientError> {
        self.ensure_connected().await?;
        self.client.call(call).await
    }

    fn send(&self, action: Action) {
        // The send fails once the screen is left.
        drop(self.action_tx.send(action));
    }
}

/// Waits for a question that neither a newer one nor a cancellation replaces during the pause;
/// `None` once the screen is left.
async fn next_question(questions: &mut watch::Receiver<Option<Question>>) -> Option<Question> {
    questions.changed().await.ok()?;
    loop {
        let newest = questions.borrow_and_update().clone();
        let changed = match newest {
            None => questions.changed().await,
            Some(question) => {
                let deadline = question.asked_at + DEBOUNCE;
                match timeout_at(deadline, questions.changed()).await {
                    Ok(changed) => changed,
                    Err(_) => return Some(question),
                }
            }
        };
        changed.ok()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(revision: u64) -> Question {
        Question {
            revision,
            a: "甲".to_owned(),
            b: "乙".to_owned(),
            second: None,
            asked_at: Instant::now(),
        }
    }

    #[test]
    fn what_may_end_the_daemon_is_tried_a_few_times() {
        let mut attempts = Attempts::default();
        assert_eq!(attempts.next(Retry::Never), None);
        let mut attempts = Attempts::default();
        let pauses = |attempts: &mut Attempts, retry, count: usize| {
            let seconds = (0..count).map(|_| attempts.next(retry).map(|pause| pause.as_secs()));
            seconds.collect::<Vec<_>>()
        };
        let away = pauses(&mut attempts, Retry::UntilItSucceeds, 7);
        assert_eq!(away, [1, 2, 4, 8, 16, 30, 30].map(Some));
        // The daemon is away in between.
        for _ in 1..MAX_ATTEMPTS {
            assert_eq!(pauses(&mut attempts, Retry::AFewTimes, 1), [Some(30)]);
            assert_eq!(pauses(&mut attempts, Retry::UntilItSucceeds, 1), [Some(30)]);
        }
        assert_eq!(attempts.next(Retry::AFewTimes), None);
    }

    #[tokio::test]
    async fn a_question_is_asked_once_it_has_rested() {
        let (question_tx, mut questions) = watch::channel(None);
        let start = Instant::now();
        question_tx.send_replace(Some(question(1)));
        let asked = next_question(&mut questions).await.unwrap();
        assert_eq!(asked.revision, 1);
        assert!(start.elapsed() >= DEBOUNCE);
        let again = timeout_at(Instant::now() + DEBOUNCE, next_question(&mut questions)).await;
        assert!(again.is_err(), "it is asked once");
    }

    #[tokio::test]
    async fn a_newer_question_replaces_the_one_that_waits() {
        let (question_tx, mut questions) = watch::channel(None);
        question_tx.send_replace(Some(question(1)));
        let (asked, ()) = tokio::join!(next_question(&mut questions), async {
            question_tx.send_replace(Some(question(2)));
        });
        assert_eq!(asked.unwrap().revision, 2);
    }

    #[tokio::test]
    async fn a_canceled_question_is_never_asked() {
        let (question_tx, mut questions) = watch::channel(None);
        question_tx.send_replace(Some(question(1)));
        let deadline = Instant::now() + 2 * DEBOUNCE;
        let (asked, ()) =
            tokio::join!(timeout_at(deadline, next_question(&mut questions)), async {
                question_tx.send_replace(None);
            });
        assert!(asked.is_err());
    }

    #[tokio::test]
    async fn leaving_the_screen_ends_the_wait() {
        let (question_tx, mut questions) = watch::channel(Some(question(1)));
        drop(question_tx);
        assert!(next_question(&mut questions).await.is_none());
    }
}
