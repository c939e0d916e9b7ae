//! A linear layer: its weight is packed once, in the order that the multiplication reads it in.

use std::fmt;

use rayon::prelude::*;
use rten_gemm::{BiasVector, GemmExecutor, GemmInputA, GemmInputB, GemmOptions, PackedBMatrix};
use rten_simd::SimdUnaryOp;
use rten_tensor::NdTensorView;
use rten_vecmath::Gelu;

use super::{OpError, Rows};

thread_local! {
    /// Finds out which instructions the CPU has, once a thread: it cannot be sent to another.
    pub(super) static GEMM: GemmExecutor<f32> = GemmExecutor::default();
}

/// Numbers that one thread takes at a time: 64 KiB, which stay in its nearer cache.
const SHARE: usize = 16 * 1024;

/// A linear layer, ready to multiply with.
pub(in crate::model) struct PackedLinear {
    weight: PackedBMatrix<f32>,
    bias: Vec<f32>,
}

impl fmt::Debug for PackedLinear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (inputs, outputs) = (self.weight.rows(), self.weight.cols());
        write!(f, "PackedLinear({inputs} to {outputs})")
    }
}

impl PackedLinear {
    /// Packs a weight `[inputs, outputs]`; there is a number in the bias for each output.
    pub(in crate::model) fn new(weight: &[f32], bias: Vec<f32>) -> Self {
        let outputs = bias.len();
        let inputs = weight.len().checked_div(outputs).unwrap_or(0);
        let weight = NdTensorView::from_data([inputs, outputs], weight);
        Self {
            weight: GEMM.with(|gemm| gemm.prepack_b(weight)),
            bias,
        }
    }

    pub(super) fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// `x W + b`, with the threads of the pool that this is called in.
    pub(super) fn forward(&self, x: &Rows<'_>) -> Result<Vec<f32>, OpError> {
        let mut output = vec![0.0; x.count() * self.outputs()];
        let options = GemmOptions {
            bias: Some(BiasVector::Row(&self.bias)),
            ..GemmOptions::default()
        };
        let input = NdTensorView::from_data([x.count(), x.width], x.numbers);
        let multiplied = GEMM.with(|gemm| {
            let (a, b) = (
                GemmInputA::Unpacked(input),
                GemmInputB::Packed(&self.weight),
            );
            gemm.gemm(&mut output, a, b, options)
        });
        multiplied.map_err(|error| OpError::Shape(error.to_string()))?;
        Ok(output)
    }
}

/// The Gaussian error linear unit, exact (Hendrycks and Gimpel 2016), in place.
pub(super) fn gelu(numbers: &mut [f32]) {
    numbers
        .par_chunks_mut(SHARE)
        .for_each(|share| Gelu {}.map_mut(share));
}
