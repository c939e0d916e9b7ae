//! Matrix products, tile by tile: a few rows by a few vectors of columns, whose sums stay in the
//! registers until they are complete and whatever comes after them has been done to them.

use std::marker::PhantomData;
use std::ops::Range;

use rten_simd::ops::{BitOps, NumOps};
use rten_simd::{Isa, SimdUnaryOp};
use rten_vecmath::Gelu;

use super::factors::{F32, Factors};
use super::machine::{Machine, Work};

/// The most rows of a tile. With its columns they fill the registers: 24 of the 32 of AVX-512 and NEON, 12 of
/// the 16 of AVX2.
pub(super) const ROWS: usize = 6;

/// The most columns of a tile: four vectors of AVX-512.
const MAX_COLUMNS: usize = 64;

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
