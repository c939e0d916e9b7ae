//! Tokenizer: text to token ids, by the rules of Hugging Face's BERT tokenizer.

use std::ops::Range;
use std::sync::Arc;

use gte_shared::wire::{MAX_UNKNOWN_PLACES, TextInfo, TextRules, Truncation};
use serde::Deserialize;
use tokenizers::models::ModelWrapper;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::bert::BertProcessing;

use super::config::SPECIAL_TOKENS;
use super::error::ModelError;
use super::source::Source;
use super::text_steps::Changed;
use super::windows::windows;
use crate::engine::{Tokenize, TokenizeError, Tokens};

/// Most characters of a word; a longer word is one unknown token (Hugging Face's rule).
const MAX_WORD_CHARS: usize = 100;

/// A model's tokenizer.
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    max_tokens: usize,
    largest_id: u32,
    /// Id of what the vocabulary does not have.
    unknown_id: Option<u32>,
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
        let mut inner = match source.read("tokenizer.json")? {
            Some(json) => tokenizers::Tokenizer::from_bytes(json).map_err(failed)?,
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
        // The ids of the special tokens may be outside the vocabulary.
        let ids = inner.get_vocab(true).into_values();
        let unknown = match inner.get_model() {
            ModelWrapper::WordPiece(words) => words.unk_token.as_str(),
            _ => "[UNK]",
        };
        let unknown_id = inner.token_to_id(unknown);
        let largest_id = ids.chain(special.get_ids().iter().copied()).max();
        Ok(Self {
            inner,
            max_tokens,
            largest_id: largest_id.unwrap_or_default(),
            unknown_id,
        })
    }

    fn from_vocabulary(source: &Source) -> Result<tokenizers::Tokenizer, ModelError> {
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
        Ok(inner)
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

    /// Largest token id that the tokenizer produces.
    #[must_use]
    pub(crate) fn largest_id(&self) -> u32 {
        self.largest_id
    }
}

/// Characters that end a sentence. A full stop of ASCII is as often part of a number.
const SENTENCE_ENDS: [char; 8] = ['。', '！', '？', '；', '…', '!', '?', ';'];

/// Characters that belong to a sentence behind its end.
const CLOSING: [char; 8] = ['”', '’', '」', '』', '）', '》', ')', '"'];

impl Tokenize for Tokenizer {
    fn tokenize(&self, text: &str, rules: TextRules) -> Result<Tokens, TokenizeError> {
        // The library's error message is left out: it may quote the text.
        let failed = |_| TokenizeError::Failed;
        let text = Changed::new(rules.text_steps, text).map_err(failed)?;
        let encoding = self.inner.encode_fast(text.text(), true).map_err(failed)?;
        let ids = encoding.get_ids();
        let total = ids.len();
        if total <= SPECIAL_TOKENS {
            return Err(TokenizeError::Blank);
        }
        let is_long = total > self.max_tokens;
        if is_long && rules.truncation == Truncation::Error {
            return Err(TokenizeError::TooManyTokens {
                tokens: total,
                limit: self.max_tokens,
            });
        }
        let mut info = TextInfo {
            tokens: count(total),
            total_tokens: count(total),
            windows: 1,
            changed_by: text.by,
            ..TextInfo::default()
        };
        let is_unknown = |id: &u32| Some(*id) == self.unknown_id;
        if !is_long && !ids.iter().any(is_unknown) {
            let windows = vec![ids.into()];
            return Ok(Tokens { windows, info });
        }
        // Offsets take as long again.
        let encoding = self.inner.encode(text.text(), true).map_err(failed)?;
        let places = encoding.get_offsets();
        // Tokens of the text itself, without [CLS] and [SEP].
        let capacity = self.max_tokens - SPECIAL_TOKENS;
        let own = total - SPECIAL_TOKENS;
        let read = match rules.truncation {
            Truncation::Head | Truncation::Error => 0..own.min(capacity),
            Truncation::Tail => own.saturating_sub(capacity)..own,
            Truncation::Chunk => 0..own,
        };
        let ends_with = |token: usize, signs: &[char]| {
            let of = places.get(token + 1).filter(|_| token < own);
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
        // Places have that of [CLS] before them.
        if read.end < own {
            info.cut_at = Some(text.sent_offsets(places[read.end]).1);
        } else if read.start > 0 {
            info.cut_at = Some(text.sent_offsets(places[read.start + 1]).0);
        }
        info.tokens = count(read.len() + SPECIAL_TOKENS);
        info.windows = count(windows.len());
        let unknown = read
            .map(|token| token + 1)
            .filter(|token| is_unknown(&ids[*token]));
        let unknown: Vec<usize> = unknown.collect();
        info.unknown = count(unknown.len());
        let first = unknown.iter().take(MAX_UNKNOWN_PLACES);
        info.unknown_at = first
            .map(|token| text.sent_offsets(places[*token]))
            .collect();
        let window = |own: Range<usize>| -> Arc<[u32]> {
            let ids = [&ids[..1], &ids[own.start + 1..=own.end], &ids[total - 1..]];
            ids.concat().into()
        };
        Ok(Tokens {
            windows: windows.into_iter().map(window).collect(),
            info,
        })
    }
}

fn count(tokens: usize) -> u32 {
    u32::try_from(tokens).unwrap_or(u32::MAX)
}
