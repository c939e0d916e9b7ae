//! Tokenizer: text to token ids, by the rules of Hugging Face's BERT tokenizer.

use std::sync::Arc;

use gte_shared::wire::{TextInfo, TextRules, Truncation};
use serde::Deserialize;
use tokenizers::models::ModelWrapper;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::bert::BertProcessing;

use super::config::SPECIAL_TOKENS;
use super::error::ModelError;
use super::listed_tokens::listed_tokens;
use super::reading::{Reading, count};
use super::source::Source;
use super::text_steps::Changed;
use super::words::Segmenter;
use crate::engine::{ListedToken, Tokenize, TokenizeError, TokenizedWords, Tokens};

/// Most characters of a word; a longer word is one unknown token (Hugging Face's rule).
const MAX_WORD_CHARS: usize = 100;

/// A model's tokenizer.
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    max_tokens: usize,
    largest_id: u32,
    /// Id of what the vocabulary does not have.
    unknown_id: Option<u32>,
    segmenter: Segmenter,
}

/// The part of `tokenizer_config.json` that a tokenizer from `vocab.txt` needs, with the defaults
/// of Hugging Face's `BertTokenizer`.
#[derive(Deserialize)]
#[serde(default)]
struct VocabularyRules {
    do_lower_case: bool,
    tokenize_chinese_chars: bool,
    strip_accents: Option<bool>,
    unk_token: String,
    cls_token: String,
    sep_token: String,
}

impl Default for VocabularyRules {
    fn default() -> Self {
        Self {
            do_lower_case: true,
            tokenize_chinese_chars: true,
            strip_accents: None,
            unk_token: "[UNK]".to_owned(),
            cls_token: "[CLS]".to_owned(),
            sep_token: "[SEP]".to_owned(),
        }
    }
}

impl Tokenizer {
    /// Loads the tokenizer from the model's `tokenizer.json`, else from its `vocab.txt`.
    ///
    /// Truncation and padding of `tokenizer.json` are disabled: [`tokenize`](Tokenize::tokenize)
    /// cuts texts at `max_tokens` and reports it, and batches need no padding.
    ///
    /// # Errors
    ///
    /// If both files are missing, or the file cannot be used.
    pub fn load(source: &Source, max_tokens: usize) -> Result<Self, ModelError> {
        let failed = |error: tokenizers::Error| ModelError::Tokenizer(error.to_string());
        let (mut inner, largest_id) = match source.read("tokenizer.json")? {
            Some(json) => {
                let inner = tokenizers::Tokenizer::from_bytes(json).map_err(failed)?;
                let largest_id = inner.get_vocab(true).into_values().max();
                (inner, largest_id)
            }
            None => Self::from_vocabulary(source)?,
        };
        inner.with_truncation(None).map_err(failed)?;
        inner.with_padding(None);
        // "[SEP]" in a user's text is text, not the separator.
        inner.set_encode_special_tokens(true);
        let special = inner.encode_fast("", true).map_err(failed)?;
        let count = special.len();
        if count != SPECIAL_TOKENS {
            return Err(ModelError::Tokenizer(format!(
                "it puts {count} tokens around a text, where BERT has [CLS] and [SEP]"
            )));
        }
        let unknown = match inner.get_model() {
            ModelWrapper::WordPiece(words) => words.unk_token.as_str(),
            _ => "[UNK]",
        };
        let unknown_id = inner.token_to_id(unknown);
        // The ids of the special tokens may be outside the vocabulary.
        let largest_id = largest_id.max(special.get_ids().iter().copied().max());
        Ok(Self {
            inner,
            max_tokens,
            largest_id: largest_id.unwrap_or_default(),
            unknown_id,
            segmenter: Segmenter::default(),
        })
    }

