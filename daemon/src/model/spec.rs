//! Specification of a model: sizes, pooling and tokenizer, without the weights.

use gte_shared::score::Scale;
use gte_shared::wire::{ModelInfo, Precision, TextRules, Truncation};
use serde::Deserialize;

use super::config::{BertConfig, MIN_TOKENS};
use super::error::ModelError;
use super::pooling;
use super::source::Source;
use super::tokenizer::Tokenizer;

/// Specification of a model: all but its weights.
pub(super) struct ModelSpec {
    pub(super) config: BertConfig,
    pub(super) info: ModelInfo,
    pub(super) tokenizer: Tokenizer,
}

/// `sentence_bert_config.json`, in the format of sentence-transformers.
#[derive(Default, Deserialize)]
struct SentenceConfig {
    max_seq_length: Option<usize>,
}

/// One entry of `modules.json`, in the format of sentence-transformers.
#[derive(Deserialize)]
struct PipelineModule {
    #[serde(rename = "type")]
    kind: String,
}

impl ModelSpec {
    pub(super) fn read(source: &Source, precision: Precision) -> Result<Self, ModelError> {
        let config = BertConfig::parse(&source.require("config.json")?)?;
        check_pipeline(source)?;
        // CLS and MEAN give different vectors from the same weights, so no default would be right
        // for every model.
        let pooling = match source.read("1_Pooling/config.json")? {
            Some(file) => pooling::parse(&file)?,
            None => source.known_pooling().ok_or(ModelError::PoolingUnknown)?,
        };
        let max_tokens = max_tokens(source, &config)?;
        let tokenizer = Tokenizer::load(source, max_tokens)?;
        let largest = tokenizer.largest_id();
        if largest as usize >= config.vocab_size {
            return Err(ModelError::Vocabulary {
                id: largest,
                rows: config.vocab_size,
            });
        }
        let info = ModelInfo {
            id: source.id().to_owned(),
            dimension: size_u32("hidden_size", config.hidden_size)?,
            pooling,
            max_tokens: size_u32("max_position_embeddings", max_tokens)?,
            precision,
            builtin: matches!(source, Source::Builtin),
            rules: TextRules {
                text_steps: source.text_steps(),
                truncation: Truncation::Head,
            },
            scale: Scale::default(),
        };
        Ok(Self {
            config,
            info,
            tokenizer,
        })
    }
}

/// Most tokens of a text that the model reads: `max_seq_length`, else the number that the catalog
/// states, and never more than the model has positions.
fn max_tokens(source: &Source, config: &BertConfig) -> Result<usize, ModelError> {
    const FILE: &str = "sentence_bert_config.json";
    let stated: SentenceConfig = match source.read(FILE)? {
        Some(json) => serde_json::from_slice(&json)
            .map_err(|source| ModelError::Json { file: FILE, source })?,
        None => SentenceConfig::default(),
    };
    let positions = config.max_position_embeddings;
    let max = stated
        .max_seq_length
        .or(source.known_max_tokens())
        .map_or(positions, |max| max.min(positions));
    if max < MIN_TOKENS {
        return Err(ModelError::Size {
            key: "max_seq_length",
            size: max,
        });
    }
    Ok(max)
}

/// Refuses a model with a module that is not computed, such as a dense layer after the pooling.
fn check_pipeline(source: &Source) -> Result<(), ModelError> {
    const FILE: &str = "modules.json";
    const KNOWN: [&str; 3] = ["Transformer", "Pooling", "Normalize"];
    let Some(json) = source.read(FILE)? else {
        return Ok(());
    };
    let modules: Vec<PipelineModule> =
        serde_json::from_slice(&json).map_err(|source| ModelError::Json { file: FILE, source })?;
    for PipelineModule { kind } in modules {
        let name = kind.rsplit('.').next().unwrap_or_default();
        if !KNOWN.contains(&name) {
            return Err(ModelError::PipelineModule(kind));
        }
    }
    Ok(())
}

fn size_u32(key: &'static str, size: usize) -> Result<u32, ModelError> {
    u32::try_from(size).map_err(|_| ModelError::Size { key, size })
}
