//! A weight in eight bits, with a scale for each group of inputs.

use super::memory::WeightMemory;
use super::packing::{Element, PackedMatrix};
use super::rounding::{distance_from_integer, round_to_i8};
use crate::isa::{Cpu, Int8Isa, Kernel};

/// Inputs of a weight that share a scale. Measured (gte-small, whose weights are fp16): with one
/// scale for all inputs cosines are off by up to 0.005, with one for 256 by 0.0024.
pub(crate) const GROUP_INPUTS: usize = 256;

/// Steps of a group.
pub(super) const GROUP_K_STEPS: usize = GROUP_INPUTS / <i8 as Element>::K_TILE;

/// Largest weight that this program makes. (The form is symmetric; of what others have stored in
/// eight bits, -128 is multiplied as well.)
const MAX_WEIGHT: f32 = 127.0;

/// A weight `[inputs, outputs]` in eight bits: `weight ≈ stored × scale`.
pub(crate) struct Int8Weight {
    pub(super) values: PackedMatrix<i8>,
    /// For each panel, for each group of inputs, the scale of each column.
    pub(super) scales: Vec<f32>,
    /// Sum of each column's weights, scales applied, padded with zeros to the end of the last
    /// panel.
    pub(super) col_sums: Vec<f32>,
}

impl Int8Weight {
    /// Packs a weight `[inputs, outputs]` that is stored output by output: `read` writes the
    /// inputs of one output, all finite. Each output has a scale of its own for every
    /// [`GROUP_INPUTS`] inputs.
    pub(crate) fn pack<E>(
        cpu: Cpu,
        memory: &WeightMemory,
        inputs: usize,
        outputs: usize,
        mut read: impl FnMut(usize, &mut [f32]) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut values = vec![0.0; inputs];
        Self::from_columns(cpu, memory, inputs, outputs, |output, stored, scales| {
            read(output, &mut values)?;
            quantize_output(cpu, &values, stored, scales);
            Ok(())
        })
    }

    /// Keeps a weight `[inputs, outputs]` that is stored output by output in eight bits: `read`
    /// writes the inputs of one output, and gives their scale.
    pub(crate) fn keep<E>(
        cpu: Cpu,
        memory: &WeightMemory,
        inputs: usize,
        outputs: usize,
        mut read: impl FnMut(usize, &mut [i8]) -> Result<f32, E>,
    ) -> Result<Self, E> {
        Self::from_columns(cpu, memory, inputs, outputs, |output, stored, scales| {
            scales.fill(read(output, stored)?);
            Ok(())
        })
    }

    /// Packs outputs of which `write` writes the stored inputs and the scale of each group.
    fn from_columns<E>(
        cpu: Cpu,
        memory: &WeightMemory,
        inputs: usize,
        outputs: usize,
        mut write: impl FnMut(usize, &mut [i8], &mut [f32]) -> Result<(), E>,
    ) -> Result<Self, E> {
        let panel_width = cpu.panel_width();
        let groups = inputs.div_ceil(GROUP_INPUTS);
        let padded = outputs.next_multiple_of(panel_width);
        let mut scales = vec![0.0; groups * padded];
        let mut col_sums = vec![0.0; padded];
        let mut own_scales = vec![0.0; groups];
        let write_values = |output: usize, stored: &mut [i8]| {
            write(output, stored, &mut own_scales)?;
            let (panel, column) = (output / panel_width, output % panel_width);
            let of_panel = scales[panel * groups * panel_width..].chunks_mut(panel_width);
            for (scales, own) in of_panel.zip(&own_scales) {
                scales[column] = *own;
            }
            col_sums[output] = cpu.dispatch(ScaledSum {
                stored,
                scales: &own_scales,
            });
            Ok(())
        };
        let values =
            PackedMatrix::from_columns(memory, inputs, outputs, panel_width, write_values)?;
        Ok(Self {
            values,
            scales,
            col_sums,
        })
    }
}

