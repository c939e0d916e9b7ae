//! Reading of a text: its tokens with their places, and which of them the model reads.

use std::ops::Range;
use std::sync::Arc;

use gte_shared::wire::{MAX_UNKNOWN_PLACES, TextInfo, Truncation};
use tokenizers::Encoding;

use super::config::SPECIAL_TOKENS;
use super::text_steps::Changed;
use super::windows::windows;
use super::words::{Segmenter, is_punctuation};
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
            info.cut_at = Some(self.sent_place(self.read.end - 1).1);
        } else if self.read.start > 0 {
            info.cut_at = Some(self.sent_place(self.read.start).0);
        }
        let is_unknown = |token: &usize| Some(ids[token + 1]) == unknown_id;
        let unknown: Vec<usize> = self.read.clone().filter(is_unknown).collect();
        info.unknown = count(unknown.len());
        let first = unknown.iter().take(MAX_UNKNOWN_PLACES);
        info.unknown_at = first.map(|token| self.sent_place(*token)).collect();
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

    /// Words of what is read in the first window. Tokens of one segment are one word, and so are
    /// those of one word of the tokenizer, such as スマホ, and those that one character has become.
    pub(super) fn words(&self, segmenter: &Segmenter) -> Vec<Word> {
        let Some(window) = self.windows.first().filter(|window| !window.is_empty()) else {
            return Vec::new();
        };
        let begin = self.sent_place(window.start).0;
        let end = self.sent_place(window.end - 1).1;
        // The text as it was sent: people write T恤 with a capital letter.
        let part = self.text.sent_part(begin, end);
        let mut ends = segmenter.ends(&part).into_iter().peekable();
        let mut words: Vec<(Word, Group)> = Vec::new();
        for token in window.clone() {
            let place = self.sent_place(token);
            let at = place.0.saturating_sub(begin) as usize;
            while ends.next_if(|end| *end <= at).is_some() {}
            let group = Group {
                segment: ends.peek().copied(),
                // [CLS] stands before the tokens.
                of_tokenizer: self.encoding.get_word_ids()[token + 1],
            };
            match words.last_mut() {
                Some((word, before)) if before.goes_on(&group) || place.0 < word.place.1 => {
                    word.place.1 = word.place.1.max(place.1);
                    word.tokens.end += 1;
                    *before = group;
                }
                _ => {
                    let first = token - window.start + 1;
                    let tokens = first..first + 1;
                    words.push((Word { place, tokens }, group));
                }
            }
        }
        let is_word = |word: &Word| {
            let part = self.text.sent_part(word.place.0, word.place.1);
            !part.chars().all(is_punctuation)
        };
        let words = words.into_iter().map(|(word, _)| word);
        words.filter(is_word).collect()
    }

    /// Offsets of a token in the text as it was sent, in characters.
    fn sent_place(&self, token: usize) -> (u32, u32) {
        self.text.sent_offsets(self.place(token))
    }
}

/// Neighbors of a token.
struct Group {
    /// End of its segment.
    segment: Option<usize>,
    /// Number of its word, as the tokenizer counts them.
    of_tokenizer: Option<u32>,
}

impl Group {
    /// Returns true if the next token is of the same word.
    fn goes_on(&self, next: &Self) -> bool {
        let same_segment = self.segment.is_some() && self.segment == next.segment;
        let same_word = self.of_tokenizer.is_some() && self.of_tokenizer == next.of_tokenizer;
        same_segment || same_word
    }
}

/// Number of tokens, as it is told.
pub(super) fn count(tokens: usize) -> u32 {
    u32::try_from(tokens).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use gte_shared::wire::TextRules;

    use super::super::source::Source;
    use super::super::tokenizer::Tokenizer;
    use crate::engine::Tokenize;

    /// Words of a text, as they were sent, read with these steps by the built-in model.
    fn words(steps: &str, text: &str) -> String {
        let tokenizer = Tokenizer::load(&Source::Builtin, 64).unwrap();
        let rules = TextRules {
            text_steps: steps.parse().unwrap(),
            ..TextRules::default()
        };
        let read = tokenizer.tokenize_words(text, rules).unwrap();
        let (mut next, mut at) = (1, 0);
        let words = read.words.iter().map(|word| {
            assert!(at <= word.place.0, "words overlap");
            at = word.place.1;
            assert!(next <= word.tokens.start && word.tokens.start < word.tokens.end);
            next = word.tokens.end;
            let (from, to) = (word.place.0 as usize, word.place.1 as usize);
            text.chars().skip(from).take(to - from).collect()
        });
        let words: Vec<String> = words.collect();
        assert!(next < read.tokens.windows[0].len());
        words.join(" ")
    }

    #[test]
    fn words_are_those_that_people_see() {
        for (text, expected) in [
            (
                "我的iPhone坏了，怎么申请退款？",
                "我 的 iPhone 坏 了 怎么 申请 退款",
            ),
            ("  reset my password! ", "reset my password"),
            ("甲方应当支付全部货款。", "甲方 应当 支付 全部 货款"),
            ("买一件T恤", "买 一件 T恤"),
            // Several tokens of one character, and of characters that the segmenter does not know.
            ("한국어翻译不准", "한국어 翻译 不准"),
            ("ＡＰＰ打不开", "ＡＰＰ 打不开"),
            ("スマホ壊れた", "スマホ 壊 れた"),
            // The step drops an accent of its own.
            ("naïve cafe\u{301}", "naïve cafe"),
            // One unknown token, and symbols.
            ("✅iPhone15降价了", "✅iPhone15 降价 了"),
            ("👍今天37℃", "👍 今天 37℃"),
            ("C++语言", "C++ 语言"),
            ("二〇〇八年，佐々木", "二 〇〇 八年 佐 々 木"),
            ("……！？", ""),
        ] {
            assert_eq!(words("lowercase", text), expected);
        }
        assert_eq!(words("nfkc", "㋀买½斤"), "㋀ 买 ½ 斤");
        assert_eq!(words("none", "我的MacBook"), "我 的 MacBook");
    }

    #[test]
    fn words_are_those_of_the_part_that_is_read() {
        let text = "甲方付款。".repeat(40);
        let read = words("none", &text);
        assert!(read.starts_with("甲方 付款 甲方"), "{read}");
        assert_eq!(read.split(' ').count(), 25, "{read}");
    }
}
