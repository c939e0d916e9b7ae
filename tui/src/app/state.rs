//! State of the whole screen.

use gte_shared::wire::ModelInfo;

use super::key_hint::{KeyHint, Purpose};
use super::screens::explanation::ExplanationState;
use super::screens::help::HelpState;
use super::screens::models::ModelsState;
use super::screens::pair::PairState;
use crate::strings::Language;

/// Condition of the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Daemon {
    /// The daemon is being connected to or started.
    Connecting,
    /// The daemon answers with this model.
    Ready {
        /// Name of the model.
        model: String,
        /// True for the model that is compiled into the daemon.
        builtin: bool,
    },
    /// The daemon cannot be reached.
    Unreachable,
}

impl Daemon {
    /// Condition of a daemon that answers with `model`.
    #[must_use]
    pub fn ready(model: &ModelInfo) -> Self {
        Self::Ready {
            model: model.id.clone(),
            builtin: model.builtin,
        }
    }
}

/// Contents of the screen.
#[derive(Clone, Debug)]
pub struct State {
    /// Language of the texts.
    pub language: Language,
    /// Condition of the daemon.
    pub daemon: Daemon,
    /// Something about the daemon that the user should know, until the next key.
    pub notice: Option<String>,
    /// The two texts and their score.
    pub pair: PairState,
    /// The explanation, over the pair while it is open.
    pub explanation: ExplanationState,
    /// The list of models, over the pair while the list is open.
    pub models: ModelsState,
    /// The help, over everything else while the help is open.
    pub help: HelpState,
    /// True if the texts are kept for the next start.
    pub keeps_texts: bool,
    /// True after an Esc that would have left texts behind, until the next key.
    pub asks_to_leave: bool,
    /// True once the program must end.
    pub leaving: bool,
}

impl State {
    /// Creates an empty screen.
    #[must_use]
    pub fn new(language: Language) -> Self {
        Self {
            language,
            daemon: Daemon::Connecting,
            notice: None,
            pair: PairState::default(),
            explanation: ExplanationState::default(),
            models: ModelsState::default(),
            help: HelpState::default(),
            keeps_texts: false,
            asks_to_leave: false,
            leaving: false,
        }
    }

    /// Returns true if a panel covers the texts.
    #[must_use]
    pub fn is_covered(&self) -> bool {
        self.help.is_open() || self.models.open || self.explanation.is_open()
    }

    /// Name of the selected model of the list, if the pair can be compared with it besides the
    /// model that answers.
    pub(crate) fn second_candidate(&self) -> Option<&str> {
        let name = self.models.selected_available()?;
        let answers = matches!(&self.daemon, Daemon::Ready { model, .. } if model == name);
        (!answers).then_some(name)
    }

    /// Keys that work now, and their purposes, the most important first.
    #[must_use]
    pub fn key_hints(&self) -> Vec<KeyHint> {
        let mut hints = Vec::new();
        if self.help.is_open() {
            hints.extend(HelpState::KEY_HINTS);
        } else if self.models.open {
            hints.extend(self.models.key_hints());
            if self.second_candidate().is_some() {
                hints.push(KeyHint::new("Space", Purpose::Second));
            }
        } else if self.explanation.is_open() {
            hints.extend(ExplanationState::KEY_HINTS);
        } else {
            hints.extend(self.pair.key_hints());
            hints.push(KeyHint::new("Esc", Purpose::Leave));
            hints.push(KeyHint::new("F2", Purpose::Models));
            hints.push(KeyHint::new("F3", Purpose::Explain));
        }
        if self.is_covered() {
            // Esc closes a panel first.
            hints.push(KeyHint::new("Ctrl-C", Purpose::Leave));
        }
        hints
    }
}
