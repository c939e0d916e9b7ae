//! Tokenizer: text to token ids, by the rules of Hugging Face's BERT tokenizer.

use std::sync::Arc;

use gte_shared::wire::{TextInfo, TextRules, Truncation};
use tokenizers::Encoding;
use tokenizers::models::ModelWrapper;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::bert::BertProcessing;

use super::config::SPECIAL_TOKENS;
use super::error::ModelError;
use super::instead::Instead;
use super::limits::{SentenceRules, StatedLimits};
use super::listed_tokens::listed_tokens;
use super::reading::{Reading, count};
use super::source::Source;
use super::text_steps::Changed;
use super::tokenizer_config::{TokenizerConfig, with_lowercase};
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

impl Tokenizer {
    /// Loads the tokenizer from the model's `tokenizer.json`, else from its `vocab.txt`, for texts
    /// of at most `max_tokens`.
    ///
    /// # Errors
    ///
    /// If both files are missing, or the file cannot be used.
    pub fn load(source: &Source, max_tokens: usize) -> Result<Self, ModelError> {
        let rules = SentenceRules::read(source)?;
        let (tokenizer, _) = Self::read_files(source, &rules, &mut Vec::new())?;
        Ok(tokenizer.with_max_tokens(max_tokens))
    }

    /// Sets the most tokens of a text.
    pub(super) fn with_max_tokens(self, max_tokens: usize) -> Self {
        Self { max_tokens, ..self }
    }

    /// Loads the tokenizer, for texts of any length, and returns the limits that its files state.
    /// Files that disagree are named in `notes`.
    ///
    /// Truncation and padding of `tokenizer.json` are disabled: [`tokenize`](Tokenize::tokenize)
    /// cuts texts and reports it, and batches need no padding.
    pub(super) fn read_files(
        source: &Source,
        rules: &SentenceRules,
        notes: &mut Vec<String>,
    ) -> Result<(Self, StatedLimits), ModelError> {
        let failed = |error: tokenizers::Error| ModelError::Tokenizer(error.to_string());
        let config = TokenizerConfig::read(source)?;
        let (mut inner, largest_id) = match source.read("tokenizer.json")? {
            Some(json) => {
                check("tokenizer.json", &json)?;
                let mut inner = tokenizers::Tokenizer::from_bytes(json).map_err(failed)?;
                let normalizer = inner.get_normalizer().cloned();
                let normalizer = normalizer.map(|of_json| config.overrides(of_json, notes));
                inner.with_normalizer(normalizer).map_err(failed)?;
                let largest_id = inner.get_vocab(true).into_values().max();
                (inner, largest_id)
            }
            None => Self::from_vocabulary(source, &config)?,
        };
        let normalizer = with_lowercase(inner.get_normalizer().cloned(), rules, notes);
        inner.with_normalizer(normalizer).map_err(failed)?;
        let limits = StatedLimits {
            config: config.max_tokens(),
            truncation: inner.get_truncation().map(|cut| cut.max_length),
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
        check_special(&inner, &special, &config)?;
        let unknown = unknown(&inner)?;
        let unknown_id = inner.token_to_id(&unknown);
        // The ids of the special tokens may be outside the vocabulary.
        let largest_id = largest_id.max(special.get_ids().iter().copied().max());
        let tokenizer = Self {
            inner,
            max_tokens: usize::MAX,
            largest_id: largest_id.unwrap_or_default(),
            unknown_id,
            segmenter: Segmenter::default(),
        };
        Ok((tokenizer, limits))
    }

    /// Makes a tokenizer of `vocab.txt`; returns it and its largest id.
    fn from_vocabulary(
        source: &Source,
        config: &TokenizerConfig,
    ) -> Result<(tokenizers::Tokenizer, Option<u32>), ModelError> {
        let vocabulary = source.read("vocab.txt")?;
        let vocabulary = vocabulary
            .ok_or_else(|| ModelError::Missing("tokenizer.json or vocab.txt".to_owned()))?;
        check("vocab.txt", &vocabulary)?;
        let failed = |error: tokenizers::Error| ModelError::Tokenizer(error.to_string());
        let vocab = WordPiece::read_bytes(&vocabulary).map_err(failed)?;
        let id_of = |token: &str| match vocab.get(token).copied() {
            Some(id) => Ok((token.to_owned(), id)),
            None => Err(ModelError::Tokenizer(format!(
                "vocab.txt has no token {token}"
            ))),
        };
        let cls = id_of(config.cls().unwrap_or("[CLS]"))?;
        let sep = id_of(config.sep().unwrap_or("[SEP]"))?;
        let largest_id = vocab.values().copied().max();
        let words = WordPiece::builder()
            .vocab(vocab)
            .unk_token(config.unknown().to_owned())
            .continuing_subword_prefix("##".to_owned())
            .max_input_chars_per_word(MAX_WORD_CHARS)
            .build()
            .map_err(failed)?;
        let mut inner = tokenizers::Tokenizer::new(words);
        inner
            .with_normalizer(Some(config.normalizer()))
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

/// Refuses a file that is something else.
fn check(file: &str, content: &[u8]) -> Result<(), ModelError> {
    let file = file.to_owned();
    Instead::of(content).map_or(Ok(()), |is| Err(ModelError::Instead { file, is }))
}

/// Checks the tokens around a text: that the vocabulary has them under their ids, and that they are
/// those that `tokenizer_config.json` states, if it does.
fn check_special(
    tokenizer: &tokenizers::Tokenizer,
    special: &Encoding,
    config: &TokenizerConfig,
) -> Result<(), ModelError> {
    let stated = [config.cls(), config.sep()];
    let tokens = special.get_tokens().iter().zip(special.get_ids());
    for ((token, id), stated) in tokens.zip(stated) {
        let problem = match stated {
            Some(stated) if stated != *token => {
                format!("it puts {token} around a text, and tokenizer_config.json states {stated}")
            }
            _ if tokenizer.token_to_id(token) != Some(*id) => {
                format!("it puts {token} around a text as {id}, which is not its id")
            }
            _ => continue,
        };
        return Err(ModelError::Tokenizer(problem));
    }
    Ok(())
}

/// Token for what the vocabulary does not have. Without it the first such word would be an error.
fn unknown(tokenizer: &tokenizers::Tokenizer) -> Result<String, ModelError> {
    let ModelWrapper::WordPiece(words) = tokenizer.get_model() else {
        return Ok("[UNK]".to_owned());
    };
    let unknown = &words.unk_token;
    if tokenizers::Model::token_to_id(words, unknown).is_some() {
        return Ok(unknown.clone());
    }
    Err(ModelError::Tokenizer(format!(
        "its vocabulary has no token {unknown} for what it does not know"
    )))
}

/// Applies the steps of `rules` to a text.
fn changed(text: &str, rules: TextRules) -> Result<Changed<'_>, TokenizeError> {
    Changed::new(rules.text_steps, text).map_err(failed)
}

/// The library's error message is left out: it may quote the text.
fn failed(_: tokenizers::Error) -> TokenizeError {
    TokenizeError::Failed
}
