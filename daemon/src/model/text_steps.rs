//! Steps that change a text before it is tokenized, and the way back to the text as it was sent.

use gte_shared::wire::{TextStep, TextSteps};
use tokenizers::normalizer::Range;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::{NormalizedString, Normalizer};

/// Signs of typography and what BERT's Chinese vocabulary has for them.
const SIGNS: [(char, char); 16] = [
    ('“', '"'),
    ('”', '"'),
    ('„', '"'),
    ('‟', '"'),
    ('‘', '\''),
    ('’', '\''),
    ('‚', '\''),
    ('‛', '\''),
    ('´', '\''),
    ('`', '\''),
    ('‐', '-'),
    ('‑', '-'),
    ('‒', '-'),
    ('–', '-'),
    ('—', '-'),
    ('―', '-'),
];

/// Ellipsis, half of a Chinese one.
const ELLIPSIS: char = '…';

/// A text after its steps.
pub(super) struct Changed<'a> {
    sent: &'a str,
    /// The text with its alignment, if a step has changed it.
    changed: Option<NormalizedString>,
    /// Steps that have changed it.
    pub(super) by: TextSteps,
}

impl<'a> Changed<'a> {
    /// Applies steps to a text.
    ///
    /// # Errors
    ///
    /// If the library fails.
    pub(super) fn new(steps: TextSteps, sent: &'a str) -> tokenizers::Result<Self> {
        let mut text = Self {
            sent,
            changed: None,
            by: TextSteps::NONE,
        };
        for step in steps.iter() {
            // The alignment takes many times as long as looking.
            if !text.text().chars().any(|c| may_change(step, c)) {
                continue;
            }
            let before = text.changed.unwrap_or_else(|| sent.into());
            let mut after = before.clone();
            apply(step, &mut after)?;
            if after.get() != before.get() {
                text.by = text.by.with(step);
            }
            text.changed = Some(after);
        }
        Ok(text)
    }

    /// The text to be tokenized.
    pub(super) fn text(&self) -> &str {
        self.changed.as_ref().map_or(self.sent, |text| text.get())
    }

    /// Part of the text as it was sent, between two offsets in characters.
    pub(super) fn sent_part(&self, from: u32, to: u32) -> String {
        let length = to.saturating_sub(from) as usize;
        self.sent.chars().skip(from as usize).take(length).collect()
    }

    /// Offsets in the text as it was sent, in bytes, of a part of the text to be tokenized.
    pub(super) fn sent_bytes(&self, bytes: (usize, usize)) -> (usize, usize) {
        let range = bytes.0..bytes.1;
        let sent = match &self.changed {
            None => Some(range),
            Some(changed) => changed.convert_offsets(Range::Normalized(range)),
        };
        sent.map_or((0, 0), |sent| (sent.start, sent.end))
    }

    /// Offsets in the text as it was sent, in characters, of a part of the text to be tokenized.
    pub(super) fn sent_offsets(&self, bytes: (usize, usize)) -> (u32, u32) {
        let (from, to) = self.sent_bytes(bytes);
        let characters = |bytes: usize| {
            let before = self.sent.get(..bytes).unwrap_or(self.sent);
            u32::try_from(before.chars().count()).unwrap_or(u32::MAX)
        };
        (characters(from), characters(to))
    }
}

/// Returns true if a step may change a character: most Chinese texts have none that it does.
fn may_change(step: TextStep, c: char) -> bool {
    let is_ideograph = matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}');
    let is_chinese_sign = matches!(
        c,
        '、'..='】' | '！' | '，' | '：' | '；' | '？' | '（' | '）'
    );
    match step {
        TextStep::Nfkc => !c.is_ascii() && !is_ideograph,
        TextStep::Punctuation => c == ELLIPSIS || SIGNS.iter().any(|(sign, _)| *sign == c),
        TextStep::Lowercase => {
            c.is_ascii_uppercase() || !c.is_ascii() && !is_ideograph && !is_chinese_sign
        }
    }
}

fn apply(step: TextStep, text: &mut NormalizedString) -> tokenizers::Result<()> {
    match step {
        TextStep::Nfkc => {
            text.nfkc();
        }
        TextStep::Punctuation => {
            let plain = |c| SIGNS.iter().find(|(sign, _)| *sign == c);
            text.map(|c| plain(c).map_or(c, |(_, plain)| *plain));
            text.replace(ELLIPSIS, "...")?;
        }
        // The part of BERT's own normalization that a model without lower-casing leaves out.
        TextStep::Lowercase => BertNormalizer::new(false, false, None, true).normalize(text)?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> TextSteps {
        "nfkc,punctuation,lowercase".parse().unwrap()
    }

    fn changed(steps: &str, text: &str) -> (String, String) {
        let changed = Changed::new(steps.parse().unwrap(), text).unwrap();
        (changed.text().to_owned(), changed.by.to_string())
    }

    #[test]
    fn each_step_changes_what_it_is_for() {
        for (steps, text, after, by) in [
            ("lowercase", "我的iPhone坏了", "我的iphone坏了", "lowercase"),
            ("lowercase", "Café ÀÉ", "cafe ae", "lowercase"),
            ("lowercase", "退款“流程”，…", "退款“流程”，…", "none"),
            ("nfkc", "ＡＢＣ１２３", "ABC123", "nfkc"),
            (
                "punctuation",
                "“甲”——‘乙’……",
                "\"甲\"--'乙'......",
                "punctuation",
            ),
            ("none", "ＡＢ“C”", "ＡＢ“C”", "none"),
        ] {
            let expected = (after.to_owned(), by.to_owned());
            assert_eq!(changed(steps, text), expected, "{steps} {text}");
        }
        let all = "nfkc,punctuation,lowercase";
        assert_eq!(changed(all, "“Ａ—”").0, "\"a-\"");
        assert_eq!(changed(all, "“Ａ—”").1, all);
    }

    #[test]
    fn offsets_are_those_of_the_text_as_it_was_sent() {
        // Characters 0 to 8: a ligature of two letters, an ellipsis, an accent of its own.
        let text = "甲ﬁ…É乙e\u{301}丙Ｚ";
        let changed = Changed::new(all(), text).unwrap();
        assert_eq!(changed.text(), "甲fi...e乙e丙z");
        let at = |part: &str| {
            let from = changed.text().find(part).unwrap();
            changed.sent_offsets((from, from + part.len()))
        };
        assert_eq!(at("甲"), (0, 1));
        assert_eq!(at("fi"), (1, 2));
        assert_eq!(at("..."), (2, 3));
        assert_eq!(at("e乙"), (3, 5));
        assert_eq!(at("丙z"), (7, 9));
        let same = Changed::new(TextSteps::NONE, text).unwrap();
        assert_eq!(same.sent_offsets((0, text.len())), (0, 9));
    }
}
