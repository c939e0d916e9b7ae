//! Matrix products, tile by tile: a few rows by a few vectors of columns, whose sums stay in the
//! registers until they are complete and whatever comes after them has been done to them.

use std::marker::PhantomData;
use std::ops::Range;

use rten_simd::ops::{BitOps, FloatOps, NumOps, ToFloat};
use rten_simd::{Elem, Isa, Simd, SimdUnaryOp};
use rten_vecmath::Gelu;

use super::machine::{Machine, Work};
use super::panels::Panels;
use super::quantise::{Outlier, Quantised};

/// The most rows of a tile. With its columns they fill the registers: 24 of the 32 of AVX-512 and NEON, 12 of
/// the 16 of AVX2.
pub(super) const ROWS: usize = 6;

/// The most columns of a tile: four vectors of AVX-512.
const MAX_COLUMNS: usize = 64;

/// How far ahead of the multiplication weights are asked for from memory, in bytes. Measured: half and
/// double of it are slower for few rows, where memory is what is waited for.
const AHEAD: usize = 32 * 1024;

type F32<M> = <<M as Machine>::Isa as Isa>::F32;

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

/// What is done to a product before it is written.
pub(super) trait After: Copy + Send + Sync {
    /// `column` is that of the vector's first number; `there` is what the output has in its place.
    fn after<I: Isa>(self, isa: I, product: I::F32, column: usize, there: I::F32) -> I::F32;
}

/// It is written as it is.
#[derive(Clone, Copy)]
pub(super) struct Plain;

impl After for Plain {
    #[inline(always)]
    fn after<I: Isa>(self, _: I, product: I::F32, _: usize, _: I::F32) -> I::F32 {
        product
    }
}

/// A number for each column is added, and zeros are behind them up to the end of the last panel.
#[derive(Clone, Copy)]
pub(super) struct Bias<'a>(pub(super) &'a [f32]);

impl After for Bias<'_> {
    #[inline(always)]
    fn after<I: Isa>(self, isa: I, product: I::F32, column: usize, _: I::F32) -> I::F32 {
        let ops = isa.f32();
        ops.add(product, ops.load(&self.0[column..]))
    }
}

/// After the bias, the Gaussian error linear unit (Hendrycks and Gimpel 2016), the exact one.
#[derive(Clone, Copy)]
pub(super) struct BiasGelu<'a>(pub(super) &'a [f32]);

impl After for BiasGelu<'_> {
    #[inline(always)]
    fn after<I: Isa>(self, isa: I, product: I::F32, column: usize, there: I::F32) -> I::F32 {
        Gelu {}.eval(isa, Bias(self.0).after(isa, product, column, there))
    }
}

/// After the bias, what is there already.
#[derive(Clone, Copy)]
pub(super) struct BiasAdd<'a>(pub(super) &'a [f32]);

impl After for BiasAdd<'_> {
    #[inline(always)]
    fn after<I: Isa>(self, isa: I, product: I::F32, column: usize, there: I::F32) -> I::F32 {
        isa.f32()
            .add(Bias(self.0).after(isa, product, column, there), there)
    }
}

/// Rows of numbers that several threads write into, each in columns or rows of its own.
pub(super) struct Output<'a> {
    first: *mut f32,
    rows: usize,
    columns: usize,
    stride: usize,
    numbers: PhantomData<&'a mut [f32]>,
}

// Safety: it is written into by blocks alone, and whoever makes one promises that no other has the same place.
unsafe impl Sync for Output<'_> {}

impl<'a> Output<'a> {
    /// All of `numbers`, rows of `columns` each.
    pub(super) fn new(numbers: &'a mut [f32], columns: usize) -> Self {
        let columns = columns.max(1);
        Self {
            first: numbers.as_mut_ptr(),
            rows: numbers.len() / columns,
            columns,
            stride: columns,
            numbers: PhantomData,
        }
    }

    /// Some of its rows and columns; none where it does not have them.
    pub(super) fn part(&'a self, rows: Range<usize>, columns: Range<usize>) -> Self {
        let there = rows.end <= self.rows && columns.end <= self.columns;
        let offset = rows.start * self.stride + columns.start;
        Self {
            first: self.first.wrapping_add(offset),
            rows: if there { rows.len() } else { 0 },
            columns: if there { columns.len() } else { 0 },
            stride: self.stride,
            numbers: PhantomData,
        }
    }
}

