//! Eight bits: a weight with a scale for each group of inputs, and its product with quantized
//! activations.

#![allow(unsafe_code, reason = "vectors are loaded through pointers")]

use rten_simd::ops::{BitOps, FloatOps, NumOps, ToFloat};
use rten_simd::{Isa, Simd};

use super::operands::{Operands, PREFETCH_DISTANCE, load};
use super::packing::{Element, PackedMatrix};
use super::rounding::round_to_i8;
use crate::error::ShapeError;
use crate::isa::{F32, Int8Isa};
use crate::quantize::{Outlier, QuantizedActivations};

/// Inputs of a weight that share a scale. Measured (gte-small, whose weights are fp16): with one
/// scale for all inputs cosines are off by up to 0.005, with one for 256 by 0.0024.
pub(crate) const GROUP_INPUTS: usize = 256;

/// Steps of a group.
const GROUP_K_STEPS: usize = GROUP_INPUTS / <i8 as Element>::K_TILE;

/// Largest weight. (-128 is not used: the form is symmetric.)
const MAX_WEIGHT: f32 = 127.0;

/// A weight `[inputs, outputs]` in eight bits: `weight ≈ stored × scale`.
pub(crate) struct Int8Weight {
    values: PackedMatrix<i8>,
    /// For each panel, for each group of inputs, the scale of each column.
    scales: Vec<f32>,
    /// Sum of each column's weights, scales applied, padded with zeros to the end of the last
    /// panel.
    col_sums: Vec<f32>,
}

impl Int8Weight {
    /// Packs a weight `[inputs, outputs]`. Each output has a scale of its own for every
    /// [`GROUP_INPUTS`] inputs.
    pub(crate) fn pack(panel_width: usize, weight: &[f32], inputs: usize, outputs: usize) -> Self {
        let groups = inputs.div_ceil(GROUP_INPUTS);
        let group_len = (GROUP_INPUTS * outputs).max(1);
        let scales = scales(weight, inputs, outputs);
        let padded = outputs.next_multiple_of(panel_width);
        let mut panel_scales = vec![0.0; groups * padded];
        let mut col_sums = vec![0.0; padded];
        let mut values = PackedMatrix::zeros(inputs, outputs, panel_width);
        for (index, panel) in values.panels_mut().enumerate() {
            let from = index * panel_width;
            let columns = from..outputs.min(from + panel_width);
            let weights = weight.chunks(group_len);
            let panels = panel.chunks_mut(GROUP_INPUTS * panel_width);
            for (group, (weight, panel)) in weights.zip(panels).enumerate() {
                let scales = &scales[group * outputs..][columns.clone()];
                let place = (index * groups + group) * panel_width;
                panel_scales[place..place + scales.len()].copy_from_slice(scales);
                let rows = weight
                    .chunks_exact(outputs)
                    .map(|row| &row[columns.clone()]);
                let sums = pack_group(rows, scales, panel, panel_width);
                let col_sums = col_sums[columns.clone()].iter_mut();
                for ((col_sum, sum), scale) in col_sums.zip(sums).zip(scales) {
                    #[expect(clippy::cast_precision_loss, reason = "256 × 127 at most")]
                    let sum = sum as f32;
                    *col_sum += sum * scale;
                }
            }
        }
        Self {
            values,
            scales: panel_scales,
            col_sums,
        }
    }
}

/// Stores one group of a panel's columns: `rows` holds one row per input, with one value per scale.
/// Gives the sum of each column.
fn pack_group<'a>(
    rows: impl Iterator<Item = &'a [f32]>,
    scales: &[f32],
    panel: &mut [i8],
    panel_width: usize,
) -> Vec<i32> {
    const K_TILE: usize = <i8 as Element>::K_TILE;
    let inverse = |scale: &f32| if *scale > 0.0 { scale.recip() } else { 0.0 };
    let inverses: Vec<f32> = scales.iter().map(inverse).collect();
    let mut sums = vec![0; scales.len()];
    for (input, row) in rows.enumerate() {
        let step = &mut panel[input / K_TILE * K_TILE * panel_width..][..K_TILE * panel_width];
        let (tiles, _) = step.as_chunks_mut::<K_TILE>();
        let weights = row.iter().zip(&inverses).zip(&mut sums);
        for (((weight, inverse), sum), tile) in weights.zip(tiles) {
            let stored = round_to_i8(weight * inverse);
            tile[input % K_TILE] = stored;
            *sum += i32::from(stored);
        }
    }
    sums
}

