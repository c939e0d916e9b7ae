//! A model, ready to compute.

use gte_shared::wire::{ModelInfo, Precision};

use super::compute::Compute;
use super::config::BertConfig;
use super::encoder::Encoder;
use super::error::ModelError;
use super::source::Source;
use super::spec::ModelSpec;
use super::timings::{LoadTimings, Stopwatch};
use super::tokenizer::Tokenizer;
use crate::engine::Embed;
use crate::lifecycle::memory;

/// A model, ready to compute.
pub struct Model {
    /// Description for clients.
    pub info: ModelInfo,
    /// Sizes of the network.
    pub(crate) config: BertConfig,
    /// Tokenizer.
    pub tokenizer: Tokenizer,
    /// Encoder.
    pub encoder: Encoder,
    /// Time that loading took.
    pub(crate) timings: LoadTimings,
    /// Notes for the user about the model's files.
    pub(crate) notes: Vec<String>,
}

impl Model {
    /// Loads a model, and computes a first batch.
    ///
    /// # Errors
    ///
    /// See [`ModelError`].
    pub fn load(source: &Source, compute: Compute) -> Result<Self, ModelError> {
        let mut watch = Stopwatch::start();
        let ModelSpec {
            config,
            info,
            tokenizer,
            notes,
        } = ModelSpec::read(source, compute.precision)?;
        let mut timings = LoadTimings {
            tokenizer: watch.lap(),
            ..LoadTimings::default()
        };
        let weights = source.weights()?;
        let encoder = Encoder::load(&config, info.pooling, weights, compute, &mut timings)?;
        watch.lap();
        // Touches the memory, wakes the threads, and checks that the values are finite.
        let texts = vec![&[0][..]; encoder.threads()];
        encoder.embed(&texts)?;
        // Returns the memory that loading took besides the weights.
        memory::trim();
        timings.warm_up = watch.lap();
        Ok(Self {
            info,
            config,
            tokenizer,
            encoder,
            timings,
            notes,
        })
    }

    /// Checks all files of a model but the content of its weights; returns the memory in bytes that
    /// it takes while it is loaded: its files, which are mapped or read, and its packed layers.
    ///
    /// # Errors
    ///
    /// See [`ModelError`].
    pub(crate) fn loading_bytes(source: &Source, precision: Precision) -> Result<u64, ModelError> {
        let ModelSpec { config, .. } = ModelSpec::read(source, precision)?;
        let weight_bytes = match precision {
            Precision::F32 => 4,
            Precision::Int8 => 1,
        };
        let mut bytes = config.layer_parameters() * weight_bytes;
        for path in source.weights()?.files() {
            let file = std::fs::metadata(path).map_err(|source| ModelError::Read {
                path: path.clone(),
                source,
            })?;
            bytes += file.len();
        }
        Ok(bytes)
    }

    /// Checks all files of a model but its weights, which may still be missing.
    ///
    /// # Errors
    ///
    /// See [`ModelError`].
    pub(crate) fn check(source: &Source) -> Result<(), ModelError> {
        ModelSpec::read(source, Precision::F32).map(drop)
    }
}