/// Stores the weights of one output in eight bits, with a scale for each group of inputs: the
/// largest weight of a group becomes 127. Weights that were stored in eight bits, within 127 steps
/// of zero, are kept exactly.
fn quantize_output(cpu: Cpu, weights: &[f32], stored: &mut [i8], scales: &mut [f32]) {
    let largest = cpu.dispatch(GroupScales { weights, scales });
    if let Some(recovered) = cpu.dispatch(RecoverScale { weights, largest }) {
        scales.fill(recovered);
    }
    cpu.dispatch(Quantize {
        weights,
        scales,
        stored,
    });
}

/// Finds the scale of each group of an output's weights, and the largest magnitude of all.
struct GroupScales<'a> {
    weights: &'a [f32],
    scales: &'a mut [f32],
}

impl Kernel for GroupScales<'_> {
    type Output = f32;

    #[inline(always)]
    fn eval<M: Int8Isa>(self, _: M) -> f32 {
        let mut largest = 0.0_f32;
        for (group, scale) in self.weights.chunks(GROUP_INPUTS).zip(self.scales) {
            // The maximum of the magnitudes as bits, which compiles to vector instructions.
            let magnitudes = group.iter().map(|weight| weight.abs().to_bits());
            let of_group = f32::from_bits(magnitudes.fold(0, u32::max));
            *scale = of_group / MAX_WEIGHT;
            largest = largest.max(of_group);
        }
        largest
    }
}

/// Divides weights by the scale of their group, and rounds them.
struct Quantize<'a> {
    weights: &'a [f32],
    scales: &'a [f32],
    stored: &'a mut [i8],
}

impl Kernel for Quantize<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<M: Int8Isa>(self, _: M) {
        let weights = self.weights.chunks(GROUP_INPUTS);
        let stored = self.stored.chunks_mut(GROUP_INPUTS);
        for ((weights, stored), scale) in weights.zip(stored).zip(self.scales) {
            let inverse = if *scale > 0.0 { scale.recip() } else { 0.0 };
            for (stored, weight) in stored.iter_mut().zip(weights) {
                *stored = round_to_i8(weight * inverse);
            }
        }
    }
}

/// Adds up the weights of an output, scales applied.
struct ScaledSum<'a> {
    stored: &'a [i8],
    scales: &'a [f32],
}

impl Kernel for ScaledSum<'_> {
    type Output = f32;

    #[inline(always)]
    fn eval<M: Int8Isa>(self, _: M) -> f32 {
        let mut total = 0.0;
        for (group, scale) in self.stored.chunks(GROUP_INPUTS).zip(self.scales) {
            let sum: i32 = group.iter().map(|stored| i32::from(*stored)).sum();
            #[expect(clippy::cast_precision_loss, reason = "256 × 128 at most")]
            let sum = sum as f32;
            total += sum * scale;
        }
        total
    }
}

/// Finds the scale of weights that are multiples of it, by 127 at most: those that were stored in
/// eight bits, which are then kept exactly.
struct RecoverScale<'a> {
    weights: &'a [f32],
    /// Largest magnitude of a weight.
    largest: f32,
}

/// Smallest of the largest multiples that are tried: weights with fewer steps are a coincidence.
const MIN_STEPS: u8 = 32;

/// Number of largest multiples that are tried.
const CANDIDATES: usize = 128 - MIN_STEPS as usize;

/// Weights with which all candidates are tried side by side. Few are left after them: of weights
/// that are no multiples, one in 500 passes for one.
const FIRST_WEIGHTS: usize = 8;

/// Weights with which one candidate is tried at a time.
const NEXT_WEIGHTS: usize = 64;

/// Distance from a multiple that rounding to f32 may have caused, in steps.
const ROUNDING: f32 = 1e-3;

