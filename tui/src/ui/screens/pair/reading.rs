//! Words about the reading of a text, for the rule above it: its tokens, the cut, what the model
//! does not know, and the steps that have changed it.

use gte_shared::printable::printable;
use gte_shared::wire::{TextInfo, TextSteps};
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

use crate::app::{Side, State};
use crate::ui::theme::Theme;

/// Space between two parts.
const GAP: &str = "  ";

/// Most characters of an unknown word.
const WORD_CHARS: usize = 20;

/// Words about the reading of the text of one side, in at most `room` cells: those that fit, the
/// most important first.
pub(super) fn reading(state: &State, side: Side, theme: Theme, room: usize) -> Span<'static> {
    let Some(info) = state.pair.text_info(side) else {
        return Span::raw("");
    };
    let strings = state.language.strings();
    let TextInfo {
        tokens,
        total_tokens,
        unknown,
        ..
    } = info;
    let mut words = if info.is_truncated() {
        let (before, after) = (strings.cut_before, strings.cut_after);
        format!(" {before}{tokens}/{total_tokens}{after} ")
    } else {
        format!(" {tokens} {} ", strings.tokens)
    };
    if words.width() > room && info.is_truncated() {
        words = format!(" {} ", strings.cut_short);
    }
    let mut add = |part: String| {
        if words.width() + part.width() < room {
            words = format!("{}{GAP}{part} ", words.trim_end());
        }
    };
    if *unknown > 0 {
        add(format!("{unknown} {}", strings.unknown));
        let unknown_words = unknown_words(state, side, info);
        if !unknown_words.is_empty() {
            add(format!("({unknown_words})"));
        }
    }
    if let Some(cut_at) = info.cut_at {
        let (before, after) = (strings.cut_at_before, strings.cut_at_after);
        add(format!("{before}{cut_at}{after}"));
    }
    if info.changed_by != TextSteps::NONE {
        add(info.changed_by.to_string());
    }
    let style = if info.is_truncated() || *unknown > 0 {
        theme.warning()
    } else {
        theme.quiet()
    };
    Span::styled(words, style)
}

/// The first unknown words of a text, unless it has changed since it was read.
fn unknown_words(state: &State, side: Side, info: &TextInfo) -> String {
    if state.pair.is_computing() {
        return String::new();
    }
    let text = state.pair.editor(side).text();
    let word = |(from, to): &(u32, u32)| {
        let length = to.saturating_sub(*from) as usize;
        let word: String = text.chars().skip(*from as usize).take(length).collect();
        printable(&word, WORD_CHARS)
    };
    let words: Vec<String> = info.unknown_at.iter().map(word).collect();
    words.join(" ")
}
