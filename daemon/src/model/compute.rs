//! Threads and precision of a computation.

use gte_kernels::Cpu;
use gte_shared::wire::Precision;

/// Threads and precision of a computation.
#[derive(Clone, Copy, Debug)]
pub struct Compute {
    /// Number of threads.
    pub threads: usize,
    /// Type that linear layers multiply in.
    pub precision: Precision,
}

impl Compute {
    /// Setting for comparisons with reference values: f32 on one thread.
    pub(crate) const REFERENCE: Self = Self {
        threads: 1,
        precision: Precision::F32,
    };

    /// Returns the default precision: int8 if this CPU is faster in int8 than in f32, else f32.
    #[must_use]
    pub(crate) fn best_precision() -> Precision {
        if Cpu::detect().is_fast_in_int8() {
            Precision::Int8
        } else {
            Precision::F32
        }
    }
}
