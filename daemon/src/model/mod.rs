//! The model: from a text's token ids to its vector.
//!
//! Architecture invariant: Burn is named only here and in [`weights`](crate::weights). The engine
//! sees the two traits that [`Tokenizer`] and [`Encoder`] implement.

mod bert;
mod config;
mod encoder;
mod error;
mod fused;
mod ops;
mod pooling;
mod random;
mod source;
mod tokenizer;

use std::time::{Duration, Instant};

use gte_shared::wire::{ModelCard, Precision};
use serde::Deserialize;

use crate::engine::Embed;
use crate::lifecycle::memory;
use crate::weights::Times;

pub use bert::Bert;
pub use config::BertConfig;
pub use encoder::{Compute, Encoder};
pub use error::ModelError;
pub use ops::{OpError, Peak};
pub use random::{RandomError, Shape};
pub use source::{EMBEDDED, Folder, PACK, Source, shard_files};
pub use tokenizer::Tokenizer;

/// A model, ready to compute.
pub struct Model {
    /// What clients are told of it.
    pub card: ModelCard,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// Its encoder.
    pub encoder: Encoder,
    /// How long it took to load.
    pub loading: Loading,
}

/// Where the time of loading a model went.
#[derive(Clone, Copy, Debug)]
pub struct Loading {
    /// The configuration and the tokenizer.
    pub tokenizer: Duration,
    /// The weights.
    pub weights: Times,
    /// The first batch, one token a thread: memory is touched and threads are woken.
    pub warm_up: Duration,
}

/// `sentence_bert_config.json`, as sentence-transformers writes it.
#[derive(Default, Deserialize)]
struct SentenceConfig {
    max_seq_length: Option<usize>,
}

/// One entry of `modules.json`, as sentence-transformers writes it.
#[derive(Deserialize)]
struct Stage {
    #[serde(rename = "type")]
    kind: String,
}

impl Model {
    /// Loads a model, and has it compute a first time.
    ///
    /// # Errors
    ///
    /// See [`ModelError`].
    pub fn load(source: &Source, compute: Compute) -> Result<Self, ModelError> {
        let start = Instant::now();
        let Outline {
            config,
            card,
            tokenizer,
        } = Outline::read(source, compute.precision)?;
        let tokenizer_time = start.elapsed();
        let (encoder, weights) = Encoder::load(&config, card.pooling, source.weights()?, compute)?;
        let start = Instant::now();
        warm_up(&encoder)?;
        // What packing the weights took beside them.
        memory::give_back();
        let loading = Loading {
            tokenizer: tokenizer_time,
            weights,
            warm_up: start.elapsed(),
        };
        Ok(Self {
            card,
            tokenizer,
            encoder,
            loading,
        })
    }

    /// Checks all of a model but its weights, which need not be there yet.
    ///
    /// # Errors
    ///
    /// See [`ModelError`].
    pub fn check(source: &Source) -> Result<(), ModelError> {
        Outline::read(source, Precision::F32).map(drop)
    }
}

/// All of a model but its weights.
struct Outline {
    config: BertConfig,
    card: ModelCard,
    tokenizer: Tokenizer,
}

impl Outline {
    fn read(source: &Source, precision: Precision) -> Result<Self, ModelError> {
        let config = BertConfig::parse(&source.require("config.json")?)?;
        check_stages(source)?;
        // CLS and MEAN give different vectors from the same weights, and no default would be right
        // for both kinds of model: so "no file" never means either.
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
        let card = ModelCard {
            id: source.id().to_owned(),
            dimension: number("hidden_size", config.hidden_size)?,
            pooling,
            max_tokens: number("max_position_embeddings", max_tokens)?,
            precision,
        };
        Ok(Self {
            config,
            card,
            tokenizer,
        })
    }
}

/// Has every thread compute something, and sees to it that numbers come of it.
fn warm_up(encoder: &Encoder) -> Result<(), ModelError> {
    let texts = vec![&[0][..]; encoder.threads()];
    encoder.embed(&texts)?;
    Ok(())
}

/// The most tokens of a text that the model reads: what sentence-transformers states for it, and
/// never more than it has positions.
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
    // Room for [CLS], [SEP] and at least one token between them.
    if max < 3 {
        return Err(ModelError::Size {
            key: "max_seq_length",
            size: max,
        });
    }
    Ok(max)
}

/// Refuses a model with a stage that would be left out, such as a dense layer behind the pooling.
fn check_stages(source: &Source) -> Result<(), ModelError> {
    const FILE: &str = "modules.json";
    const KNOWN: [&str; 3] = ["Transformer", "Pooling", "Normalize"];
    let Some(json) = source.read(FILE)? else {
        return Ok(());
    };
    let stages: Vec<Stage> =
        serde_json::from_slice(&json).map_err(|source| ModelError::Json { file: FILE, source })?;
    for Stage { kind } in stages {
        let name = kind.rsplit('.').next().unwrap_or_default();
        if !KNOWN.contains(&name) {
            return Err(ModelError::Stage(kind));
        }
    }
    Ok(())
}

fn number(key: &'static str, size: usize) -> Result<u32, ModelError> {
    u32::try_from(size).map_err(|_| ModelError::Size { key, size })
}
