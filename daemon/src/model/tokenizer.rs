//! Text to token ids, by the rules of Hugging Face's BERT tokenizer.

use gte_shared::wire::TextInfo;
use serde::Deserialize;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::bert::BertProcessing;

use super::error::ModelError;
use super::source::Source;
use crate::engine::{Tokenize, TokenizeError, Tokens};

/// A word longer than this, in characters, is one unknown token (Hugging Face's rule).
const MAX_WORD_CHARS: usize = 100;

/// What a BERT tokenizer adds around every text: `[CLS]` before and `[SEP]` after.
const SPECIAL_TOKENS: usize = 2;

/// A model's tokenizer.
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    max_tokens: usize,
    largest_id: u32,
}

/// The part of `tokenizer_config.json` that a tokenizer made from `vocab.txt` needs; its defaults
/// are those of Hugging Face's `BertTokenizer`.
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
    /// Makes the tokenizer from the model's `tokenizer.json`, else from its `vocab.txt`.
    ///
    /// Truncation and padding that `tokenizer.json` may carry are switched off: texts are cut at
    /// `max_tokens` here, where it is reported, and nothing is padded.
    ///
    /// # Errors
    ///
    /// If neither file is there, or the one that is cannot be used.
    pub fn load(source: &Source, max_tokens: usize) -> Result<Self, ModelError> {
        let failed = |error: tokenizers::Error| ModelError::Tokenizer(error.to_string());
        let mut inner = match source.read("tokenizer.json")? {
            Some(json) => tokenizers::Tokenizer::from_bytes(json).map_err(failed)?,
            None => Self::from_vocabulary(source)?,
        };
        inner.with_truncation(None).map_err(failed)?;
        inner.with_padding(None);
        // What a user types is text: "[SEP]" in it must not become the separator.
        inner.set_encode_special_tokens(true);
        let around_nothing = inner.encode_fast("", true).map_err(failed)?;
        let count = around_nothing.len();
        if count != SPECIAL_TOKENS {
            return Err(ModelError::Tokenizer(format!(
                "it puts {count} tokens around a text, where a BERT's puts [CLS] and [SEP]"
            )));
        }
        // What is put around a text has ids of its own, which need not be the vocabulary's.
        let ids = inner.get_vocab(true).into_values();
        let largest_id = ids.chain(around_nothing.get_ids().iter().copied()).max();
        Ok(Self {
            inner,
            max_tokens,
            largest_id: largest_id.unwrap_or_default(),
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

    /// The largest token id that can come out.
    #[must_use]
    pub fn largest_id(&self) -> u32 {
        self.largest_id
    }
}

impl Tokenize for Tokenizer {
    fn tokenize(&self, text: &str) -> Result<Tokens, TokenizeError> {
        // The library's own words are left out: they may quote the text.
        let encoding = self
            .inner
            .encode_fast(text, true)
            .map_err(|_| TokenizeError::Failed)?;
        let mut ids = encoding.get_ids().to_vec();
        if ids.len() <= SPECIAL_TOKENS {
            return Err(TokenizeError::Blank);
        }
        let truncated = ids.len() > self.max_tokens;
        if truncated {
            // Cut before the closing [SEP], which stays.
            ids.drain(self.max_tokens - 1..ids.len() - 1);
        }
        let tokens = u32::try_from(ids.len()).unwrap_or(u32::MAX);
        Ok(Tokens {
            ids: ids.into(),
            info: TextInfo { tokens, truncated },
        })
    }
}