/// Scale of each output in each group of inputs, `[groups, outputs]`: its largest weight there
/// becomes 127.
fn scales(weight: &[f32], inputs: usize, outputs: usize) -> Vec<f32> {
    let mut scales = vec![0.0_f32; inputs.div_ceil(GROUP_INPUTS) * outputs];
    let groups = weight.chunks((GROUP_INPUTS * outputs).max(1));
    for (group, scales) in groups.zip(scales.chunks_exact_mut(outputs.max(1))) {
        for row in group.chunks_exact(outputs) {
            for (most, value) in scales.iter_mut().zip(row) {
                *most = most.max(value.abs());
            }
        }
        for scale in scales {
            *scale /= MAX_WEIGHT;
        }
    }
    for output in 0..outputs {
        let column = weight.iter().skip(output).step_by(outputs);
        let own = scales.iter_mut().skip(output).step_by(outputs);
        let largest = own.fold(0.0_f32, |most, scale| most.max(*scale)) * MAX_WEIGHT;
        if let Some(recovered) = recover_int8_scale(&column, largest) {
            for scale in scales.iter_mut().skip(output).step_by(outputs) {
                *scale = recovered;
            }
        }
    }
    scales
}

/// Scale of weights that are multiples of it, by 127 at most: those that were stored in eight bits,
/// which are then kept exactly.
fn recover_int8_scale<'a>(
    weights: &(impl Iterator<Item = &'a f32> + Clone),
    largest: f32,
) -> Option<f32> {
    /// Smallest of the largest multiples that are tried: weights with fewer steps are a
    /// coincidence.
    const MIN_STEPS: u8 = 32;
    /// Distance from a multiple that rounding to f32 may have caused, in steps.
    const ROUNDING: f32 = 1e-3;
    let scales = (MIN_STEPS..=127)
        .rev()
        .map(|steps| largest / f32::from(steps));
    let mut scales = scales.filter(|scale| *scale > 0.0);
    scales.find(|scale| {
        weights.clone().all(|weight| {
            let steps = weight / scale;
            (steps - steps.round_ties_even()).abs() < ROUNDING
        })
    })
}

/// Quantized activations and a weight in eight bits.
pub(crate) struct Int8Operands<'a> {
    activations: &'a QuantizedActivations,
    weight: &'a Int8Weight,
}

impl<'a> Int8Operands<'a> {
    /// Operands of the same number of inputs.
    pub(crate) fn new(
        activations: &'a QuantizedActivations,
        weight: &'a Int8Weight,
    ) -> Result<Self, ShapeError> {
        let values = &weight.values;
        let columns = values.panel_count() * values.panel_width();
        let groups = values.k_steps().div_ceil(GROUP_K_STEPS);
        let fits = activations.words_per_row() == values.k_steps()
            && weight.scales.len() == groups * columns
            && weight.col_sums.len() == columns;
        if !fits {
            return Err(ShapeError {
                operation: "int8 product".to_owned(),
                input: activations.words_per_row(),
                output: values.k_steps(),
            });
        }
        Ok(Self {
            activations,
            weight,
        })
    }
}

