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
    /// The form in which a model is compared with reference values.
    pub const REFERENCE: Self = Self {
        threads: 1,
        precision: Precision::F32,
    };

    /// The precision to use where nobody says: int8 where this CPU is faster in it than in f32.
    #[must_use]
    pub fn best_precision() -> Precision {
        if Cpu::detect().is_fast_in_int8() {
            Precision::Int8
        } else {
            Precision::F32
        }
    }
}
