//! Names of the texts, and their use on the screen.

/// Texts of one language.
#[derive(Debug)]
pub struct Strings {
    /// Description of the program, beside its name.
    pub title: &'static str,
    /// Condition: the daemon is being connected to or started.
    pub connecting: &'static str,
    /// Condition: the daemon answers.
    pub ready: &'static str,
    /// Condition: the daemon cannot be reached.
    pub unreachable: &'static str,
    /// Text of an empty editor.
    pub placeholder: &'static str,
    /// Unit of a text's length.
    pub tokens: &'static str,
    /// Word behind the number of unknown tokens.
    pub unknown: &'static str,
    /// Note beside a score: its model has no calibration.
    pub uncalibrated: &'static str,
    /// Note beside a score: the calibration of its model is from published figures alone.
    pub provisional: &'static str,
    /// Warning: two different texts have become the same tokens.
    pub same_tokens: &'static str,
    /// Short form for narrow terminals.
    pub same_tokens_short: &'static str,
    /// Text before the numbers of tokens, read and all, of a cut text.
    pub cut_before: &'static str,
    /// Text after them.
    pub cut_after: &'static str,
    /// Text before the offset of the cut, in characters.
    pub cut_at_before: &'static str,
    /// Text after it.
    pub cut_at_after: &'static str,
    /// Short form for narrow terminals, without a number.
    pub cut_short: &'static str,
    /// Text in place of a score, until both texts are typed.
    pub waiting: &'static str,
    /// Text beside a score that belongs to the texts before the last change.
    pub computing: &'static str,
    /// Text in place of a score: one of the texts has nothing to compare.
    pub blank: &'static str,
    /// Word before an error.
    pub failed: &'static str,
    /// Name of the cosine.
    pub cosine: &'static str,
    /// Unit of the time.
    pub milliseconds: &'static str,
    /// Key hint: go to the other text.
    pub hint_other: &'static str,
    /// Key hint: open the help.
    pub hint_help: &'static str,
    /// Key hint: leave.
    pub hint_leave: &'static str,
    /// Question before texts are left behind.
    pub leave_question: &'static str,
    /// Error: the program is nowhere.
    pub gted_missing: &'static str,
    /// Words before an error of the system: the program cannot be run.
    pub gted_unusable: &'static str,
    /// Words before a detail: its output is not what was expected.
    pub gted_unexpected: &'static str,
    /// Words before the exit status: it has ended without a message.
    pub gted_silent: &'static str,
    /// Key hint: scroll the help.
    pub hint_scroll: &'static str,
    /// Key hint: close what is open.
    pub hint_close: &'static str,
    /// Key hint: open the list of models.
    pub hint_models: &'static str,
    /// Key hint: explain the score.
    pub hint_explain: &'static str,
    /// Key hint: compare with the selected model as well.
    pub hint_second: &'static str,
    /// Key hint: select a model.
    pub hint_select: &'static str,
    /// Key hint: pull the selected model and use it.
    pub hint_pull: &'static str,
    /// Key hint: use the selected model.
    pub hint_use: &'static str,
    /// Key hint: stop the pull.
    pub hint_cancel: &'static str,
    /// Title of the list of models.
    pub models_title: &'static str,
    /// Note below the list of models.
    pub models_note: &'static str,
    /// Note in place of a score while the built-in model answers: a better one can be pulled.
    pub builtin_note: &'static str,
    /// Status of a model: compiled into the program.
    pub builtin: &'static str,
    /// Status of a model: installed.
    pub installed: &'static str,
    /// Status of a model: to be pulled first.
    pub not_installed: &'static str,
    /// Width of the widest status, in cells.
    pub status_cells: usize,
    /// Word before a model that is being pulled.
    pub pulling: &'static str,
    /// Warning: another process pulls the same model.
    pub waiting_pull: &'static str,
    /// Warning about a file: the hub states no checksum for it.
    pub unchecked: &'static str,
    /// Word before the remaining time.
    pub remaining: &'static str,
    /// Unit of the remaining time.
    pub seconds: &'static str,
    /// Word before a model that the daemon loads.
    pub loading: &'static str,
    /// Title of the explanation.
    pub explanation_title: &'static str,
    /// Lines below the words of an explanation.
    pub explanation_notes: &'static [&'static str],
    /// Title of the help.
    pub help_title: &'static str,
    /// Lines of the help.
    pub help: &'static [&'static str],
}
