//! The two traits: what an instruction set can do, and what is computed with one.

use rten_simd::Isa;
use rten_simd::ops::BitOps;

/// Vector of f32 values of an instruction set.
pub(crate) type F32<M> = <<M as Int8Isa>::Isa as Isa>::F32;
/// Vector of eight-bit integers of an instruction set.
pub(crate) type I8<M> = <<M as Int8Isa>::Isa as Isa>::I8;
/// Vector of 32-bit integers of an instruction set.
pub(crate) type I32<M> = <<M as Int8Isa>::Isa as Isa>::I32;

/// An instruction set. A value proves that this CPU supports it.
pub(crate) trait Int8Isa: Copy + Send + Sync {
    /// Vectors and the operations on them.
    type Isa: Isa;

    /// Name for people.
    const NAME: &'static str;

    /// True where products of eight-bit integers are faster than products of f32 values.
    const FAST_INT8: bool;

    /// Vectors side by side in a tile, so that a tile of [`MR`](crate::gemm::MR) rows just fits
    /// into the registers: 2 or 4.
    const NR_VECTORS: usize;

    /// Largest eight-bit activation whose products with weights are added up exactly.
    const MAX_ACTIVATION: u8;

    /// Vectors and the operations on them.
    fn isa(self) -> Self::Isa;

    /// Dot products of four neighbors: multiplies activations (0 to
    /// [`MAX_ACTIVATION`](Self::MAX_ACTIVATION)) by weights (-128 to 127) and adds the products to
    /// the sums, four to one.
    fn dot_i8(self, activations: I8<Self>, weights: I8<Self>, sums: I32<Self>) -> I32<Self>;

    /// Columns of a tile, which is also the width of a panel of packed weights.
    #[inline(always)]
    fn panel_width(self) -> usize {
        Self::NR_VECTORS * self.isa().f32().len()
    }
}

/// A computation that is compiled once for each instruction set.
///
/// Only [`eval`](Self::eval) itself and what is inlined into it is compiled with the instructions
/// of the CPU. So a kernel runs on one thread: work is divided among threads outside of it.
pub(crate) trait Kernel {
    /// Result of the computation.
    type Output;

    /// Computes with an instruction set.
    fn eval<M: Int8Isa>(self, isa: M) -> Self::Output;
}
