//! A linear layer: its weight is packed once, in the order and the precision that it is multiplied in.

use std::fmt;

use gte_shared::wire::Precision;
use rayon::prelude::*;

use super::OpError;
use super::factors::{Bytes, Factors, Floats, GROUP};
use super::machine::Cpu;
use super::panels::Panels;
use super::quantise::Quantised;
use super::tile::{After, Bias, BiasAdd, BiasGelu, Block, Output};

/// Multiplications that are worth handing to another thread: some microseconds.
const SHARE: usize = 1 << 20;

/// Rows that one thread takes at a time where there are more threads than panels.
const ROWS: usize = 24;

/// Inputs that share a scale. Measured (gte-small, whose weights are fp16): with one scale for all inputs
/// cosines are off by up to 0.005, with one for 256 by 0.0024.
const GROUP_INPUTS: usize = 4 * GROUP;

/// The largest weight in int8. (-128 is not used: the form is symmetric.)
const LARGEST_WEIGHT: f32 = 127.0;

/// A linear layer, ready to multiply with.
pub(in crate::model) struct PackedLinear {
    cpu: Cpu,
    weight: Weight,
    /// One for each output, and zeros up to the end of the last panel.
    bias: Vec<f32>,
    inputs: usize,
    outputs: usize,
}

enum Weight {
    F32(Panels<f32>),
    Int8 {
        numbers: Panels<i8>,
        /// For each panel, for each group of inputs, the scale of each output.
        scales: Vec<f32>,
        /// The sum of each output's weights, and zeros up to the end of the last panel.
        totals: Vec<f32>,
    },
}

impl fmt::Debug for PackedLinear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PackedLinear({} to {})", self.inputs, self.outputs)
    }
}

impl PackedLinear {
    /// Packs a weight `[inputs, outputs]`; there is a number in the bias for each output.
    ///
    /// In int8 each output has a scale of its own for every [`GROUP_INPUTS`] inputs.
    pub(in crate::model) fn pack(
        cpu: Cpu,
        precision: Precision,
        weight: &[f32],
        mut bias: Vec<f32>,
    ) -> Self {
        let outputs = bias.len();
        let inputs = weight.len().checked_div(outputs).unwrap_or(0);
        let weight = match precision {
            Precision::F32 => Weight::F32(pack_f32(cpu.panel(), weight, inputs, outputs)),
            Precision::Int8 => pack_int8(cpu.panel(), weight, inputs, outputs),
        };
        bias.resize(outputs.next_multiple_of(cpu.panel()), 0.0);
        Self {
            cpu,
            weight,
            bias,
            inputs,
            outputs,
        }
    }

    pub(in crate::model) fn outputs(&self) -> usize {
        self.outputs
    }

    /// Multiplications and additions for so many rows.
    pub(in crate::model) fn operations(&self, rows: usize) -> usize {
        2 * rows * self.inputs * self.outputs
    }

    /// `x W + b`.
    pub(in crate::model) fn forward(
        &self,
        x: &[f32],
        bytes: &mut Quantised,
        output: &mut [f32],
    ) -> Result<(), OpError> {
        self.multiply(x, bytes, Bias(&self.bias), output)
    }

    /// `gelu(x W + b)`.
    pub(in crate::model) fn forward_gelu(
        &self,
        x: &[f32],
        bytes: &mut Quantised,
        output: &mut [f32],
    ) -> Result<(), OpError> {
        self.multiply(x, bytes, BiasGelu(&self.bias), output)
    }

    /// Adds `x W + b` to `output`.
    pub(in crate::model) fn forward_add(
        &self,
        x: &[f32],
        bytes: &mut Quantised,
        output: &mut [f32],
    ) -> Result<(), OpError> {
        self.multiply(x, bytes, BiasAdd(&self.bias), output)
    }

    /// `x` is `[rows, inputs]`, `output` is `[rows, outputs]`; `bytes` is room for `x` in int8.
    fn multiply(
        &self,
        x: &[f32],
        bytes: &mut Quantised,
        after: impl After,
        output: &mut [f32],
    ) -> Result<(), OpError> {
        if x.len() * self.outputs != output.len() * self.inputs {
            return Err(OpError::Shape {
                layer: format!("{self:?}"),
                input: x.len(),
                output: output.len(),
            });
        }
        let output = Output::new(output, self.outputs);
        match &self.weight {
            Weight::F32(weight) => {
                self.share_out(&Floats::new(x, self.inputs, weight), after, &output);
            }
            Weight::Int8 {
                numbers,
                scales,
                totals,
            } => {
                bytes.take(self.cpu, x, self.inputs);
                let factors = Bytes {
                    rows: bytes,
                    weight: numbers,
                    scales,
                    totals,
                };
                self.share_out(&factors, after, &output);
            }
        }
        Ok(())
    }

    /// Each thread takes panels, so that each weight is read by one of them; and, where there are more
    /// threads than panels, some of the rows.
    fn share_out(&self, factors: &impl Factors, after: impl After, output: &Output<'_>) {
        let panels = self.bias.len() / self.cpu.panel();
        let threads = rayon::current_num_threads();
        let rows = factors.rows();
        let parts = (4 * threads)
            .div_ceil(panels.max(1))
            .clamp(1, rows.div_ceil(ROWS).max(1));
        let part = rows.div_ceil(parts).max(1);
        let alone = SHARE / (part * self.inputs * self.cpu.panel()).max(1);
        (0..panels * parts)
            .into_par_iter()
            .with_min_len(alone.max(1))
            .for_each(|index| {
                let (panel, part_index) = (index / parts, index % parts);
                let rows = part_index * part..((part_index + 1) * part).min(rows);
                // Safety: no other index has the same rows and the same panel.
                self.cpu
                    .run(unsafe { Block::new(factors, after, output, rows, panel) });
            });
    }
}