impl Kernel for RecoverScale<'_> {
    type Output = Option<f32>;

    #[inline(always)]
    fn eval<M: Int8Isa>(self, _: M) -> Option<f32> {
        let unit = self.largest.recip();
        let first = FIRST_WEIGHTS.min(self.weights.len());
        let (first, rest) = self.weights.split_at(first);
        // Most steps first.
        let mut steps = [0.0_f32; CANDIDATES];
        for (steps, number) in steps.iter_mut().zip((MIN_STEPS..=127).rev()) {
            *steps = f32::from(number);
        }
        let mut distances = [0.0_f32; CANDIDATES];
        for weight in first {
            let fraction = weight * unit;
            for (distance, steps) in distances.iter_mut().zip(&steps) {
                *distance = distance.max(distance_from_integer(fraction * steps));
            }
        }
        let candidates = steps.into_iter().zip(distances);
        let mut fitting = candidates.filter(|(_, distance)| *distance < ROUNDING);
        let found = fitting.find(|(steps, _)| {
            rest.chunks(NEXT_WEIGHTS).all(|weights| {
                let mut fit = true;
                for weight in weights {
                    fit &= distance_from_integer(weight * unit * steps) < ROUNDING;
                }
                fit
            })
        });
        // Zeros have no scale.
        let (steps, _) = found.filter(|_| unit.is_finite())?;
        Some(self.largest / steps)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn pack(cpu: Cpu, weights: &[f32], inputs: usize) -> Int8Weight {
        let read = |output: usize, values: &mut [f32]| {
            values.copy_from_slice(&weights[output * inputs..][..inputs]);
            Ok::<_, Infallible>(())
        };
        let memory = WeightMemory::default();
        Int8Weight::pack(cpu, &memory, inputs, weights.len() / inputs, read).unwrap()
    }

    #[test]
    fn the_scale_of_weights_in_eight_bits_is_recovered() {
        let scale = 0.0123_f32;
        let stored = [127.0, -64.0, 3.0, 0.0, 55.0, 0.0, 1.0, 2.0, 9.0, -126.0];
        let weights = stored.map(|stored: f32| stored * scale);
        let others = [1.0, 0.701, 0.333, -0.127];
        let late = [[0.5; 100].as_slice(), &[1.0, 0.701]].concat();
        for cpu in Cpu::all() {
            let recover =
                |weights: &[f32], largest| cpu.dispatch(RecoverScale { weights, largest });
            let recovered = recover(&weights, 127.0 * scale).unwrap();
            assert!((recovered / scale - 1.0).abs() < 1e-6, "{recovered}");
            assert_eq!(recover(&others, 1.0), None);
            assert_eq!(recover(&late, 1.0), None);
            assert_eq!(recover(&[0.0; 20], 0.0), None);
        }
    }

    #[test]
    fn bytes_and_what_they_stand_for_are_packed_alike() {
        let (inputs, outputs) = if cfg!(miri) { (258, 3) } else { (700, 70) };
        // The largest is a power of two, so that no scale is rounded.
        let byte = |index: usize| match index % inputs {
            300.. => i8::try_from(index % 31).unwrap() - 15,
            other => i8::try_from(other * 7 % 129).unwrap_or(64) - 64,
        };
        #[expect(clippy::cast_precision_loss, reason = "dozens")]
        let scale = |output: usize| 0.001_f32 + output as f32 / 7.0;
        let bytes: Vec<i8> = (0..inputs * outputs).map(byte).collect();
        for cpu in Cpu::all() {
            let kept = Int8Weight::keep(
                cpu,
                &WeightMemory::default(),
                inputs,
                outputs,
                |output, stored| {
                    stored.copy_from_slice(&bytes[output * inputs..][..inputs]);
                    Ok::<_, Infallible>(scale(output))
                },
            );
            let kept = kept.unwrap();
            let values = bytes.iter().enumerate();
            let values = values.map(|(index, byte)| f32::from(*byte) * scale(index / inputs));
            let packed = pack(cpu, &values.collect::<Vec<f32>>(), inputs);
            let scales: Vec<f32> = (0..outputs).map(scale).collect();
            let of_first = &kept.scales[..outputs.min(cpu.panel_width())];
            assert_eq!(
                of_first,
                &scales[..of_first.len()],
                "{cpu:?}: those of the file"
            );
            for panel in 0..kept.values.panel_count() {
                assert_eq!(kept.values.panel(panel), packed.values.panel(panel));
            }
            assert_eq!(kept.scales, packed.scales, "{cpu:?}");
            assert_eq!(kept.col_sums, packed.col_sums, "{cpu:?}");
        }
    }
}
