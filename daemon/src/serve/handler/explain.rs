//! Handler of `Explain`: what each word of two texts has to do with their similarity.

use std::time::Instant;

use gte_shared::score;
use gte_shared::wire::{
    ClosestWord, Computed, ErrorReply, Explain, ExplainedWord, Explanation, MAX_EXPLAINED_WORDS,
    ScoreWithout,
};

use super::handle::Handle;
use super::reply::{Answered, answer, computed, score_pair};
use crate::engine::{EmbeddedText, Explained, ExplainedText};
use crate::serve::context::{Context, ReplyForm, Sizes};
use crate::serve::scales::Scoring;

/// Most bytes of a word in a reply besides those of the text: offsets, scores, names of fields.
const WORD_BYTES: usize = 256;

/// Most bytes of a character in JSON per byte of its text: a control character is `\u0001`.
const JSON_BYTES_PER_BYTE: usize = 6;

/// Most tokens per byte of text: a sign of 3 bytes becomes 18 characters in compatibility forms.
const TOKENS_PER_BYTE: usize = 6;

/// Vectors of f32 that a word takes: that of its text without it, and its state in f64.
const VECTORS_PER_WORD: usize = 3;

impl Handle for Explain {
    const NAME: &'static str = "explain";

    fn reply_bytes(&self, form: ReplyForm, _dimension: usize) -> Result<usize, ErrorReply> {
        let texts = self.a.len() + self.b.len();
        let text_bytes = match form {
            ReplyForm::Binary => texts,
            ReplyForm::Json | ReplyForm::Base64 => JSON_BYTES_PER_BYTE * texts,
        };
        Ok(text_bytes + 2 * MAX_EXPLAINED_WORDS * WORD_BYTES)
    }

    /// The vectors of both texts and of these without each word, and the hidden states of all
    /// tokens and of the words.
    fn most_vectors(&self, sizes: &Sizes, _message: usize) -> usize {
        let of_text = |text: &String| {
            let tokens = sizes.max_tokens.min(TOKENS_PER_BYTE * text.len());
            let words = tokens.min(MAX_EXPLAINED_WORDS);
            1 + VECTORS_PER_WORD * words + tokens
        };
        of_text(&self.a) + of_text(&self.b)
    }

    async fn handle(self, context: &Context) -> Result<Computed<Explanation>, ErrorReply> {
        let start = Instant::now();
        let sent = [self.a.clone(), self.b.clone()];
        let answered = answer(context, &self.options, async |engine, rules| {
            engine.explain(context.caller, sent, rules).await
        });
        let Answered {
            computed: explained,
            model,
            scoring,
        } = answered.await?;
        let Explained {
            texts: [a, b],
            tokenize,
            embed,
        } = explained;
        let infos = [&a.text.info, &b.text.info];
        context.service.metrics().count_texts(infos.into_iter());
        let explanation = Explanation {
            score: score_pair(&scoring, &a.text, &b.text),
            a: words(&self.a, &a, &b.text, &scoring),
            b: words(&self.b, &b, &a.text, &scoring),
        };
        Ok(computed(model, start, [tokenize, embed], explanation))
    }
}

/// The words of a text that was `sent`, which is compared with `other`.
fn words(
    sent: &str,
    text: &ExplainedText,
    other: &EmbeddedText,
    scoring: &Scoring,
) -> Vec<ExplainedWord> {
    // The words follow each other, so that a long text is gone through once.
    let (mut rest, mut at) = (sent.chars(), 0);
    let mut word = |from: u32, to: u32| -> String {
        let skipped = from.saturating_sub(at) as usize;
        let length = to.saturating_sub(from) as usize;
        at = to;
        rest.by_ref().skip(skipped).take(length).collect()
    };
    let explained = text.words.iter().map(|explained| {
        let (from, to) = explained.place;
        let without = explained.without.as_ref();
        ExplainedWord {
            word: word(from, to),
            from,
            to,
            without: without.map(|vector| {
                let cosine = score::cosine(vector, &other.vector);
                let similarity = scoring.score(cosine);
                ScoreWithout { cosine, similarity }
            }),
            closest: explained.closest.map(|(index, cosine)| ClosestWord {
                index: u32::try_from(index).unwrap_or(u32::MAX),
                cosine,
            }),
        }
    });
    explained.collect()
}