fn groups_of(inputs: usize) -> usize {
    inputs.div_ceil(GROUP_INPUTS)
}

fn pack_f32(width: usize, weight: &[f32], inputs: usize, outputs: usize) -> Panels<f32> {
    let mut panels = Panels::new(inputs, outputs, width);
    for (index, panel) in panels.panels_mut().enumerate() {
        let rows = weight.chunks_exact(outputs);
        for (row, own) in rows.zip(panel.chunks_exact_mut(width)) {
            let columns = &row[index * width..outputs.min((index + 1) * width)];
            own[..columns.len()].copy_from_slice(columns);
        }
    }
    panels
}

fn pack_int8(width: usize, weight: &[f32], inputs: usize, outputs: usize) -> Weight {
    let scales = scales(weight, inputs, outputs);
    let padded = outputs.next_multiple_of(width);
    let mut in_panels = vec![0.0; groups_of(inputs) * padded];
    let mut totals = vec![0.0; padded];
    let mut numbers = Panels::new(inputs, outputs, width);
    for (index, panel) in numbers.panels_mut().enumerate() {
        let from = index * width;
        let columns = from..outputs.min(from + width);
        let groups = weight.chunks(GROUP_INPUTS * outputs);
        let groups = groups.zip(panel.chunks_mut(GROUP_INPUTS * width));
        for (group, (weight, panel)) in groups.enumerate() {
            let scales = &scales[group * outputs..][columns.clone()];
            let place = (index * groups_of(inputs) + group) * width;
            in_panels[place..place + scales.len()].copy_from_slice(scales);
            let inverse = |scale: &f32| if *scale > 0.0 { scale.recip() } else { 0.0 };
            let inverses: Vec<f32> = scales.iter().map(inverse).collect();
            let mut sums = vec![0; scales.len()];
            let fours = weight.chunks(4 * outputs);
            for (four, step) in fours.zip(panel.chunks_exact_mut(4 * width)) {
                for (place, row) in four.chunks_exact(outputs).enumerate() {
                    let numbers = row[columns.clone()].iter().zip(&inverses).zip(&mut sums);
                    let together = step.as_chunks_mut::<4>().0;
                    for (((number, inverse), sum), together) in numbers.zip(together) {
                        let byte = nearest(number * inverse);
                        together[place] = byte;
                        *sum += i32::from(byte);
                    }
                }
            }
            let totals = totals[columns.clone()].iter_mut();
            for ((total, sum), scale) in totals.zip(sums).zip(scales) {
                #[expect(clippy::cast_precision_loss, reason = "256 × 127 at most")]
                let sum = sum as f32;
                *total += sum * scale;
            }
        }
    }
    Weight::Int8 {
        numbers,
        scales: in_panels,
        totals,
    }
}

/// The scale of each output in each group of inputs, `[groups, outputs]`: its largest weight there is 127.
fn scales(weight: &[f32], inputs: usize, outputs: usize) -> Vec<f32> {
    let mut scales = vec![0.0_f32; groups_of(inputs) * outputs];
    let groups = weight.chunks(GROUP_INPUTS * outputs);
    for (group, scales) in groups.zip(scales.chunks_exact_mut(outputs)) {
        for row in group.chunks_exact(outputs) {
            for (most, number) in scales.iter_mut().zip(row) {
                *most = most.max(number.abs());
            }
        }
        for scale in scales {
            *scale /= LARGEST_WEIGHT;
        }
    }
    for output in 0..outputs {
        let numbers = weight.iter().skip(output).step_by(outputs);
        let of_output = scales.iter_mut().skip(output).step_by(outputs);
        let largest = of_output.fold(0.0_f32, |most, scale| most.max(*scale)) * LARGEST_WEIGHT;
        if let Some(grid) = grid(&numbers, largest) {
            for scale in scales.iter_mut().skip(output).step_by(outputs) {
                *scale = grid;
            }
        }
    }
    scales
}

/// The nearest whole number, of one within ±127.
///
/// Added to 1.5 × 2²³ a number is rounded to a whole one, whose last eight bits are then the last ones of the sum.
/// Unlike `round` this is done for many at once on every CPU.
fn nearest(number: f32) -> i8 {
    let [last, ..] = (number + 12_582_912.0).to_bits().to_le_bytes();
    last.cast_signed()
}

/// The scale of weights that are multiples of one, 127 times at most: those that were in eight bits before,
/// which then become what they were.
fn grid<'a>(weights: &(impl Iterator<Item = &'a f32> + Clone), largest: f32) -> Option<f32> {
    /// The smallest of the largest multiples that are looked for: weights with fewer steps are a chance.
    const LEAST: u8 = 32;
    /// How far from a multiple rounding to f32 may have put a weight, in steps.
    const ROUNDING: f32 = 1e-3;
    let scales = (LEAST..=127).rev().map(|most| largest / f32::from(most));
    let mut scales = scales.filter(|scale| *scale > 0.0);
    scales.find(|scale| {
        weights.clone().all(|weight| {
            let steps = weight / scale;
            (steps - steps.round_ties_even()).abs() < ROUNDING
        })
    })
}
