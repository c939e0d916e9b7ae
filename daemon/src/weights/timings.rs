//! Durations of the phases of loading a model.

use std::time::Duration;

/// Durations of the phases of loading a model.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LoadTimings {
    /// Time to read the configuration and the tokenizer.
    pub(crate) tokenizer: Duration,
    /// Time to open the weights files and list their tensors.
    pub(crate) map: Duration,
    /// Time to convert the stored types to f32 and transpose linear weights.
    pub(crate) convert: Duration,
    /// Time to pack the weights for the kernels.
    pub(crate) pack: Duration,
    /// Time to compute a first batch, one token per thread.
    pub(crate) warm_up: Duration,
}
