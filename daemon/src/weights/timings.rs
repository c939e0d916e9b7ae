//! Time that the parts of loading a model take.

use std::time::Duration;

/// Time that the parts of loading a model take.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoadTimings {
    /// Reading the configuration and the tokenizer.
    pub tokenizer: Duration,
    /// Opening the files of weights and listing their tensors.
    pub map: Duration,
    /// Converting the stored types to f32 and transposing linear weights.
    pub convert: Duration,
    /// Packing the weights in the form that is computed with.
    pub pack: Duration,
    /// Computing a first batch, one token per thread.
    pub warm_up: Duration,
}
