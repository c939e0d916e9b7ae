//! One panel's columns of a product, a few rows at a time: their sums stay in the registers until
//! they are complete and the epilogue has been applied.

#![allow(unsafe_code, reason = "vectors are stored through pointers")]

use rten_simd::Isa;
use rten_simd::ops::BitOps;

use super::epilogue::Epilogue;
use super::operands::Operands;
use super::output::OutputMatrix;
use crate::error::ShapeError;
use crate::isa::{F32, Int8Isa, Kernel};

/// Rows of a tile at most. With its columns they fill the registers: 24 of the 32 of AVX-512 and
/// NEON, 12 of the 16 of AVX2.
pub(crate) const MR: usize = 6;

/// Columns of a tile at most: four vectors of AVX-512.
const MAX_TILE_COLUMNS: usize = 64;

/// A part of a product: some of its rows, and the columns of one panel.
pub(crate) struct Tile<'a, O, E> {
    /// Operands of the whole product.
    pub(crate) operands: &'a O,
    /// Operation before the result is written.
    pub(crate) epilogue: E,
    /// Row of the product that is row 0 of the output.
    pub(crate) first_row: usize,
    /// Panel whose columns are those of the output.
    pub(crate) panel: usize,
    /// Place of the result.
    pub(crate) output: OutputMatrix<'a>,
}

/// Multiplies all rows of the output by all panels, on this thread.
#[inline(always)]
pub(crate) fn multiply<M: Int8Isa, O: Operands, E: Epilogue>(
    isa: M,
    operands: &O,
    epilogue: E,
    output: &mut OutputMatrix<'_>,
) -> Result<(), ShapeError> {
    let width = isa.panel_width();
    let rows = output.rows();
    for panel in 0..output.columns().div_ceil(width) {
        let tile = Tile {
            operands,
            epilogue,
            first_row: 0,
            panel,
            output: output.view(0..rows, panel * width..(panel + 1) * width),
        };
        tile.eval(isa)?;
    }
    Ok(())
}

impl<O: Operands, E: Epilogue> Kernel for Tile<'_, O, E> {
    type Output = Result<(), ShapeError>;

    #[inline(always)]
    fn eval<M: Int8Isa>(mut self, isa: M) -> Result<(), ShapeError> {
        const {
            assert!(M::NR_VECTORS == 2 || M::NR_VECTORS == 4);
        }
        // Whatever the unsafe code below relies on.
        let fits = self.panel < self.operands.panel_count()
            && self.operands.panel_width() == isa.panel_width()
            && self.first_row + self.output.rows() <= self.operands.rows()
            && self.output.columns() <= isa.panel_width()
            && isa.panel_width() <= MAX_TILE_COLUMNS;
        if !fits {
            return Err(ShapeError {
                operation: format!("panel {} of a product", self.panel),
                input: self.operands.rows(),
                output: self.output.rows(),
            });
        }
        if M::NR_VECTORS == 4 {
            self.rows::<M, 4>(isa);
        } else {
            self.rows::<M, 2>(isa);
        }
        Ok(())
    }
}

impl<O: Operands, E: Epilogue> Tile<'_, O, E> {
    #[inline(always)]
    fn rows<M: Int8Isa, const V: usize>(&mut self, isa: M) {
        let rows = self.output.rows();
        for row in (0..rows).step_by(MR) {
            match rows - row {
                1 => self.tile::<M, 1, V>(isa, row),
                2 => self.tile::<M, 2, V>(isa, row),
                3 => self.tile::<M, 3, V>(isa, row),
                4 => self.tile::<M, 4, V>(isa, row),
                5 => self.tile::<M, 5, V>(isa, row),
                _ => self.tile::<M, MR, V>(isa, row),
            }
        }
    }

    #[inline(always)]
    fn tile<M: Int8Isa, const R: usize, const V: usize>(&mut self, isa: M, row: usize) {
        let width = V * isa.isa().f32().len();
        let columns = self.output.columns();
        let first_row = self.first_row + row;
        // SAFETY: `eval` has found that operands and output have these rows and this panel, and
        // that a panel is as wide as a tile.
        let sums = unsafe {
            self.operands
                .accumulate::<M, R, V>(isa, first_row, self.panel)
        };
        for (r, sums) in sums.into_iter().enumerate() {
            let to = self.output.row_ptr(row + r);
            if columns == width {
                // SAFETY: The output has this row, of as many columns as a tile.
                unsafe { self.write(isa, sums, to) };
            } else {
                let mut whole = [0.0; MAX_TILE_COLUMNS];
                // SAFETY: The output has this row, of so many columns, which are fewer than those
                // of the array.
                unsafe { std::ptr::copy_nonoverlapping(to, whole.as_mut_ptr(), columns) };
                // SAFETY: The array has room for the widest tile.
                unsafe { self.write(isa, sums, whole.as_mut_ptr()) };
                // SAFETY: As above.
                unsafe { std::ptr::copy_nonoverlapping(whole.as_ptr(), to, columns) };
            }
        }
    }

    /// Writes one row of a tile.
    ///
    /// # Safety
    ///
    /// `V` vectors may be read and written at `to`.
    #[inline(always)]
    unsafe fn write<M: Int8Isa, const V: usize>(&self, isa: M, sums: [F32<M>; V], to: *mut f32) {
        let isa = isa.isa();
        let ops = isa.f32();
        let first_column = self.panel * V * ops.len();
        for (v, sum) in sums.into_iter().enumerate() {
            let offset = v * ops.len();
            // SAFETY: As the caller promises.
            unsafe {
                let previous = ops.load_ptr(to.add(offset));
                let value = self
                    .epilogue
                    .apply(isa, sum, first_column + offset, previous);
                ops.store_ptr(value, to.add(offset));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemm::{F32Operands, PackedMatrix, Store};
    use crate::isa::Cpu;

    #[test]
    fn a_tile_that_does_not_fit_is_refused() {
        let cpu = Cpu::detect();
        let width = cpu.panel_width();
        let rows = [1.0; 4];
        let weight = PackedMatrix::zeros(2, width, width);
        let narrow = PackedMatrix::zeros(2, width, width / 2);
        let eval = |weight, rows_out: usize, first_row, panel| {
            let operands = F32Operands::new(&rows, 2, weight);
            let mut output = vec![0.0; rows_out * width];
            cpu.dispatch(Tile {
                operands: &operands,
                epilogue: Store,
                first_row,
                panel,
                output: OutputMatrix::new(&mut output, width),
            })
        };
        assert!(eval(&weight, 2, 0, 0).is_ok());
        assert!(eval(&weight, 3, 0, 0).is_err(), "more rows than operands");
        assert!(eval(&weight, 2, 1, 0).is_err(), "rows beyond the last");
        assert!(eval(&weight, 2, 0, 1).is_err(), "no such panel");
        assert!(eval(&narrow, 2, 0, 0).is_err(), "another panel width");
    }
}
