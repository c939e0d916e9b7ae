//! The two operands of a product, and the sums of one tile of it.

#![allow(unsafe_code, reason = "vectors are loaded through pointers")]

use rten_simd::ops::{BitOps, NumOps};
use rten_simd::{Elem, Isa};

use super::packing::PackedMatrix;
use crate::isa::{F32, Int8Isa};

/// Distance from the multiplication to the weights that are asked for from memory, in bytes.
/// Measured: half and double of it are slower for few rows, where memory is what is waited for.
pub(super) const PREFETCH_DISTANCE: usize = 32 * 1024;

/// The two operands of a product.
///
/// # Safety
///
/// [`accumulate`](Self::accumulate) is sound for the rows and panels that the other methods state.
pub(crate) unsafe trait Operands: Sync {
    /// Rows of the product.
    fn rows(&self) -> usize;

    /// Panels of the right operand.
    fn panel_count(&self) -> usize;

    /// Columns of a panel.
    fn panel_width(&self) -> usize;

    /// Elements of the product in `R` rows from `row` on and in the columns of a panel.
    ///
    /// # Safety
    ///
    /// `row + R <= rows()`, `panel < panel_count()`, and `panel_width()` is that of `V` vectors.
    unsafe fn accumulate<M: Int8Isa, const R: usize, const V: usize>(
        &self,
        isa: M,
        row: usize,
        panel: usize,
    ) -> [[F32<M>; V]; R];
}

/// Rows of f32 values and an f32 weight.
pub(crate) struct F32Operands<'a> {
    rows: &'a [f32],
    /// Values from the beginning of a row to that of the next.
    stride: usize,
    weight: &'a PackedMatrix<f32>,
}

impl<'a> F32Operands<'a> {
    /// `rows` begins with the first value of the first row and ends with the last value of the last
    /// row; what lies between the rows is not read.
    pub(crate) fn new(rows: &'a [f32], stride: usize, weight: &'a PackedMatrix<f32>) -> Self {
        Self {
            rows,
            stride: stride.max(weight.k_steps()).max(1),
            weight,
        }
    }
}

// SAFETY: `rows` counts the rows that the slice holds whole, each of as many values as the weight
// has steps; a panel of the weight has `panel_width` values for each step.
unsafe impl Operands for F32Operands<'_> {
    fn rows(&self) -> usize {
        match self.rows.len().checked_sub(self.weight.k_steps()) {
            Some(before_last) => before_last / self.stride + 1,
            None => 0,
        }
    }

    fn panel_count(&self) -> usize {
        self.weight.panel_count()
    }

    fn panel_width(&self) -> usize {
        self.weight.panel_width()
    }

    #[inline(always)]
    unsafe fn accumulate<M: Int8Isa, const R: usize, const V: usize>(
        &self,
        isa: M,
        row: usize,
        panel: usize,
    ) -> [[F32<M>; V]; R] {
        let ops = isa.isa().f32();
        let lanes = ops.len();
        let mut weight = self.weight.panel(panel).as_ptr();
        let mut sums = [[ops.zero(); V]; R];
        // SAFETY: The caller promises rows and panel, which hold what is read (see above). What is
        // prefetched may lie anywhere.
        unsafe {
            let first = self.rows.as_ptr().add(row * self.stride);
            for step in 0..self.weight.k_steps() {
                let columns: [_; V] = load(ops, weight);
                for v in 0..V {
                    let ahead = PREFETCH_DISTANCE / size_of::<f32>() + v * lanes;
                    ops.prefetch(weight.wrapping_add(ahead));
                }
                for (r, sums) in sums.iter_mut().enumerate() {
                    let value = ops.splat(*first.add(r * self.stride + step));
                    for (sum, column) in sums.iter_mut().zip(columns) {
                        *sum = ops.mul_add(value, column, *sum);
                    }
                }
                weight = weight.add(V * lanes);
            }
        }
        sums
    }
}

/// Loads vectors that lie one after the other. (A loop: the closure of `array::from_fn` need not be
/// compiled with the instructions of the CPU.)
///
/// # Safety
///
/// There are `V` vectors at `first`.
#[inline(always)]
pub(super) unsafe fn load<T: Elem, O: BitOps<T>, const V: usize>(
    ops: O,
    first: *const T,
) -> [O::Simd; V] {
    let mut vectors = [ops.zero(); V];
    for (v, vector) in vectors.iter_mut().enumerate() {
        // SAFETY: As the caller promises.
        *vector = unsafe { ops.load_ptr(first.add(v * ops.len())) };
    }
    vectors
}
