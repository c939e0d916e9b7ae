//! Epilogues: what is done to a product in the registers before it is written.

use rten_simd::ops::{BitOps, NumOps};
use rten_simd::{Isa, SimdUnaryOp};
use rten_vecmath::Gelu;

/// An operation on a product before it is written.
pub(crate) trait Epilogue: Copy + Send + Sync {
    /// Value to write. `column` is that of the vector's first element among all columns of the
    /// product, `previous` is what the output holds in this place.
    fn apply<I: Isa>(self, isa: I, product: I::F32, column: usize, previous: I::F32) -> I::F32;
}

/// The product as it is.
#[derive(Clone, Copy)]
pub(crate) struct Store;

impl Epilogue for Store {
    #[inline(always)]
    fn apply<I: Isa>(self, _: I, product: I::F32, _: usize, _: I::F32) -> I::F32 {
        product
    }
}

/// The product plus a bias of one value per column, padded with zeros to the end of the last panel.
#[derive(Clone, Copy)]
pub(crate) struct Bias<'a>(pub(crate) &'a [f32]);

impl Epilogue for Bias<'_> {
    #[inline(always)]
    fn apply<I: Isa>(self, isa: I, product: I::F32, column: usize, _: I::F32) -> I::F32 {
        let ops = isa.f32();
        ops.add(product, ops.load(&self.0[column..]))
    }
}

/// After the bias, the Gaussian error linear unit (Hendrycks and Gimpel 2016), the exact form.
#[derive(Clone, Copy)]
pub(crate) struct BiasGelu<'a>(pub(crate) &'a [f32]);

impl Epilogue for BiasGelu<'_> {
    #[inline(always)]
    fn apply<I: Isa>(self, isa: I, product: I::F32, column: usize, previous: I::F32) -> I::F32 {
        Gelu {}.eval(isa, Bias(self.0).apply(isa, product, column, previous))
    }
}

/// After the bias, plus what the output holds: the residual connection.
#[derive(Clone, Copy)]
pub(crate) struct BiasResidual<'a>(pub(crate) &'a [f32]);

impl Epilogue for BiasResidual<'_> {
    #[inline(always)]
    fn apply<I: Isa>(self, isa: I, product: I::F32, column: usize, previous: I::F32) -> I::F32 {
        let sum = Bias(self.0).apply(isa, product, column, previous);
        isa.f32().add(sum, previous)
    }
}