/// A part of a product: some of its rows, and one panel's columns.
pub(super) struct Block<'a, F, A> {
    factors: &'a F,
    after: A,
    output: &'a Output<'a>,
    rows: Range<usize>,
    panel: usize,
}

impl<'a, F: Factors, A: After> Block<'a, F, A> {
    /// # Safety
    ///
    /// Nothing else reads or writes these rows and columns of the output before the block has run.
    pub(super) unsafe fn new(
        factors: &'a F,
        after: A,
        output: &'a Output<'a>,
        rows: Range<usize>,
        panel: usize,
    ) -> Self {
        Self {
            factors,
            after,
            output,
            rows,
            panel,
        }
    }
}

impl<F: Factors, A: After> Work for Block<'_, F, A> {
    type Output = ();

    #[inline(always)]
    fn run<M: Machine>(self, machine: M) {
        if M::VECTORS == 4 {
            self.tiles::<M, 4>(machine);
        } else {
            self.tiles::<M, 2>(machine);
        }
    }
}

impl<F: Factors, A: After> Block<'_, F, A> {
    #[inline(always)]
    fn tiles<M: Machine, const V: usize>(&self, machine: M) {
        let end = self.rows.end.min(self.factors.rows()).min(self.output.rows);
        let mut row = self.rows.start;
        while row < end {
            match end - row {
                1 => self.tile::<M, 1, V>(machine, row),
                2 => self.tile::<M, 2, V>(machine, row),
                3 => self.tile::<M, 3, V>(machine, row),
                4 => self.tile::<M, 4, V>(machine, row),
                5 => self.tile::<M, 5, V>(machine, row),
                _ => self.tile::<M, ROWS, V>(machine, row),
            }
            row += ROWS;
        }
    }

    #[inline(always)]
    fn tile<M: Machine, const R: usize, const V: usize>(&self, machine: M, row: usize) {
        let isa = machine.isa();
        let ops = isa.f32();
        let lanes = ops.len();
        let first_column = self.panel * V * lanes;
        let columns = self.output.columns.saturating_sub(first_column);
        // Safety: `tiles` goes through rows that are there.
        let sums = unsafe { self.factors.sums::<M, R, V>(machine, row, self.panel) };
        for (r, sums) in sums.into_iter().enumerate() {
            // Safety: row and column are within the output, so this is the place of one of its numbers.
            let at = unsafe {
                let row = self.output.first.add((row + r) * self.output.stride);
                row.add(first_column.min(self.output.columns))
            };
            if columns >= V * lanes {
                // Safety: the output has room for so many columns.
                unsafe { self.write(machine, sums, first_column, at) };
            } else {
                let mut whole = [0.0; MAX_COLUMNS];
                // Safety: the output has so many columns more, and the array is longer.
                unsafe { std::ptr::copy_nonoverlapping(at, whole.as_mut_ptr(), columns) };
                // Safety: the array has room for the widest tile.
                unsafe { self.write(machine, sums, first_column, whole.as_mut_ptr()) };
                // Safety: as above.
                unsafe { std::ptr::copy_nonoverlapping(whole.as_ptr(), at, columns) };
            }
        }
    }
    /// Writes one row of a tile.
    ///
    /// # Safety
    ///
    /// There is room for `V` vectors at `at`, with numbers in it.
    #[inline(always)]
    unsafe fn write<M: Machine, const V: usize>(
        &self,
        machine: M,
        sums: [F32<M>; V],
        first_column: usize,
        at: *mut f32,
    ) {
        let isa = machine.isa();
        let ops = isa.f32();
        for (v, sum) in sums.into_iter().enumerate() {
            let offset = v * ops.len();
            // Safety: as the caller promises.
            unsafe {
                let there = ops.load_ptr(at.add(offset));
                let number = self.after.after(isa, sum, first_column + offset, there);
                ops.store_ptr(number, at.add(offset));
            }
        }
    }
}
