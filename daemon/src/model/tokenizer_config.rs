//! `tokenizer_config.json`, in the format of Hugging Face's `BertTokenizer`.

use serde::Deserialize;
use tokenizers::NormalizerWrapper;
use tokenizers::normalizers::{BertNormalizer, Lowercase, Sequence};

use super::error::ModelError;
use super::json_file::{TokenLimit, parse};
use super::limits::SentenceRules;
use super::source::Source;

const FILE: &str = "tokenizer_config.json";

/// The part of the file that gted reads. A missing value, and null, is the default of
/// `BertTokenizer`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TokenizerConfig {
    do_lower_case: Option<bool>,
    tokenize_chinese_chars: Option<bool>,
    strip_accents: Option<bool>,
    unk_token: Option<Token>,
    cls_token: Option<Token>,
    sep_token: Option<Token>,
    model_max_length: Option<TokenLimit>,
    tokenizer_class: Option<String>,
}

/// A special token: its text, or an object with it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Token {
    Text(String),
    Added { content: String },
}

impl Token {
    fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Added { content: text } => text,
        }
    }
}

impl TokenizerConfig {
    /// Reads the file; a model without it has the defaults.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub(super) fn read(source: &Source) -> Result<Self, ModelError> {
        match source.read(FILE)? {
            Some(json) => parse(FILE, &json),
            None => Ok(Self::default()),
        }
    }

    /// Token for what the vocabulary does not have.
    pub(super) fn unknown(&self) -> &str {
        self.unk_token.as_ref().map_or("[UNK]", Token::text)
    }

    /// Token before a text, if the file states it.
    pub(super) fn cls(&self) -> Option<&str> {
        self.cls_token.as_ref().map(Token::text)
    }

    /// Token after a text, if the file states it.
    pub(super) fn sep(&self) -> Option<&str> {
        self.sep_token.as_ref().map(Token::text)
    }

    /// Most tokens of a text, if the file states it.
    pub(super) fn max_tokens(&self) -> Option<usize> {
        self.model_max_length.and_then(TokenLimit::tokens)
    }

    /// Normalization of a tokenizer that has none of its own.
    pub(super) fn normalizer(&self) -> BertNormalizer {
        BertNormalizer::new(
            true,
            self.tokenize_chinese_chars.unwrap_or(true),
            self.strip_accents,
            self.do_lower_case.unwrap_or(true),
        )
    }

    /// Normalization of a tokenizer that has one in `tokenizer.json`. What this file states goes
    /// before it, as in transformers (`BertTokenizerFast`, version 4), and is named in `notes`.
    pub(super) fn overrides(
        &self,
        of_json: NormalizerWrapper,
        notes: &mut Vec<String>,
    ) -> NormalizerWrapper {
        let class = self.tokenizer_class.as_deref().unwrap_or("Bert");
        let mut normalizer = match of_json {
            NormalizerWrapper::BertNormalizer(bert) if class.starts_with("Bert") => bert,
            other => return other,
        };
        if self.do_lower_case.is_none() && !normalizer.lowercase {
            notes.push(format!(
                "tokenizer.json keeps capital letters, and {FILE} does not state do_lower_case: \
                 transformers 4 puts such a model's texts into lower case, and gted does not"
            ));
        }
        let mut note = |key: &str, stated: bool| {
            notes.push(format!(
                "{FILE} states {key} {stated}, and goes before tokenizer.json"
            ));
        };
        if let Some(stated) = self.do_lower_case.filter(|on| *on != normalizer.lowercase) {
            note("do_lower_case", stated);
            normalizer.lowercase = stated;
        }
        if let Some(stated) = self
            .strip_accents
            .filter(|on| Some(*on) != normalizer.strip_accents)
        {
            let follows = normalizer.strip_accents.unwrap_or(normalizer.lowercase);
            if follows != stated {
                note("strip_accents", stated);
            }
            normalizer.strip_accents = Some(stated);
        }
        let chinese = self.tokenize_chinese_chars;
        if let Some(stated) = chinese.filter(|on| *on != normalizer.handle_chinese_chars) {
            note("tokenize_chinese_chars", stated);
            normalizer.handle_chinese_chars = stated;
        }
        normalizer.into()
    }
}

/// Puts lower case before a normalization, if sentence-transformers does so for the model and the
/// tokenizer itself does not.
pub(super) fn with_lowercase(
    normalizer: Option<NormalizerWrapper>,
    rules: &SentenceRules,
    notes: &mut Vec<String>,
) -> Option<NormalizerWrapper> {
    let lowercases =
        matches!(&normalizer, Some(NormalizerWrapper::BertNormalizer(bert)) if bert.lowercase);
    if !rules.lowercases() || lowercases {
        return normalizer;
    }
    let file = rules.file;
    notes.push(format!(
        "{file} asks for lower case, which the tokenizer does not: it is put before"
    ));
    let mut steps = vec![Lowercase.into()];
    steps.extend(normalizer);
    Some(Sequence::new(steps).into())
}
