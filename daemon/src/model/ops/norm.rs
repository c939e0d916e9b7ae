//! Layer normalisation (Ba, Kiros and Hinton 2016) of a sum.

use rayon::prelude::*;
use rten_simd::SimdOp;
use rten_vecmath::{Normalize, NormalizeOptions, Sum, SumSquareSub};

/// Rows that one thread takes at a time: fewer are not worth handing over.
const SHARE: usize = 8;

/// A layer normalisation.
#[derive(Clone, Debug)]
pub(in crate::model) struct Norm {
    pub(in crate::model) gamma: Vec<f32>,
    pub(in crate::model) beta: Vec<f32>,
    pub(in crate::model) epsilon: f32,
}

impl Norm {
    /// Adds `residual` to `rows` and normalises each row, in place.
    pub(super) fn add_and_normalise(&self, rows: &mut [f32], residual: &[f32]) {
        let width = self.gamma.len().max(1);
        rows.par_chunks_mut(SHARE * width)
            .zip(residual.par_chunks(SHARE * width))
            .for_each(|(rows, residual)| {
                let rows = rows.chunks_exact_mut(width);
                for (row, residual) in rows.zip(residual.chunks_exact(width)) {
                    for (number, residual) in row.iter_mut().zip(residual) {
                        *number += residual;
                    }
                    self.normalise(row);
                }
            });
    }

    fn normalise(&self, row: &mut [f32]) {
        #[expect(clippy::cast_precision_loss, reason = "a row has hundreds of numbers")]
        let count = row.len() as f32;
        let mean = Sum::new(row).dispatch() / count;
        let variance = SumSquareSub::new(row, mean).dispatch() / count;
        let options = NormalizeOptions {
            pre_scale_bias: mean,
            scale: (variance + self.epsilon).sqrt().recip(),
            element_scale: Some(&self.gamma),
            element_bias: Some(&self.beta),
            ..NormalizeOptions::default()
        };
        Normalize::new_mut(row, options).dispatch();
    }
}