// SAFETY: `new` has found that a row of the activations has as many words as the weight has steps,
// and that there are scales for each group of each panel and a sum for each column.
unsafe impl Operands for Int8Operands<'_> {
    fn rows(&self) -> usize {
        self.activations.row_count()
    }

    fn panel_count(&self) -> usize {
        self.weight.values.panel_count()
    }

    fn panel_width(&self) -> usize {
        self.weight.values.panel_width()
    }

    #[inline(always)]
    unsafe fn accumulate<M: Int8Isa, const R: usize, const V: usize>(
        &self,
        isa: M,
        row: usize,
        panel: usize,
    ) -> [[F32<M>; V]; R] {
        let simd = isa.isa();
        let (ints, floats, bytes) = (simd.i32(), simd.f32(), simd.i8());
        let lanes = ints.len();
        let k_steps = self.weight.values.k_steps();
        let weight = self.weight.values.panel(panel);
        let groups = k_steps.div_ceil(GROUP_K_STEPS);
        let scales = self.weight.scales[panel * groups * V * lanes..].as_ptr();
        let stride = self.activations.words_per_row();
        let mut first = self.activations.words_from(row).as_ptr();
        let mut next = weight.as_ptr();
        let mut sums = [[floats.zero(); V]; R];
        for (group, from) in (0..k_steps).step_by(GROUP_K_STEPS).enumerate() {
            let mut products = [[ints.zero(); V]; R];
            for _ in from..k_steps.min(from + GROUP_K_STEPS) {
                // SAFETY: The caller promises `R` rows from `row` on, each of as many words as the
                // weight has steps, and a panel of `V` vectors, which has as many steps. What is
                // prefetched may lie anywhere.
                unsafe {
                    let columns: [_; V] = load(bytes, next);
                    for v in 0..V {
                        bytes.prefetch(next.wrapping_add(PREFETCH_DISTANCE + v * lanes * 4));
                    }
                    for (r, products) in products.iter_mut().enumerate() {
                        let four = ints.splat(*first.add(r * stride)).reinterpret_cast();
                        for (product, column) in products.iter_mut().zip(columns) {
                            *product = isa.dot_i8(four, column, *product);
                        }
                    }
                    first = first.add(1);
                    next = next.add(V * lanes * 4);
                }
            }
            // SAFETY: There are `V` vectors of scales for each group of each panel.
            let scales: [_; V] = unsafe { load(floats, scales.add(group * V * lanes)) };
            for (sums, products) in sums.iter_mut().zip(products) {
                for ((sum, product), scale) in sums.iter_mut().zip(products).zip(scales) {
                    *sum = floats.mul_add(ints.to_float(product), scale, *sum);
                }
            }
        }
        // Σ (a - zero) w = Σ a w - zero Σ w
        let col_sums = self.weight.col_sums[panel * V * lanes..].as_ptr();
        // SAFETY: There are `V` vectors of sums for each panel.
        let col_sums: [_; V] = unsafe { load(floats, col_sums) };
        for (r, sums) in sums.iter_mut().enumerate() {
            let params = self.activations.params(row + r);
            let (zero, scale) = (floats.splat(params.zero), floats.splat(params.scale));
            for (sum, col_sum) in sums.iter_mut().zip(col_sums) {
                *sum = floats.mul(floats.mul_sub_from(zero, col_sum, *sum), scale);
            }
            for Outlier { channel, value } in params.outliers {
                // One of four weights, picked by multiplying it by one and the others by zero.
                let mut one = [0; 4];
                one[channel % 4] = 1;
                let one = ints.splat(i32::from_ne_bytes(one)).reinterpret_cast();
                let value = floats.splat(value);
                let step = channel / 4;
                // SAFETY: The channel is one of the row's, so the step is one of the panel's.
                let (weights, scales): ([_; V], [_; V]) = unsafe {
                    (
                        load(bytes, weight.as_ptr().add(step * V * lanes * 4)),
                        load(floats, scales.add(step / GROUP_K_STEPS * V * lanes)),
                    )
                };
                for ((sum, weights), scale) in sums.iter_mut().zip(weights).zip(scales) {
                    let weight = ints.to_float(isa.dot_i8(one, weights, ints.zero()));
                    *sum = floats.mul_add(value, floats.mul(weight, scale), *sum);
                }
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Cpu;

    #[test]
    fn operands_of_other_lengths_are_refused() {
        let cpu = Cpu::detect();
        let weight = Int8Weight::pack(cpu.panel_width(), &[0.5; 9 * 2], 9, 2);
        let mut activations = QuantizedActivations::default();
        activations.quantize_rows(cpu, &[1.0; 9 * 3], 9);
        assert!(Int8Operands::new(&activations, &weight).is_ok());
        activations.quantize_rows(cpu, &[1.0; 13 * 3], 13);
        assert!(Int8Operands::new(&activations, &weight).is_err());
    }

    #[test]
    fn the_scale_of_weights_in_eight_bits_is_recovered() {
        let scale = 0.0123_f32;
        let stored = [127.0, -64.0, 3.0, 0.0, 55.0];
        let weights = stored.map(|stored: f32| stored * scale);
        let recovered = recover_int8_scale(&weights.iter(), 127.0 * scale).unwrap();
        assert!((recovered / scale - 1.0).abs() < 1e-6, "{recovered}");
        let others = [1.0, 0.701, 0.333, -0.127];
        assert_eq!(recover_int8_scale(&others.iter(), 1.0), None);
    }
}
