//! Explanation of a pair: each text again and again, each time without one of its words, and the
//! hidden states of its tokens.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gte_shared::wire::{MAX_EXPLAINED_WORDS, TextRules};

use super::alignment::{WordsOf, closest};
use super::backend::{EmbedError, TokenizedWords, Tokens, Word};
use super::embedded::{EmbeddedText, hash};
use super::error::EngineError;
use super::job::{CallerId, Task};
use super::queue::Engine;

/// Tokens of a text that hold none of its own: `[CLS]` and `[SEP]`.
const SPECIAL_TOKENS: usize = 2;

/// A pair whose words have been left out, one at a time.
#[derive(Clone, Debug)]
pub struct Explained {
    /// Both texts.
    pub texts: [ExplainedText; 2],
    /// Time from text to token ids.
    pub tokenize: Duration,
    /// Time from the queue to the last vector.
    pub embed: Duration,
}

/// A text of an explained pair.
#[derive(Clone, Debug)]
pub struct ExplainedText {
    /// Text with its vector.
    pub text: EmbeddedText,
    /// Words, at most [`MAX_EXPLAINED_WORDS`].
    pub words: Vec<ExplainedWord>,
}

/// A word of an explained pair, or several neighboring ones of a long text.
#[derive(Clone, Debug)]
pub struct ExplainedWord {
    /// Offsets in the text as it was sent, in characters.
    pub place: (u32, u32),
    /// Vector of the text without the word; `None` if nothing would be left of it.
    pub without: Option<Arc<[f32]>>,
    /// Index of the most similar word of the other text, and the cosine of the two.
    pub closest: Option<(usize, f32)>,
}

impl Engine {
    /// Explains a pair: computes its vectors, those of each text without the tokens of each of its
    /// words, and which words of the two texts are most similar. The vectors are one job, so that
    /// they come to the model in as few batches as a list of as many texts. They are remembered
    /// like others: if one of the texts changes, the words of the other are not computed again.
    ///
    /// # Errors
    ///
    /// As those of [`embed`](Engine::embed), and if a text is read in several windows.
    pub async fn explain(
        &self,
        caller: CallerId,
        texts: [String; 2],
        rules: TextRules,
    ) -> Result<Explained, EngineError> {
        let start = Instant::now();
        self.check_lengths(&texts)?;
        let hashes = texts.each_ref().map(hash);
        let tokenized = self.tokenizer.tokenize_words(texts.into(), rules).await?;
        let tokenize = start.elapsed();

        let start = Instant::now();
        let [a, b] = <[TokenizedWords; 2]>::try_from(tokenized).map_err(|_| incomplete())?;
        let parts = [a, b].map(Parts::of);
        let all: Vec<_> = parts.iter().flat_map(Parts::texts).collect();
        let _pending = self.pending.count(all.len());
        let whole = parts.iter().map(|parts| Arc::clone(&parts.ids));
        let tasks = whole.map(Task::HiddenStates);
        let (vectors, states) = tokio::try_join!(
            self.vectors(caller, &all),
            self.compute(caller, tasks.collect())
        )?;
        let [a_states, b_states] = <[Arc<[f32]>; 2]>::try_from(states).map_err(|_| incomplete())?;
        let words = parts.each_ref().map(Parts::tokens_of_words);
        let width = a_states.len() / parts[0].ids.len().max(1);
        // Some millions of operations for two long texts: too many for a thread of connections.
        let aligned = tokio::task::spawn_blocking(move || {
            let of = |hidden, words| WordsOf {
                hidden,
                width,
                words,
            };
            closest([of(&a_states, &words[0]), of(&b_states, &words[1])])
        });
        let panicked = |_| EmbedError("the alignment of words panicked".to_owned());
        let closest = aligned.await.map_err(panicked)?;

        let mut vectors = vectors.into_iter();
        let mut texts = parts.into_iter().zip(hashes).zip(closest);
        let mut next = || {
            let ((parts, hash), closest) = texts.next().ok_or_else(incomplete)?;
            Ok::<_, EngineError>(parts.explained(hash, vectors.by_ref(), closest))
        };
        let texts = [next()?, next()?];
        Ok(Explained {
            texts,
            tokenize,
            embed: start.elapsed(),
        })
    }
}

/// The parts of a text that are left out, one at a time.
struct Parts {
    tokens: Tokens,
    /// Ids of the text.
    ids: Arc<[u32]>,
    parts: Vec<Part>,
}

