//! Everything the screen shows.

use gte_shared::score::Label;
use gte_shared::wire::{Computed, PairScore, TextInfo};

use super::editor::Editor;
use super::models::Models;
use crate::strings::Language;

/// One of the two texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The upper.
    A,
    /// The lower.
    B,
}

impl Side {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// What is known of the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Daemon {
    /// Being connected to, or started.
    Connecting,
    /// Answering, with this model.
    Ready {
        /// Name of the model.
        model: String,
        /// Whether it is the one compiled into the daemon.
        embedded: bool,
    },
    /// Out of reach.
    Unreachable,
}

/// A score and what belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// Between 0 and 100.
    pub similarity: f64,
    /// Within [-1, 1].
    pub cosine: f32,
    /// The verdict.
    pub label: Label,
    /// What became of the texts, A and B.
    pub texts: [TextInfo; 2],
    /// The model that it comes from.
    pub model: String,
    /// Time inside the daemon, in microseconds.
    pub micros: u64,
}

impl From<Computed<PairScore>> for Scored {
    fn from(computed: Computed<PairScore>) -> Self {
        let score = computed.result;
        Self {
            similarity: score.similarity,
            cosine: score.cosine,
            label: score.label,
            texts: [score.a, score.b],
            model: computed.model.id,
            micros: computed.timings.total_micros,
        }
    }
}

/// What came of comparing the two texts.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// There are not two texts yet.
    Waiting,
    /// A score.
    Scored(Scored),
    /// A text has nothing to compare.
    Blank,
    /// An error, in words.
    Failed(String),
}

/// Everything the screen shows.
#[derive(Clone, Debug)]
pub struct State {
    /// Language of the words.
    pub language: Language,
    /// The upper text.
    pub a: Editor,
    /// The lower text.
    pub b: Editor,
    /// Where typing goes.
    pub focus: Side,
    /// Whether the explanation is open, and then its first line that is shown.
    pub help: Option<usize>,
    /// The models, and the pull that is under way.
    pub models: Models,
    /// What is known of the daemon.
    pub daemon: Daemon,
    /// What came of the last comparison that has been answered.
    pub outcome: Outcome,
    /// Number of the last change of the texts.
    pub change: u64,
    /// Number of the change that `outcome` belongs to.
    pub answered: u64,
    /// Whether the program is to end.
    pub leaving: bool,
}

impl State {
    /// An empty screen.
    #[must_use]
    pub fn new(language: Language) -> Self {
        Self {
            language,
            a: Editor::default(),
            b: Editor::default(),
            focus: Side::A,
            help: None,
            models: Models::default(),
            daemon: Daemon::Connecting,
            outcome: Outcome::Waiting,
            change: 0,
            answered: 0,
            leaving: false,
        }
    }

    /// Whether something is laid over the texts.
    #[must_use]
    pub fn covered(&self) -> bool {
        self.help.is_some() || self.models.open
    }

    /// The text on one side.
    #[must_use]
    pub fn editor(&self, side: Side) -> &Editor {
        match side {
            Side::A => &self.a,
            Side::B => &self.b,
        }
    }

    /// The text that typing goes to.
    pub fn focused(&mut self) -> &mut Editor {
        match self.focus {
            Side::A => &mut self.a,
            Side::B => &mut self.b,
        }
    }

    /// Whether an answer to the last change is still to come.
    #[must_use]
    pub fn computing(&self) -> bool {
        self.answered != self.change
    }

    /// What became of the text on one side, where the score shown tells.
    #[must_use]
    pub fn text_info(&self, side: Side) -> Option<TextInfo> {
        match &self.outcome {
            Outcome::Scored(scored) => Some(match side {
                Side::A => scored.texts[0],
                Side::B => scored.texts[1],
            }),
            _ => None,
        }
    }
}
