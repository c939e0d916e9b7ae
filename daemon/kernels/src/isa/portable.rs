//! Every architecture: plain Rust, and dot products for instruction sets that have none.

use rten_simd::isa::GenericIsa;
use rten_simd::ops::BitOps;
use rten_simd::{Isa, Simd};

use super::kernel::{I8, I32, Int8Isa};

/// Plain Rust.
#[derive(Clone, Copy)]
pub(super) struct Portable(GenericIsa);

impl Portable {
    pub(super) fn new() -> Self {
        Self(GenericIsa::new())
    }
}

impl Int8Isa for Portable {
    type Isa = GenericIsa;
    const NAME: &'static str = "portable";
    const FAST_INT8: bool = false;
    const NR_VECTORS: usize = 2;
    const MAX_ACTIVATION: u8 = 255;

    #[inline(always)]
    fn isa(self) -> GenericIsa {
        self.0
    }

    #[inline(always)]
    fn dot_i8(self, activations: I8<Self>, weights: I8<Self>, sums: I32<Self>) -> I32<Self> {
        dot_i8(self.0, activations, weights, sums)
    }
}

/// [`Int8Isa::dot_i8`] lane by lane.
#[inline(always)]
pub(super) fn dot_i8<I: Isa>(isa: I, activations: I::I8, weights: I::I8, sums: I::I32) -> I::I32 {
    let (activations, weights) = (activations.to_array(), weights.to_array());
    let (activations, _) = activations.as_ref().as_chunks::<4>();
    let (weights, _) = weights.as_ref().as_chunks::<4>();
    let mut sums = sums.to_array();
    for (lane, (activations, weights)) in activations.iter().zip(weights).enumerate() {
        for (activation, weight) in activations.iter().zip(weights) {
            sums[lane] += i32::from(activation.cast_unsigned()) * i32::from(*weight);
        }
    }
    isa.i32().load(sums.as_ref())
}
