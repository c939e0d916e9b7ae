//! aarch64: NEON.

use rten_simd::isa::ArmNeonIsa;

use super::kernel::{I8, I32, Int8Isa, Kernel};
use super::portable::dot_i8;

/// Instruction sets of this architecture.
#[derive(Clone, Copy)]
pub(super) enum Native {
    Neon(Neon),
}

impl Native {
    /// Those that this CPU supports, best first.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        ArmNeonIsa::new().map(Neon).map(Self::Neon).into_iter()
    }

    /// Evaluates a kernel with the instructions of this set, which every program for this
    /// architecture is compiled with.
    pub(super) fn dispatch<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            Self::Neon(isa) => kernel.eval(isa),
        }
    }
}

/// NEON: every aarch64.
#[derive(Clone, Copy)]
pub(super) struct Neon(ArmNeonIsa);

impl Int8Isa for Neon {
    type Isa = ArmNeonIsa;
    const NAME: &'static str = "NEON";
    const FAST_INT8: bool = false;
    const NR_VECTORS: usize = 4;
    const MAX_ACTIVATION: u8 = 255;

    #[inline(always)]
    fn isa(self) -> ArmNeonIsa {
        self.0
    }

    #[inline(always)]
    fn dot_i8(self, activations: I8<Self>, weights: I8<Self>, sums: I32<Self>) -> I32<Self> {
        dot_i8(self.0, activations, weights, sums)
    }
}