/// A word, or neighboring ones together.
struct Part {
    word: Word,
    /// Ids of the text without it; `None` if nothing would be left.
    without: Option<Arc<[u32]>>,
}

impl Parts {
    fn of(tokenized: TokenizedWords) -> Self {
        let TokenizedWords { tokens, words } = tokenized;
        let ids: Arc<[u32]> = tokens.windows.concat().into();
        let words_per_part = words.len().div_ceil(MAX_EXPLAINED_WORDS).max(1);
        let part = |words: &[Word]| {
            let (first, last) = (words.first()?, words.last()?);
            let word = Word {
                place: (first.place.0, last.place.1),
                tokens: first.tokens.start..last.tokens.end,
            };
            let before = ids.get(..word.tokens.start)?;
            let after = ids.get(word.tokens.end..)?;
            let left = before.len() + after.len();
            let without = (left > SPECIAL_TOKENS).then(|| [before, after].concat().into());
            Some(Part { word, without })
        };
        Self {
            parts: words.chunks(words_per_part).filter_map(part).collect(),
            ids,
            tokens,
        }
    }

    fn tokens_of_words(&self) -> Vec<Range<usize>> {
        let words = self.parts.iter().map(|part| &part.word);
        words.map(|word| word.tokens.clone()).collect()
    }

    /// Ids of the text, and of the text without each of its parts that others stand beside.
    fn texts(&self) -> impl Iterator<Item = Arc<[u32]>> {
        let without = self.parts.iter().filter_map(|part| part.without.as_ref());
        std::iter::once(&self.ids).chain(without).map(Arc::clone)
    }

    /// The text with its vectors, in the order of [`texts`](Self::texts).
    fn explained(
        self,
        hash: u64,
        mut vectors: impl Iterator<Item = Arc<[f32]>>,
        closest: Vec<Option<(usize, f32)>>,
    ) -> ExplainedText {
        let text = EmbeddedText::new(self.tokens, hash, vectors.by_ref());
        let words = self.parts.into_iter().zip(closest);
        let words = words.map(|(part, closest)| ExplainedWord {
            place: part.word.place,
            without: part.without.and_then(|_| vectors.next()),
            closest,
        });
        ExplainedText {
            text,
            words: words.collect(),
        }
    }
}

fn incomplete() -> EngineError {
    EmbedError("the model left out a text".to_owned()).into()
}

#[cfg(test)]
mod tests {
    use gte_shared::wire::TextInfo;

    use super::*;

    /// A text of as many words of one token.
    fn tokenized(words: usize) -> TokenizedWords {
        let word = |index: usize| Word {
            place: (
                u32::try_from(index).unwrap(),
                u32::try_from(index).unwrap() + 1,
            ),
            tokens: index + 1..index + 2,
        };
        let ids = 0..u32::try_from(words + SPECIAL_TOKENS).unwrap();
        TokenizedWords {
            tokens: Tokens {
                windows: vec![ids.collect()],
                info: TextInfo::default(),
            },
            words: (0..words).map(word).collect(),
        }
    }

    #[test]
    fn each_word_is_left_out_once() {
        let texts: Vec<_> = Parts::of(tokenized(3)).texts().collect();
        let expected: [&[u32]; 4] = [
            &[0, 1, 2, 3, 4],
            &[0, 2, 3, 4],
            &[0, 1, 3, 4],
            &[0, 1, 2, 4],
        ];
        assert_eq!(texts.iter().map(|ids| &**ids).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_only_word_stays() {
        let parts = Parts::of(tokenized(1));
        assert_eq!((parts.parts.len(), parts.texts().count()), (1, 1));
        assert_eq!(Parts::of(tokenized(0)).texts().count(), 1);
    }

    #[test]
    fn words_of_a_long_text_are_left_out_together() {
        for words in [64, 65, 128, 129, 510] {
            let parts = Parts::of(tokenized(words));
            assert!(parts.parts.len() <= MAX_EXPLAINED_WORDS);
            let tokens: usize = parts.tokens_of_words().iter().map(Range::len).sum();
            assert_eq!(tokens, words);
        }
        let parts = Parts::of(tokenized(65));
        assert_eq!(parts.parts[0].word.place, (0, 2));
        assert_eq!(parts.parts[32].word.place, (64, 65));
    }
}
