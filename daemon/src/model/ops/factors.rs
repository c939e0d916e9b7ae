//! The two factors of a matrix product, in f32 and in eight bits, and the sums of one tile of it.

use rten_simd::ops::{BitOps, FloatOps, NumOps, ToFloat};
use rten_simd::{Elem, Isa, Simd};

use super::machine::Machine;
use super::panels::Panels;
use super::quantise::{Outlier, Quantised};

/// How far ahead of the multiplication weights are asked for from memory, in bytes. Measured: half and
/// double of it are slower for few rows, where memory is what is waited for.
const AHEAD: usize = 32 * 1024;

pub(super) type F32<M> = <<M as Machine>::Isa as Isa>::F32;

/// The two factors of a product.
///
/// # Safety
///
/// [`sums`](Self::sums) may rely on nothing but what its caller promises.
pub(super) unsafe trait Factors: Sync {
    /// Rows of the product.
    fn rows(&self) -> usize;

    /// The product's numbers in `R` rows, the first of which is `row`, and in the columns of a panel.
    ///
    /// # Safety
    ///
    /// The rows and the panel are there, and a panel is `V` vectors wide.
    unsafe fn sums<M: Machine, const R: usize, const V: usize>(
        &self,
        machine: M,
        row: usize,
        panel: usize,
    ) -> [[F32<M>; V]; R];
}

/// Rows of f32 and a weight in f32.
pub(super) struct Floats<'a> {
    rows: &'a [f32],
    /// From one row's beginning to the next one's.
    stride: usize,
    weight: &'a Panels<f32>,
}

impl<'a> Floats<'a> {
    /// `rows` begins with the first row's first number and ends with the last row's last number.
    pub(super) fn new(rows: &'a [f32], stride: usize, weight: &'a Panels<f32>) -> Self {
        Self {
            rows,
            stride: stride.max(weight.steps()).max(1),
            weight,
        }
    }
}

// Safety: every number that is read is one of the two slices', see below.
unsafe impl Factors for Floats<'_> {
    fn rows(&self) -> usize {
        match self.rows.len().checked_sub(self.weight.steps()) {
            Some(before_last) => before_last / self.stride + 1,
            None => 0,
        }
    }

    #[inline(always)]
    unsafe fn sums<M: Machine, const R: usize, const V: usize>(
        &self,
        machine: M,
        row: usize,
        panel: usize,
    ) -> [[F32<M>; V]; R] {
        let ops = machine.isa().f32();
        let lanes = ops.len();
        let mut weight = self.weight.panel(panel).as_ptr();
        let mut sums = [[ops.zero(); V]; R];
        // Safety: there are R rows from `row` on, and the last of all ends with the slice; the panel is as
        // many vectors wide and has as many steps as are read. What is asked for ahead may be anywhere.
        unsafe {
            let first = self.rows.as_ptr().add(row * self.stride);
            for step in 0..self.weight.steps() {
                let columns: [_; V] = load(ops, weight);
                for v in 0..V {
                    ops.prefetch(weight.wrapping_add(AHEAD / size_of::<f32>() + v * lanes));
                }
                for (r, sums) in sums.iter_mut().enumerate() {
                    let number = ops.splat(*first.add(r * self.stride + step));
                    for (sum, column) in sums.iter_mut().zip(columns) {
                        *sum = ops.mul_add(number, column, *sum);
                    }
                }
                weight = weight.add(V * lanes);
            }
        }
        sums
    }
}

/// Rows of eight-bit numbers and a weight in int8.
pub(super) struct Bytes<'a> {
    pub(super) rows: &'a Quantised,
    pub(super) weight: &'a Panels<i8>,
    /// For each panel, for each [`GROUP`] of its steps, the scale of each column.
    pub(super) scales: &'a [f32],
    /// The sum of each column of the weight, scaled, and zeros up to the end of the last panel.
    pub(super) totals: &'a [f32],
}

/// Steps of a weight in int8 that have a scale of their own: 256 inputs.
pub(super) const GROUP: usize = 64;

