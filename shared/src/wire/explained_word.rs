//! Words of an explained pair.

use serde::{Deserialize, Serialize};

/// Most parts of a text that an explanation tells apart. Each is a text to be computed; a longer
/// text has parts of several words.
pub const MAX_EXPLAINED_WORDS: usize = 64;

/// A word, or several neighboring words of a long text. Punctuation is not a word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExplainedWord {
    /// Word as it was sent.
    pub word: String,
    /// Offset of its first character in the text as it was sent, in characters.
    pub from: u32,
    /// Offset behind its last character.
    pub to: u32,
    /// Score of the pair with the tokens of this word left out of its text; `None` if nothing would
    /// be left of the text.
    pub without: Option<ScoreWithout>,
    /// Most similar word of the other text; `None` if that has no words.
    pub closest: Option<ClosestWord>,
}

/// Score of a pair with a word left out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreWithout {
    /// Cosine similarity, within [-1, 1].
    pub cosine: f32,
    /// Score between 0 and 100.
    pub similarity: f64,
}

/// Word of the other text that is most similar to a word, each as the model reads it in its text.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClosestWord {
    /// Index among the words of the other text.
    pub index: u32,
    /// Cosine similarity of the two words, within [-1, 1]: of the means of the hidden states of
    /// their tokens after the last layer.
    pub cosine: f32,
}

impl ExplainedWord {
    /// Points of the score that the text gains by this word: `score` less the one without it.
    #[must_use]
    pub fn effect(&self, score: f64) -> Option<f64> {
        self.without.map(|without| score - without.similarity)
    }
}
