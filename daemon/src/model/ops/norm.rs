//! Layer normalisation (Ba, Kiros and Hinton 2016).

use rayon::prelude::*;
use rten_simd::SimdOp;
use rten_vecmath::{Normalize, NormalizeOptions, Sum, SumSquareSub};

/// Numbers that are worth handing to another thread.
const SHARE: usize = 16 * 1024;

/// A layer normalisation.
#[derive(Clone, Debug)]
pub(in crate::model) struct Norm {
    pub(in crate::model) gamma: Vec<f32>,
    pub(in crate::model) beta: Vec<f32>,
    pub(in crate::model) epsilon: f32,
}

impl Norm {
    /// Normalises each row, in place.
    pub(in crate::model) fn forward(&self, rows: &mut [f32]) {
        let width = self.gamma.len().max(1);
        rows.par_chunks_exact_mut(width)
            .with_min_len(SHARE.div_ceil(width))
            .for_each(|row| self.normalise(row));
    }

    pub(super) fn normalise(&self, row: &mut [f32]) {
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