    /// Makes a tokenizer of `vocab.txt`; returns it and its largest id.
    fn from_vocabulary(
        source: &Source,
    ) -> Result<(tokenizers::Tokenizer, Option<u32>), ModelError> {
        let vocabulary = source
            .read("vocab.txt")?
            .ok_or(ModelError::Missing("tokenizer.json or vocab.txt"))?;
        let rules: VocabularyRules = match source.read("tokenizer_config.json")? {
            Some(json) => serde_json::from_slice(&json).map_err(|source| ModelError::Json {
                file: "tokenizer_config.json",
                source,
            })?,
            None => VocabularyRules::default(),
        };
        let failed = |error: tokenizers::Error| ModelError::Tokenizer(error.to_string());
        let vocab = WordPiece::read_bytes(&vocabulary).map_err(failed)?;
        let id_of = |token: &String| {
            let id = vocab.get(token).copied();
            let id =
                id.ok_or_else(|| ModelError::Tokenizer(format!("vocab.txt has no token {token}")))?;
            Ok::<_, ModelError>((token.clone(), id))
        };
        let (cls, sep) = (id_of(&rules.cls_token)?, id_of(&rules.sep_token)?);
        let largest_id = vocab.values().copied().max();
        let words = WordPiece::builder()
            .vocab(vocab)
            .unk_token(rules.unk_token)
            .continuing_subword_prefix("##".to_owned())
            .max_input_chars_per_word(MAX_WORD_CHARS)
            .build()
            .map_err(failed)?;
        let mut inner = tokenizers::Tokenizer::new(words);
        inner
            .with_normalizer(Some(BertNormalizer::new(
                true,
                rules.tokenize_chinese_chars,
                rules.strip_accents,
                rules.do_lower_case,
            )))
            .map_err(failed)?;
        inner.with_pre_tokenizer(Some(BertPreTokenizer));
        inner.with_post_processor(Some(BertProcessing::new(sep, cls)));
        Ok((inner, largest_id))
    }

    /// Token ids of a text as the published model has them: without steps before, and of a long
    /// text the beginning.
    ///
    /// # Errors
    ///
    /// If the text has no tokens, or the tokenizer fails.
    pub fn ids(&self, text: &str) -> Result<Arc<[u32]>, TokenizeError> {
        let windows = self.tokenize(text, TextRules::default())?.windows;
        windows.into_iter().next().ok_or(TokenizeError::Blank)
    }

    /// Tokenizes a text with the places of its tokens, which takes as long again.
    fn read<'a>(&self, text: Changed<'a>, rules: TextRules) -> Result<Reading<'a>, TokenizeError> {
        let encoding = self.inner.encode(text.text(), true).map_err(failed)?;
        let tokens = encoding.len();
        if tokens <= SPECIAL_TOKENS {
            return Err(TokenizeError::Blank);
        }
        if tokens > self.max_tokens && rules.truncation == Truncation::Error {
            return Err(TokenizeError::TooManyTokens {
                tokens,
                limit: self.max_tokens,
            });
        }
        let capacity = self.max_tokens - SPECIAL_TOKENS;
        Ok(Reading::new(text, encoding, capacity, rules.truncation))
    }

    /// Largest token id that the tokenizer produces.
    #[must_use]
    pub(crate) fn largest_id(&self) -> u32 {
        self.largest_id
    }
}

impl Tokenize for Tokenizer {
    fn tokenize(&self, text: &str, rules: TextRules) -> Result<Tokens, TokenizeError> {
        let text = changed(text, rules)?;
        let encoding = self.inner.encode_fast(text.text(), true).map_err(failed)?;
        let ids = encoding.get_ids();
        let is_unknown = |id: &u32| Some(*id) == self.unknown_id;
        if ids.len() > self.max_tokens || ids.iter().any(is_unknown) {
            return Ok(self.read(text, rules)?.tokens(self.unknown_id));
        }
        if ids.len() <= SPECIAL_TOKENS {
            return Err(TokenizeError::Blank);
        }
        Ok(Tokens {
            windows: vec![ids.into()],
            info: TextInfo {
                tokens: count(ids.len()),
                total_tokens: count(ids.len()),
                windows: 1,
                changed_by: text.by,
                ..TextInfo::default()
            },
        })
    }

    fn tokenize_words(
        &self,
        text: &str,
        rules: TextRules,
    ) -> Result<TokenizedWords, TokenizeError> {
        let reading = self.read(changed(text, rules)?, rules)?;
        let windows = reading.windows();
        if windows > 1 {
            return Err(TokenizeError::SeveralWindows { windows });
        }
        Ok(TokenizedWords {
            tokens: reading.tokens(self.unknown_id),
            words: reading.words(&self.segmenter),
        })
    }

    fn list_tokens(&self, text: &str, rules: TextRules) -> Result<Vec<ListedToken>, TokenizeError> {
        let changed = changed(text, rules)?;
        let encoding = self.inner.encode(changed.text(), true).map_err(failed)?;
        Ok(listed_tokens(text, &changed, &encoding))
    }
}

/// Applies the steps of `rules` to a text.
fn changed(text: &str, rules: TextRules) -> Result<Changed<'_>, TokenizeError> {
    Changed::new(rules.text_steps, text).map_err(failed)
}

/// The library's error message is left out: it may quote the text.
fn failed(_: tokenizers::Error) -> TokenizeError {
    TokenizeError::Failed
}
