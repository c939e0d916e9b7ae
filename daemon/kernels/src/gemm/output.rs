//! The result of a product: a matrix that several threads write to, each its own part.

#![allow(unsafe_code, reason = "parts of a matrix are not slices of memory")]

use std::marker::PhantomData;
use std::ops::Range;

use rayon::prelude::*;

/// Exclusive access to some rows and columns of a matrix that lies row by row.
pub(crate) struct OutputMatrix<'a> {
    first: *mut f32,
    rows: usize,
    columns: usize,
    /// Elements from the beginning of a row to that of the next.
    stride: usize,
    elements: PhantomData<&'a mut [f32]>,
}

// SAFETY: The matrix is exclusive access to f32 values, as `&mut [f32]` is.
unsafe impl Send for OutputMatrix<'_> {}

// SAFETY: A shared reference reads the shape alone; access to the elements takes `unsafe` or
// `&mut`.
unsafe impl Sync for OutputMatrix<'_> {}

impl<'a> OutputMatrix<'a> {
    /// All of `elements`, `columns` to a row.
    pub(crate) fn new(elements: &'a mut [f32], columns: usize) -> Self {
        let columns = columns.max(1);
        Self {
            first: elements.as_mut_ptr(),
            rows: elements.len() / columns,
            columns,
            stride: columns,
            elements: PhantomData,
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// The beginning of a row, from which as many elements as there are columns may be read and
    /// written. Null beyond the last row.
    #[inline(always)]
    pub(super) fn row_ptr(&mut self, row: usize) -> *mut f32 {
        if row < self.rows {
            self.first.wrapping_add(row * self.stride)
        } else {
            std::ptr::null_mut()
        }
    }

    /// Some of the rows and columns, as far as the matrix has them.
    pub(crate) fn view(&mut self, rows: Range<usize>, columns: Range<usize>) -> OutputMatrix<'_> {
        // SAFETY: `self` is borrowed for as long as the view lives.
        unsafe { self.view_unchecked(rows, columns) }
    }

    /// The same beside other views.
    ///
    /// # Safety
    ///
    /// Nothing else accesses these rows and columns while the view lives.
    unsafe fn view_unchecked(&self, rows: Range<usize>, columns: Range<usize>) -> OutputMatrix<'_> {
        let within = |range: Range<usize>, len: usize| {
            let end = range.end.min(len);
            range.start.min(end)..end
        };
        let (rows, columns) = (within(rows, self.rows), within(columns, self.columns));
        OutputMatrix {
            first: self
                .first
                .wrapping_add(rows.start * self.stride + columns.start),
            rows: rows.len(),
            columns: columns.len(),
            stride: self.stride,
            elements: PhantomData,
        }
    }

    /// Divides the matrix into blocks of so many rows and columns and gives them to the threads of
    /// the current pool, `min_len` blocks to a task at least. A block is named by its place among
    /// the blocks: row, column. Blocks of the same columns follow each other.
    pub(crate) fn par_blocks<E: Send>(
        self,
        (block_rows, block_columns): (usize, usize),
        min_len: usize,
        run: impl Fn((usize, usize), OutputMatrix<'_>) -> Result<(), E> + Send + Sync,
    ) -> Result<(), E> {
        let (block_rows, block_columns) = (block_rows.max(1), block_columns.max(1));
        let down = self.rows.div_ceil(block_rows);
        let across = self.columns.div_ceil(block_columns);
        (0..down * across)
            .into_par_iter()
            .with_min_len(min_len.max(1))
            .try_for_each(|index| {
                let (row, column) = (index % down, index / down);
                // SAFETY: Each index is used once, and blocks of different indices do not overlap.
                let block = unsafe {
                    self.view_unchecked(
                        row * block_rows..(row + 1) * block_rows,
                        column * block_columns..(column + 1) * block_columns,
                    )
                };
                run((row, column), block)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_each_element_once() {
        for (rows, columns, block) in [
            (5, 7, (2, 3)),
            (1, 1, (4, 4)),
            (6, 4, (6, 4)),
            (0, 3, (1, 1)),
        ] {
            let mut elements = vec![0.0; rows * columns];
            let covered =
                OutputMatrix::new(&mut elements, columns).par_blocks(block, 1, |_, mut part| {
                    for row in 0..part.rows() {
                        let first = part.row_ptr(row);
                        for column in 0..part.columns() {
                            // SAFETY: The part has this row and column.
                            unsafe { *first.add(column) += 1.0 };
                        }
                    }
                    Ok::<_, ()>(())
                });
            covered.unwrap();
            assert_eq!(elements, vec![1.0; rows * columns]);
        }
    }

    #[test]
    fn a_view_ends_where_the_matrix_does() {
        let mut elements = [0.0; 6];
        let mut matrix = OutputMatrix::new(&mut elements, 3);
        let mut view = matrix.view(1..9, 2..9);
        assert_eq!((view.rows(), view.columns()), (1, 1));
        assert!(!view.row_ptr(0).is_null());
        assert!(view.row_ptr(1).is_null());
        let outside = matrix.view(4..9, 0..1);
        assert_eq!(outside.rows(), 0);
    }
}
