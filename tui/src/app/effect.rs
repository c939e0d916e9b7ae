//! Effects: work outside the state that a change of the state asks for.

/// Work outside the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Compare two texts once the user pauses. Replaces a waiting comparison.
    Compare {
        /// Revision of the texts, which the answer repeats.
        revision: u64,
        /// The upper text.
        a: String,
        /// The lower text.
        b: String,
        /// Second model to compare them with, besides the one that answers.
        second: Option<String>,
    },
    /// Cancel the waiting comparison.
    CancelCompare,
    /// Explain the score of two texts.
    Explain {
        /// Number of the explanation, which the answer repeats.
        number: u64,
        /// The upper text.
        a: String,
        /// The lower text.
        b: String,
    },
    /// Stop the explanation that waits.
    CancelExplain,
    /// List the models.
    ListModels,
    /// Pull a model.
    Pull {
        /// Number of the pull, which its events repeat.
        number: u64,
        /// Name of the model.
        name: String,
    },
    /// Stop the pull.
    CancelPull,
    /// Have the daemon use the model of this name.
    UseModel(String),
}
