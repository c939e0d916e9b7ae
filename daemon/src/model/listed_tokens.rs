//! All tokens of a text, with their parts of it.

use tokenizers::Encoding;

use super::reading::count;
use super::text_steps::Changed;
use crate::engine::ListedToken;

/// Lists the tokens of a text that was `sent` and `changed` by its steps.
pub(super) fn listed_tokens(
    sent: &str,
    changed: &Changed<'_>,
    encoding: &Encoding,
) -> Vec<ListedToken> {
    let mut characters = Characters::new(sent);
    let ids = encoding.get_ids().iter();
    let places = encoding.get_offsets().iter();
    let special = encoding.get_special_tokens_mask().iter();
    let names = encoding.get_tokens().iter();
    let tokens = ids.zip(places).zip(special).zip(names);
    let listed = tokens.map(|(((id, place), special), name)| {
        if *special == 1 {
            return ListedToken {
                id: *id,
                text: name.clone(),
                place: None,
            };
        }
        let (from, to) = changed.sent_bytes(*place);
        ListedToken {
            id: *id,
            text: sent.get(from..to).unwrap_or_default().to_owned(),
            place: Some((characters.before(from), characters.before(to))),
        }
    });
    listed.collect()
}

/// Number of characters before a place of a text. Places that follow each other take one pass.
struct Characters<'a> {
    text: &'a str,
    /// A place, and the number of characters before it.
    at: (usize, usize),
}

impl<'a> Characters<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: (0, 0) }
    }

    fn before(&mut self, bytes: usize) -> u32 {
        let (at, characters) = self.at;
        let number = if bytes >= at {
            characters + self.count(at, bytes)
        } else {
            characters - self.count(bytes, at)
        };
        self.at = (bytes, number);
        count(number)
    }

    fn count(&self, from: usize, to: usize) -> usize {
        self.text
            .get(from..to)
            .map_or(0, |part| part.chars().count())
    }
}

#[cfg(test)]
mod tests {
    use gte_shared::wire::TextRules;

    use super::super::source::Source;
    use super::super::tokenizer::Tokenizer;
    use crate::engine::Tokenize;

    /// Tokens of a text with these steps: the text of each and its offsets.
    fn tokens(steps: &str, text: &str) -> Vec<(String, Option<(u32, u32)>)> {
        let tokenizer = Tokenizer::load(&Source::Builtin, 8).unwrap();
        let rules = TextRules {
            text_steps: steps.parse().unwrap(),
            ..TextRules::default()
        };
        let tokens = tokenizer.list_tokens(text, rules).unwrap();
        tokens
            .into_iter()
            .map(|token| (token.text, token.place))
            .collect()
    }

    #[test]
    fn tokens_are_parts_of_the_text_as_it_was_sent() {
        for (steps, text) in [
            ("none", "我的iPhone坏了，退款。"),
            ("lowercase", "我的iPhone坏了 unbelievable"),
            ("nfkc,lowercase", "ＡＰＰ打不开㋀É"),
            ("none", "😀 好"),
        ] {
            let sent: Vec<char> = text.chars().collect();
            let tokens = tokens(steps, text);
            assert_eq!(tokens[0], ("[CLS]".to_owned(), None));
            assert_eq!(tokens[tokens.len() - 1], ("[SEP]".to_owned(), None));
            for (token, place) in &tokens[1..tokens.len() - 1] {
                let (from, to) = place.unwrap();
                let part: String = sent[from as usize..to as usize].iter().collect();
                assert_eq!(*token, part, "{text}");
            }
        }
        assert_eq!(tokens("none", "").len(), 2);
        assert_eq!(tokens("none", &"好".repeat(100)).len(), 102, "not cut");
    }
}
