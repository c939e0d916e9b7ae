//! Most tokens of a text that a model reads, where several files state it.

use serde::Deserialize;

use super::config::{BertConfig, MIN_TOKENS};
use super::error::ModelError;
use super::json_file::{TokenLimit, parse};
use super::source::Source;

/// Settings of the transformer in the format of sentence-transformers. The first one that a model
/// has counts, as there.
pub(crate) const SENTENCE_CONFIGS: [&str; 7] = [
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
];

/// Tasks of a transformer that give hidden states.
const TASKS: [&str; 2] = ["feature-extraction", "fill-mask"];

/// One of [`SENTENCE_CONFIGS`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SentenceConfig {
    max_seq_length: Option<TokenLimit>,
    do_lower_case: Option<bool>,
    transformer_task: Option<String>,
    #[serde(alias = "tokenizer_args")]
    processor_kwargs: Option<ProcessorArguments>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ProcessorArguments {
    model_max_length: Option<TokenLimit>,
}

/// Rules that sentence-transformers puts before a tokenizer.
#[derive(Debug, Default)]
pub(super) struct SentenceRules {
    /// File that states them.
    pub(super) file: &'static str,
    stated: SentenceConfig,
}

impl SentenceRules {
    /// Reads the first of the files that the model has.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is of a model that gives no hidden states.
    pub(super) fn read(source: &Source) -> Result<Self, ModelError> {
        for file in SENTENCE_CONFIGS {
            let Some(json) = source.read(file)? else {
                continue;
            };
            let stated: SentenceConfig = parse(file, &json)?;
            if let Some(task) = &stated.transformer_task
                && !TASKS.contains(&task.as_str())
            {
                let (key, value) = ("transformer_task", task.clone());
                return Err(ModelError::Setting { file, key, value });
            }
            return Ok(Self { file, stated });
        }
        Ok(Self {
            file: SENTENCE_CONFIGS[0],
            ..Self::default()
        })
    }

    /// Returns true if texts are put into lower case first.
    pub(super) fn lowercases(&self) -> bool {
        self.stated.do_lower_case == Some(true)
    }
}

/// Chooses the limit as sentence-transformers does: that of its own file, else that of the
/// tokenizer's (the catalog's goes before it), and never more than the model has positions. Files
/// that state another are named in `notes`.
///
/// # Errors
///
/// If the limit leaves no room for a text.
pub(super) fn max_tokens(
    source: &Source,
    config: &BertConfig,
    rules: &SentenceRules,
    of_tokenizer: StatedLimits,
    notes: &mut Vec<String>,
) -> Result<usize, ModelError> {
    let tokens = |limit: Option<TokenLimit>| limit.and_then(TokenLimit::tokens);
    let arguments = rules.stated.processor_kwargs.as_ref();
    let stated = [
        (
            rules.file,
            tokens(arguments.and_then(|of| of.model_max_length)),
        ),
        (rules.file, tokens(rules.stated.max_seq_length)),
        (source.knows_by(), source.known_max_tokens()),
        ("tokenizer_config.json", of_tokenizer.config),
    ];
    let positions = config.max_position_embeddings;
    let mut stated = stated
        .into_iter()
        .filter_map(|(file, limit)| Some((file, limit?)));
    let Some((first, limit)) = stated.next() else {
        note_truncation(of_tokenizer, positions, notes);
        return Ok(positions);
    };
    if limit > positions {
        notes.push(format!(
            "{first} states {limit} tokens, and the model has {positions} positions: {positions} \
             tokens are read"
        ));
    }
    for (file, other) in stated {
        if other.min(positions) != limit.min(positions) {
            notes.push(format!(
                "{first} ({limit} tokens) goes before {file} ({other})"
            ));
        }
    }
    let limit = limit.min(positions);
    note_truncation(of_tokenizer, limit, notes);
    if limit < MIN_TOKENS {
        return Err(ModelError::Size {
            key: "max_seq_length",
            size: limit,
        });
    }
    Ok(limit)
}

/// Limits that the tokenizer's files state.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StatedLimits {
    /// `model_max_length` of `tokenizer_config.json`.
    pub(super) config: Option<usize>,
    /// Truncation of `tokenizer.json`, which never counts.
    pub(super) truncation: Option<usize>,
}

fn note_truncation(of_tokenizer: StatedLimits, limit: usize, notes: &mut Vec<String>) {
    if let Some(cut) = of_tokenizer.truncation.filter(|cut| *cut != limit) {
        notes.push(format!(
            "tokenizer.json cuts at {cut} tokens, which does not count: {limit} are read"
        ));
    }
}
