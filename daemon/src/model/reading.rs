//! Reading of a text: its tokens with their places, and which of them the model reads.

use std::ops::Range;
use std::sync::Arc;

use gte_shared::wire::{MAX_UNKNOWN_PLACES, TextInfo, Truncation};
use tokenizers::Encoding;

use super::config::SPECIAL_TOKENS;
use super::text_steps::Changed;
use super::windows::windows;
use super::words::Segmenter;
use crate::engine::{Tokens, Word};

/// Characters that end a sentence. A full stop of ASCII is as often part of a number.
const SENTENCE_ENDS: [char; 8] = ['。', '！', '？', '；', '…', '!', '?', ';'];

/// Characters that belong to a sentence behind its end.
const CLOSING: [char; 8] = ['”', '’', '」', '』', '）', '》', ')', '"'];

/// A text with its tokens. Tokens are counted without `[CLS]` and `[SEP]`.
pub(super) struct Reading<'a> {
    text: Changed<'a>,
    encoding: Encoding,
    /// Tokens that the model reads.
    read: Range<usize>,
    /// Parts of these that it reads at a time.
    windows: Vec<Range<usize>>,
}

impl<'a> Reading<'a> {
    /// Reads a text whose `encoding` has offsets, where the model reads `capacity` tokens.
    pub(super) fn new(
        text: Changed<'a>,
        encoding: Encoding,
        capacity: usize,
        truncation: Truncation,
    ) -> Self {
        let own = encoding.len() - SPECIAL_TOKENS;
        let read = match truncation {
            Truncation::Head | Truncation::Error => 0..own.min(capacity),
            Truncation::Tail => own.saturating_sub(capacity)..own,
            Truncation::Chunk => 0..own,
        };
        let ends_with = |token: usize, signs: &[char]| {
            let of = encoding.get_offsets().get(token + 1);
            let of = of.filter(|_| token < own);
            let token = of.and_then(|(from, to)| text.text().get(*from..*to));
            token.is_some_and(|token| token.ends_with(signs))
        };
        let ends_sentence = |token: usize| {
            let ends = |token| ends_with(token, &SENTENCE_ENDS);
            let closes = |token| ends_with(token, &CLOSING);
            let is_last = !ends(token + 1) && !closes(token + 1);
            is_last && (ends(token) || closes(token) && token > 0 && ends(token - 1))
        };
        let windows = windows(read.clone(), capacity, ends_sentence);
        Self {
            text,
            encoding,
            read,
            windows,
        }
    }

    /// Place of a token in the text to be tokenized, in bytes.
    fn place(&self, token: usize) -> (usize, usize) {
        // [CLS] has a place before them.
        self.encoding.get_offsets()[token + 1]
    }

    /// Token ids of each window, and what became of the text.
    pub(super) fn tokens(&self, unknown_id: Option<u32>) -> Tokens {
        let ids = self.encoding.get_ids();
        let total = ids.len();
        let own = total - SPECIAL_TOKENS;
        let mut info = TextInfo {
            tokens: count(self.read.len() + SPECIAL_TOKENS),
            total_tokens: count(total),
            windows: count(self.windows.len()),
            changed_by: self.text.by,
            ..TextInfo::default()
        };
        if self.read.end < own {
            info.cut_at = Some(self.text.sent_offsets(self.place(self.read.end - 1)).1);
        } else if self.read.start > 0 {
            info.cut_at = Some(self.text.sent_offsets(self.place(self.read.start)).0);
        }
        let is_unknown = |token: &usize| Some(ids[token + 1]) == unknown_id;
        let unknown: Vec<usize> = self.read.clone().filter(is_unknown).collect();
        info.unknown = count(unknown.len());
        let first = unknown.iter().take(MAX_UNKNOWN_PLACES);
        info.unknown_at = first
            .map(|token| self.text.sent_offsets(self.place(*token)))
            .collect();
        let window = |own: &Range<usize>| -> Arc<[u32]> {
            let ids = [&ids[..1], &ids[own.start + 1..=own.end], &ids[total - 1..]];
            ids.concat().into()
        };
        Tokens {
            windows: self.windows.iter().map(window).collect(),
            info,
        }
    }

    /// Number of windows.
    pub(super) fn windows(&self) -> usize {
        self.windows.len()
    }

    /// Words of what is read in the first window. A token belongs to the word in which it begins.
    pub(super) fn words(&self, segmenter: &Segmenter) -> Vec<Word> {
        let Some(window) = self.windows.first().filter(|window| !window.is_empty()) else {
            return Vec::new();
        };
        let begin = self.place(window.start).0;
        let end = self.place(window.end - 1).1;
        let part = self.text.text().get(begin..end).unwrap_or_default();
        let mut tokens = window.clone().peekable();
        let mut words = Vec::new();
        for word in segmenter.words(part) {
            let word = begin + word.start..begin + word.end;
            let begins_before = |token: &usize, at: usize| self.place(*token).0 < at;
            while tokens
                .next_if(|token| begins_before(token, word.start))
                .is_some()
            {}
            let Some(first) = tokens.next_if(|token| begins_before(token, word.end)) else {
                continue;
            };
            let mut last = first;
            while let Some(token) = tokens.next_if(|token| begins_before(token, word.end)) {
                last = token;
            }
            let place = (self.place(first).0, self.place(last).1);
            words.push(Word {
                place: self.text.sent_offsets(place),
                // [CLS] stands before them.
                tokens: first - window.start + 1..last - window.start + 2,
            });
        }
        words
    }
}

/// Number of tokens, as it is told.
pub(super) fn count(tokens: usize) -> u32 {
    u32::try_from(tokens).unwrap_or(u32::MAX)
}
