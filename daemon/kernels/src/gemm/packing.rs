//! Packed matrices: weights in the order in which a tile reads them.

#![allow(
    unsafe_code,
    reason = "aligned memory is read as slices of its elements"
)]

use std::marker::PhantomData;

use super::memory::{LINE, Lines, WeightMemory};

/// Outputs that are packed at a time. Four bytes of each fill a cache line, so that every line of
/// a panel of as many columns is written once.
const OUTPUTS_PER_BLOCK: usize = 16;

/// Type of the elements of a packed matrix.
///
/// # Safety
///
/// Every bit pattern is a value of the type, which has no padding and is not of zero size, and its
/// alignment is that of a cache line at most.
pub(crate) unsafe trait Element: Copy + Default + Send + Sync {
    /// Inputs of one column that lie together and are multiplied and added up in one instruction.
    const K_TILE: usize;
}

// SAFETY: Every bit pattern is an f32, which has no padding and is aligned to 4.
unsafe impl Element for f32 {
    const K_TILE: usize = 1;
}

// SAFETY: Every bit pattern is an i8, which has no padding and is aligned to 1.
unsafe impl Element for i8 {
    const K_TILE: usize = 4;
}

/// A matrix `[inputs, outputs]` in panels of as many columns as a tile has.
///
/// A panel is `k_steps` steps one after the other; a step is `K_TILE` inputs of each column, those
/// of one column together. What is missing at the end of inputs and outputs is zero.
#[derive(Default)]
pub(crate) struct PackedMatrix<T> {
    lines: Lines,
    panel_count: usize,
    panel_width: usize,
    k_steps: usize,
    element: PhantomData<T>,
}

impl<T: Element> PackedMatrix<T> {
    /// A matrix of zeros.
    #[cfg(test)]
    pub(crate) fn zeros(inputs: usize, outputs: usize, panel_width: usize) -> Self {
        Self::zeros_in(&WeightMemory::default(), inputs, outputs, panel_width)
    }

    /// A matrix of zeros in the memory of a model.
    fn zeros_in(memory: &WeightMemory, inputs: usize, outputs: usize, panel_width: usize) -> Self {
        Self {
            lines: memory.zeros(Self::line_count(inputs, outputs, panel_width)),
            panel_count: outputs.div_ceil(panel_width),
            panel_width,
            k_steps: inputs.div_ceil(T::K_TILE),
            element: PhantomData,
        }
    }

    /// Bytes of a matrix.
    pub(crate) fn bytes(inputs: usize, outputs: usize, panel_width: usize) -> usize {
        Self::line_count(inputs, outputs, panel_width) * LINE
    }

    /// Lines of a matrix.
    fn line_count(inputs: usize, outputs: usize, panel_width: usize) -> usize {
        let steps = inputs.next_multiple_of(T::K_TILE);
        let columns = outputs.next_multiple_of(panel_width);
        (steps * columns * size_of::<T>()).div_ceil(LINE)
    }

    /// Packs a matrix `[inputs, outputs]` that is stored output by output: `read` writes the inputs
    /// of one output. It is called for each output in turn.
    pub(crate) fn from_columns<E>(
        memory: &WeightMemory,
        inputs: usize,
        outputs: usize,
        panel_width: usize,
        mut read: impl FnMut(usize, &mut [T]) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut matrix = Self::zeros_in(memory, inputs, outputs, panel_width);
        // A cache line more than the inputs, so that the values of a step do not all map to the
        // same set of the cache.
        let stride = matrix.k_steps * T::K_TILE + LINE / size_of::<T>();
        let mut block = vec![T::default(); OUTPUTS_PER_BLOCK * stride];
        for (index, panel) in matrix.panels_mut().enumerate() {
            let columns = panel_width.min(outputs - index * panel_width);
            for first in (0..columns).step_by(OUTPUTS_PER_BLOCK) {
                let count = OUTPUTS_PER_BLOCK.min(columns - first);
                let rows = block.chunks_exact_mut(stride).take(count);
                for (row, output) in rows.zip(index * panel_width + first..) {
                    read(output, &mut row[..inputs])?;
                }
                let steps = panel.chunks_exact_mut(panel_width * T::K_TILE);
                for (k_step, step) in steps.enumerate() {
                    let tiles = step[first * T::K_TILE..].chunks_exact_mut(T::K_TILE);
                    let rows = block.chunks_exact(stride).take(count);
                    for (tile, row) in tiles.zip(rows) {
                        tile.copy_from_slice(&row[k_step * T::K_TILE..][..T::K_TILE]);
                    }
                }
            }
        }
        Ok(matrix)
    }

    /// Becomes a matrix of zeros of another shape. Memory is kept.
    pub(crate) fn reset(&mut self, inputs: usize, outputs: usize, panel_width: usize) {
        self.k_steps = inputs.div_ceil(T::K_TILE);
        self.panel_width = panel_width;
        self.panel_count = outputs.div_ceil(panel_width);
        self.lines
            .reset(Self::line_count(inputs, outputs, panel_width));
    }

    pub(crate) fn k_steps(&self) -> usize {
        self.k_steps
    }

    pub(crate) fn panel_count(&self) -> usize {
        self.panel_count
    }

    pub(crate) fn panel_width(&self) -> usize {
        self.panel_width
    }

    /// Elements of a panel.
    fn panel_len(&self) -> usize {
        self.k_steps * self.panel_width * T::K_TILE
    }

    fn elements(&self) -> &[T] {
        let count = self.lines.len() * LINE / size_of::<T>();
        // SAFETY: The lines are that many elements, of initialized bytes and aligned for `T`, and
        // every bit pattern is a `T`.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), count) }
    }

    fn elements_mut(&mut self) -> &mut [T] {
        let count = self.lines.len() * LINE / size_of::<T>();
        // SAFETY: As above; and a `T` has no padding, so the bytes stay initialized.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), count) }
    }

    /// The panels in their order.
    pub(crate) fn panels_mut(&mut self) -> impl Iterator<Item = &mut [T]> {
        let (len, count) = (self.panel_len().max(1), self.panel_count);
        // The last line may have room for more.
        self.elements_mut().chunks_exact_mut(len).take(count)
    }

    /// One panel; empty beyond the last.
    #[inline(always)]
    pub(crate) fn panel(&self, index: usize) -> &[T] {
        let len = self.panel_len();
        self.elements()
            .get(index * len..(index + 1) * len)
            .unwrap_or_default()
    }
}

impl PackedMatrix<f32> {
    /// Packs rows of `outputs` values each, one row for each input.
    #[inline(always)]
    pub(crate) fn pack<'a>(
        &mut self,
        rows: &(impl ExactSizeIterator<Item = &'a [f32]> + Clone),
        outputs: usize,
        panel_width: usize,
    ) {
        self.reset(rows.len(), outputs, panel_width);
        for (index, panel) in self.panels_mut().enumerate() {
            let columns = index * panel_width..outputs.min((index + 1) * panel_width);
            for (row, step) in rows.clone().zip(panel.chunks_exact_mut(panel_width)) {
                step[..columns.len()].copy_from_slice(&row[columns.clone()]);
            }
        }
    }
}
