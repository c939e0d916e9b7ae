//! Layer normalization (Ba, Kiros and Hinton 2016).

use rayon::prelude::*;
use rten_simd::SimdOp;
use rten_vecmath::{Normalize, NormalizeOptions, Sum, SumSquareSub};

use crate::error::ShapeError;

/// Values that are worth handing to another thread.
const MIN_VALUES_PER_TASK: usize = 16 * 1024;

/// A layer normalization over rows of one width.
#[derive(Clone, Debug)]
pub struct LayerNorm {
    gamma: Vec<f32>,
    beta: Vec<f32>,
    epsilon: f32,
}

impl LayerNorm {
    /// Makes one from gamma and beta, `[width]`, and the epsilon that is added to the variance.
    ///
    /// # Errors
    ///
    /// If gamma and beta are not of the same length.
    pub fn new(gamma: Vec<f32>, beta: Vec<f32>, epsilon: f32) -> Result<Self, ShapeError> {
        if gamma.len() != beta.len() {
            return Err(ShapeError {
                operation: "layer normalization".to_owned(),
                input: gamma.len(),
                output: beta.len(),
            });
        }
        Ok(Self {
            gamma,
            beta,
            epsilon,
        })
    }

    /// Values per row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.gamma.len()
    }

    /// Normalizes rows `[rows, width]` in place.
    ///
    /// # Errors
    ///
    /// If the rows are not whole.
    pub fn forward(&self, rows: &mut [f32]) -> Result<(), ShapeError> {
        let width = self.width().max(1);
        if !rows.len().is_multiple_of(width) {
            return Err(self.misfit(rows));
        }
        rows.par_chunks_exact_mut(width)
            .with_min_len(MIN_VALUES_PER_TASK.div_ceil(width))
            .try_for_each(|row| self.normalize(row))
    }

    /// Normalizes one row `[width]` in place, on this thread.
    ///
    /// # Errors
    ///
    /// If the row is of another width.
    pub fn normalize(&self, row: &mut [f32]) -> Result<(), ShapeError> {
        if row.len() != self.width() {
            return Err(self.misfit(row));
        }
        #[expect(clippy::cast_precision_loss, reason = "a row has hundreds of values")]
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
        Ok(())
    }

    fn misfit(&self, rows: &[f32]) -> ShapeError {
        ShapeError {
            operation: "layer normalization".to_owned(),
            input: self.width(),
            output: rows.len(),
        }
    }
}
