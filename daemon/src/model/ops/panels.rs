//! Weights in the order in which they are read while multiplying.

use std::marker::PhantomData;

/// A line of the cache. Vectors that lie across two lines take twice as long to load.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; LINE]);

const LINE: usize = 64;

/// A weight in panels: as many columns as a tile is wide, each panel's rows one after the other.
///
/// In int8 four rows' numbers of a column lie together, which the CPU multiplies and adds up in one go.
#[derive(Default)]
pub(super) struct Panels<T> {
    lines: Vec<Line>,
    panels: usize,
    /// Rows that multiply one after the other: inputs, in int8 four at a time.
    steps: usize,
    /// Numbers of a panel that are multiplied with in one step.
    step: usize,
    kind: PhantomData<T>,
}

/// A number of a weight.
pub(super) trait Number: Copy + Send + Sync {
    /// How many of a column lie together.
    const TOGETHER: usize;
}

impl Number for f32 {
    const TOGETHER: usize = 1;
}

impl Number for i8 {
    const TOGETHER: usize = 4;
}

impl<T: Number> Panels<T> {
    /// Room for a weight `[inputs, outputs]` in panels of `width` columns, all zeros.
    pub(super) fn new(inputs: usize, outputs: usize, width: usize) -> Self {
        let mut panels = Self {
            lines: Vec::new(),
            panels: 0,
            steps: 0,
            step: 0,
            kind: PhantomData,
        };
        panels.reset(inputs, outputs, width);
        panels
    }

    /// Makes room for another weight. What was there is forgotten, and memory is kept.
    pub(super) fn reset(&mut self, inputs: usize, outputs: usize, width: usize) {
        self.steps = inputs.div_ceil(T::TOGETHER);
        self.step = width * T::TOGETHER;
        self.panels = outputs.div_ceil(width);
        let bytes = self.panels * self.steps * self.step * size_of::<T>();
        self.lines.clear();
        self.lines.resize(bytes.div_ceil(LINE), Line([0; LINE]));
    }

    pub(super) fn steps(&self) -> usize {
        self.steps
    }

    /// All panels' numbers.
    pub(super) fn numbers(&self) -> &[T] {
        let count = self.lines.len() * LINE / size_of::<T>();
        // Safety: the lines are that many initialised bytes, aligned for more than any number, and all
        // bytes are numbers, `Number` being f32 and i8.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), count) }
    }

    /// The same, to write into.
    pub(super) fn numbers_mut(&mut self) -> &mut [T] {
        let count = self.lines.len() * LINE / size_of::<T>();
        // Safety: as above; and all numbers are bytes.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), count) }
    }

    /// The panels, to write into.
    pub(super) fn panels_mut(&mut self) -> impl Iterator<Item = &mut [T]> {
        let panel = (self.steps * self.step).max(1);
        let panels = self.panels;
        // The last line may have room for more.
        self.numbers_mut().chunks_exact_mut(panel).take(panels)
    }

    /// The panel at `index`; the ones behind it follow.
    pub(super) fn panel(&self, index: usize) -> &[T] {
        self.numbers()
            .get(index * self.steps * self.step..)
            .unwrap_or_default()
    }
}
