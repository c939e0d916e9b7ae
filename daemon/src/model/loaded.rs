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
    pub config: BertConfig,
    /// Tokenizer.
    pub tokenizer: Tokenizer,
    /// Encoder.
    pub encoder: Encoder,
    /// Time that loading took.
    pub timings: LoadTimings,
}

impl Model {
    /// Loads a model, and has it compute a first time.
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
        // Memory is touched, threads are woken, and the weights are seen to give finite values.
        let texts = vec![&[0][..]; encoder.threads()];
        encoder.embed(&texts)?;
        // Memory that packing the weights took beside them.
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

    /// Checks all of a model but its weights, which need not be there yet.
    ///
    /// # Errors
    ///
    /// See [`ModelError`].
    pub fn check(source: &Source) -> Result<(), ModelError> {
        ModelSpec::read(source, Precision::F32).map(drop)
    }
}
