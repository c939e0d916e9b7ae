//! Hints about keys. Each screen lists its own beside the code that handles the keys.

/// Key that works now, and its purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyHint {
    /// Name of the key.
    pub key: &'static str,
    /// Purpose of the key.
    pub purpose: Purpose,
}

/// Purpose of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Go to the other text.
    OtherText,
    /// Open the help.
    Help,
    /// Open the list of models.
    Models,
    /// Explain the score.
    Explain,
    /// Leave the program.
    Leave,
    /// Scroll what is open.
    Scroll,
    /// Close what is open.
    Close,
    /// Select a model.
    Select,
    /// Pull the selected model, then use it.
    Pull,
    /// Use the selected model.
    Use,
    /// Compare with the selected model as well.
    Second,
    /// Stop the pull.
    CancelPull,
}

impl KeyHint {
    /// Pairs a key with its purpose.
    pub(crate) const fn new(key: &'static str, purpose: Purpose) -> Self {
        Self { key, purpose }
    }
}
