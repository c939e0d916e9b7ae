//! Texts in English.

use gte_shared::score::Verdict;

use super::words::Strings;

/// Text of a verdict.
pub(super) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::High => "very similar",
        Verdict::Medium => "somewhat similar",
        Verdict::Low => "quite different",
    }
}

pub(super) const EN: Strings = Strings {
    title: "semantic similarity",
    connecting: "connecting",
    ready: "ready",
    unreachable: "not connected",
    placeholder: "type a text here",
    tokens: "tokens",
    unknown: "unknown",
    uncalibrated: "not calibrated",
    provisional: "provisional",
    same_tokens_short: "same tokens",
    same_tokens: "the texts differ, but not in what the model reads",
    cut_before: "cut: ",
    cut_after: " tokens were read",
    cut_short: "cut",
    waiting: "type two texts to see how similar they are",
    computing: "computing",
    blank: "one of the texts has nothing to compare",
    failed: "failed",
    cosine: "cosine",
    milliseconds: "ms",
    hint_other: "other text",
    hint_help: "help",
    hint_leave: "leave",
    hint_scroll: "scroll",
    hint_close: "close",
    hint_models: "models",
    hint_select: "select",
    hint_pull: "fetch and use",
    hint_use: "use",
    hint_cancel: "cancel",
    models_title: "Models",
    models_note: "* in use. The network is used to fetch a model, and for nothing else.",
    builtin_note: "The embedded model answers; F2 fetches GTE itself",
    builtin: "embedded",
    installed: "installed",
    not_installed: "known",
    status_cells: 9,
    pulling: "fetching",
    waiting_pull: "another gted is fetching this model; waiting for it",
    unchecked: "the hub states no checksum, so only its size was checked",
    remaining: "left",
    seconds: "s",
    loading: "loading",
    help_title: "Help",
    help: &[
        "Type two texts and pause for a moment.",
        "",
        "score    as people rate it, from 0 to 100",
        "very similar      above 75",
        "somewhat similar  above 50, up to 75",
        "quite different   up to 50",
        "",
        "Tab      go to the other text",
        "Enter    begin a new line",
        "Ctrl-U   undo     Ctrl-R  redo",
        "Ctrl-W   delete the word before",
        "F1 or ?  help (? in an empty text only)",
        "F2       models: fetch one, use another",
        "Esc      leave (so does Ctrl-C)",
        "",
        "Texts stay on this machine, in no file.",
    ],
};