// Safety: every number that is read is one of the four slices', see below.
unsafe impl Factors for Bytes<'_> {
    fn rows(&self) -> usize {
        self.rows.count()
    }

    #[inline(always)]
    unsafe fn sums<M: Machine, const R: usize, const V: usize>(
        &self,
        machine: M,
        row: usize,
        panel: usize,
    ) -> [[F32<M>; V]; R] {
        let isa = machine.isa();
        let (ints, floats, bytes) = (isa.i32(), isa.f32(), isa.i8());
        let lanes = ints.len();
        let steps = self.weight.steps();
        let weight = self.weight.panel(panel);
        let scales = &self.scales[panel * steps.div_ceil(GROUP) * V * lanes..];
        let scales = scales.as_ptr();
        let stride = self.rows.stride();
        let mut first = self.rows.rows(row).as_ptr();
        let mut next = weight.as_ptr();
        let mut sums = [[floats.zero(); V]; R];
        for (group, from) in (0..steps).step_by(GROUP).enumerate() {
            let mut products = [[ints.zero(); V]; R];
            for _ in from..steps.min(from + GROUP) {
                // Safety: there are R rows from `row` on, each of as many words as the weight has steps, which
                // `Quantised` sees to; the panel is as many vectors wide and has as many steps as are read. What
                // is asked for ahead may be anywhere.
                unsafe {
                    let columns: [_; V] = load(bytes, next);
                    for v in 0..V {
                        bytes.prefetch(next.wrapping_add(AHEAD + v * lanes * 4));
                    }
                    for (r, products) in products.iter_mut().enumerate() {
                        let four = ints.splat(*first.add(r * stride)).reinterpret_cast();
                        for (product, column) in products.iter_mut().zip(columns) {
                            *product = machine.dot(four, column, *product);
                        }
                    }
                    first = first.add(1);
                    next = next.add(V * lanes * 4);
                }
            }
            // Safety: there are V vectors of scales for each group of steps.
            let scales: [_; V] = unsafe { load(floats, scales.add(group * V * lanes)) };
            for (sums, products) in sums.iter_mut().zip(products) {
                for ((sum, product), scale) in sums.iter_mut().zip(products).zip(scales) {
                    *sum = floats.mul_add(ints.to_float(product), scale, *sum);
                }
            }
        }
        // Σ (a - zero) w = Σ a w - zero Σ w
        // Safety: there are V vectors of totals for each panel.
        let totals: [_; V] = unsafe { load(floats, self.totals.as_ptr().add(panel * V * lanes)) };
        for (r, sums) in sums.iter_mut().enumerate() {
            let row = self.rows.scale(row + r);
            let (zero, scale) = (floats.splat(row.zero), floats.splat(row.scale));
            for (sum, total) in sums.iter_mut().zip(totals) {
                *sum = floats.mul(floats.mul_sub_from(zero, total, *sum), scale);
            }
            for Outlier { channel, number } in row.outliers {
                // One of four weights, picked by multiplying it with one and the others with zero.
                let mut one = [0; 4];
                one[channel % 4] = 1;
                let one = ints.splat(i32::from_ne_bytes(one)).reinterpret_cast();
                let number = floats.splat(number);
                let step = channel / 4;
                // Safety: the channel is one of the row's, so the step is one of the panel's.
                let (weights, scales): ([_; V], [_; V]) = unsafe {
                    (
                        load(bytes, weight.as_ptr().add(step * V * lanes * 4)),
                        load(floats, scales.add(step / GROUP * V * lanes)),
                    )
                };
                for ((sum, weights), scale) in sums.iter_mut().zip(weights).zip(scales) {
                    let weight = ints.to_float(machine.dot(one, weights, ints.zero()));
                    *sum = floats.mul_add(number, floats.mul(weight, scale), *sum);
                }
            }
        }
        sums
    }
}

/// Vectors that lie one after the other. (A loop, since what `array::from_fn` calls is not sure to be compiled
/// with the instructions of the CPU.)
///
/// # Safety
///
/// There are `V` vectors.
#[inline(always)]
unsafe fn load<T: Elem, O: BitOps<T>, const V: usize>(ops: O, first: *const T) -> [O::Simd; V] {
    let mut vectors = [ops.zero(); V];
    for (v, vector) in vectors.iter_mut().enumerate() {
        // Safety: as the caller promises.
        *vector = unsafe { ops.load_ptr(first.add(v * ops.len())) };
    }
    vectors
}
