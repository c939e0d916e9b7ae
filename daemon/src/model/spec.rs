//! Specification of a model: sizes, pooling and tokenizer, without the weights.

use gte_shared::score::Scale;
use gte_shared::wire::{ModelInfo, Pooling, Precision, TextRules, Truncation};

use super::config::BertConfig;
use super::error::ModelError;
use super::limits::{SentenceRules, max_tokens};
use super::pipeline::Pipeline;
use super::pooling;
use super::source::Source;
use super::tokenizer::Tokenizer;

/// Specification of a model: all but its weights.
pub(super) struct ModelSpec {
    pub(super) config: BertConfig,
    pub(super) info: ModelInfo,
    pub(super) tokenizer: Tokenizer,
    /// Notes for the user about the files: which of them disagree, and which counts.
    pub(super) notes: Vec<String>,
}

impl ModelSpec {
    pub(super) fn read(source: &Source, precision: Precision) -> Result<Self, ModelError> {
        let config = BertConfig::parse(&source.require("config.json")?)?;
        let Pipeline { pooling, mut notes } = Pipeline::read(source)?;
        let pooling = read_pooling(source, &pooling, &mut notes)?;
        let rules = SentenceRules::read(source)?;
        let (tokenizer, limits) = Tokenizer::read_files(source, &rules, &mut notes)?;
        let max_tokens = max_tokens(source, &config, &rules, limits, &mut notes)?;
        let tokenizer = tokenizer.with_max_tokens(max_tokens);
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
            notes,
        })
    }
}

/// Pooling of the model's file, else that of the catalog, the manifest or the user. CLS and MEAN
/// give different vectors from the same weights, so no default would be right for every model.
fn read_pooling(
    source: &Source,
    (file, is_named): &(String, bool),
    notes: &mut Vec<String>,
) -> Result<Pooling, ModelError> {
    let known = source.known_pooling();
    let Some(json) = source.read(file)? else {
        return match known {
            Some(known) => Ok(known),
            None if *is_named => Err(ModelError::MissingModule(file.clone())),
            None => Err(ModelError::PoolingUnknown),
        };
    };
    let pooling = pooling::parse(file, &json)?;
    if let Some(other) = known.filter(|known| *known != pooling) {
        let [pooling, other] = [pooling, other].map(Pooling::name);
        notes.push(format!(
            "{file} states the pooling {pooling}, and goes before {other}"
        ));
    }
    Ok(pooling)
}

fn size_u32(key: &'static str, size: usize) -> Result<u32, ModelError> {
    u32::try_from(size).map_err(|_| ModelError::Size { key, size })
}
