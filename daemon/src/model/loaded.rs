//! A model, ready to compute.

use std::time::Instant;

use gte_shared::wire::{ModelInfo, Precision};

use super::compute::Compute;
use super::config::BertConfig;
use super::encoder::Encoder;
use super::error::ModelError;
use super::source::Source;
use super::spec::ModelSpec;
use super::tokenizer::Tokenizer;
use crate::engine::Embed;
use crate::lifecycle::memory;
use crate::weights::LoadTimings;

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
}

impl Model {
    /// Loads a model, and computes a first batch.
    ///
    /// # Errors
    ///
    /// See [`ModelError`].
    pub fn load(source: &Source, compute: Compute) -> Result<Self, ModelError> {
        let start = Instant::now();
        let ModelSpec {
            config,
            info,
            tokenizer,
        } = ModelSpec::read(source, compute.precision)?;
        let mut timings = LoadTimings {
            tokenizer: start.elapsed(),
            ..LoadTimings::default()
        };
        let weights = source.weights()?;
        let encoder = Encoder::load(&config, info.pooling, weights, compute, &mut timings)?;
        let start = Instant::now();
        // Touches the memory, wakes the threads, and checks that the values are finite.
        let texts = vec![&[0][..]; encoder.threads()];
        encoder.embed(&texts)?;
        // Returns the memory that packing took besides the weights.
        memory::trim();
        timings.warm_up = start.elapsed();
        Ok(Self {
            info,
            config,
            tokenizer,
            encoder,
            timings,
        })
    }

    /// Checks all files of a model but the content of its weights; returns the memory in bytes that
    /// it takes while it is loaded: its files, which are mapped, and its layers in f32. Later it
    /// takes a fifth of that in int8.
    ///
    /// # Errors
    ///
    /// See [`ModelError`].
    pub(crate) fn loading_bytes(source: &Source) -> Result<u64, ModelError> {
        let ModelSpec { config, .. } = ModelSpec::read(source, Precision::F32)?;
        let mut bytes = config.layer_parameters() * size_of::<f32>() as u64;
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
