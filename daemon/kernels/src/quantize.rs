//! Activations in eight bits: each row with a scale and a zero point of its own, so that the result
//! for a text does not depend on its neighbors.
//!
//! A few channels of a BERT's hidden states are far larger than all others (Dettmers et al. 2022,
//! "LLM.int8()"). A scale that spans them leaves few steps for the others. So the largest values of
//! each row are set apart and multiplied in f32.

#![allow(unsafe_code, reason = "four bytes are written where a word is read")]

use std::mem::MaybeUninit;

use rayon::prelude::*;
use rten_simd::ops::{BitOps, FloatOps, NumOps};
use rten_simd::{Isa, Simd, SimdOp};
use rten_vecmath::Quantize;

use crate::isa::{Cpu, Int8Isa, Kernel};

/// Rows of values from 0 to 255: `value ≈ (stored - zero) × scale`, but for the outliers.
#[derive(Debug, Default)]
pub struct QuantizedActivations {
    /// Four values per word, in the order of memory.
    words: Vec<i32>,
    words_per_row: usize,
    params: Vec<RowQuantParams>,
}

/// Scale, zero point and outliers of a row.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RowQuantParams {
    pub(crate) zero: f32,
    pub(crate) scale: f32,
    pub(crate) outliers: [Outlier; OUTLIERS],
}

/// A value that is not stored with the others: a zero is in its place.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outlier {
    /// Index in the row.
    pub(crate) channel: usize,
    pub(crate) value: f32,
}

/// Values of each row that are set apart. Measured: with none cosines are off by up to 0.011, with
/// one 0.006, with two 0.003 (the golden pairs of bge-small-zh-v1.5); more cost more than they
/// help.
pub(crate) const OUTLIERS: usize = 2;

/// Values that are worth handing to another thread.
const MIN_VALUES_PER_TASK: usize = 16 * 1024;

impl QuantizedActivations {
    /// Becomes `rows`, of `width` values each, in eight bits. Memory is kept.
    pub(crate) fn quantize_rows(&mut self, cpu: Cpu, rows: &[f32], width: usize) {
        let width = width.max(1);
        self.words_per_row = width.div_ceil(4);
        self.params
            .resize(rows.len() / width, RowQuantParams::default());
        self.words.resize(self.params.len() * self.words_per_row, 0);
        self.words
            .par_chunks_exact_mut(self.words_per_row)
            .zip(&mut self.params)
            .zip(rows.par_chunks_exact(width))
            .with_min_len(MIN_VALUES_PER_TASK.div_ceil(width))
            .for_each(|((words, params), row)| *params = quantize_row(cpu, row, words));
    }

    pub(crate) fn row_count(&self) -> usize {
        self.params.len()
    }

    pub(crate) fn words_per_row(&self) -> usize {
        self.words_per_row
    }

    /// The words of a row and of those behind it.
    #[inline(always)]
    pub(crate) fn words_from(&self, row: usize) -> &[i32] {
        &self.words[row * self.words_per_row..]
    }

    #[inline(always)]
    pub(crate) fn params(&self, row: usize) -> &RowQuantParams {
        &self.params[row]
    }
}

/// Stores a row, with zeros in the place of its outliers.
fn quantize_row(cpu: Cpu, row: &[f32], words: &mut [i32]) -> RowQuantParams {
    let RowStats {
        outliers,
        min,
        max,
        is_finite,
    } = cpu.dispatch(FindStats(row));
    if !is_finite {
        // Bytes cannot hold NaN, and the result must not pass for a number.
        return RowQuantParams {
            scale: f32::NAN,
            ..RowQuantParams::default()
        };
    }
    let range = max - min;
    let max_activation = f32::from(cpu.max_activation());
    // Anything smaller is as good as zero, and its reciprocal is infinite.
    let scale = if range > f32::MIN_POSITIVE * max_activation {
        range / max_activation
    } else {
        1.0
    };
    let zero = (-min / scale).round_ties_even().min(max_activation);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within 0 and 255"
    )]
    let zero = zero as u8;
    let len = row.len().min(size_of_val(words));
    let bytes = words.as_mut_ptr().cast::<MaybeUninit<u8>>();
    // SAFETY: `len` is at most the number of bytes of the words, and any byte may be written.
    let bytes = unsafe { std::slice::from_raw_parts_mut(bytes, len) };
    let bytes = Quantize::new(&row[..len], bytes, scale.recip(), zero).dispatch();
    for outlier in outliers {
        bytes[outlier.channel] = zero;
    }
    RowQuantParams {
        zero: f32::from(zero),
        scale,
        outliers,
    }
}

/// Range and outliers of a row.
struct RowStats {
    outliers: [Outlier; OUTLIERS],
    /// Smallest of the others, zero included, so that no zero point is beyond them.
    min: f32,
    /// Largest of the others, zero included.
    max: f32,
    /// True if all values are finite, outliers included.
    is_finite: bool,
}

/// Finds the stats of a row.
struct FindStats<'a>(&'a [f32]);

impl Kernel for FindStats<'_> {
    type Output = RowStats;

    #[inline(always)]
    fn eval<M: Int8Isa>(self, isa: M) -> RowStats {
        let row = self.0;
        let ([first, second], is_finite) = self.largest(isa);
        let (mut min, mut max) = self.range_below(isa, second);

        // All that are as large as the second: it and the first, and more only if some are equal.
        let mut outliers = [Outlier::default(); OUTLIERS];
        let mut found = 0;
        let mut count = 0;
        for (block, values) in row.chunks(BLOCK).enumerate() {
            let mut any = false;
            for value in values {
                any |= value.abs() >= second;
            }
            if !any {
                continue;
            }
            for (place, value) in values.iter().enumerate() {
                count += usize::from(value.abs() >= second);
                // The first must not be left out for several that are as large as the second.
                let wanted = found == 0 || value.abs() >= first || outliers[0].value.abs() >= first;
                if value.abs() >= second && found < OUTLIERS && wanted {
                    outliers[found] = Outlier {
                        channel: block * BLOCK + place,
                        value: *value,
                    };
                    found += 1;
                }
            }
        }
        if count > OUTLIERS {
            (min, max) = (min.min(-second), max.max(second));
        }
        RowStats {
            outliers,
            min,
            max,
            is_finite,
        }
    }
}

/// Values that are looked through at once.
const BLOCK: usize = 64;

impl FindStats<'_> {
    /// The two largest magnitudes, larger first; and true if all values are finite.
    #[inline(always)]
    fn largest<M: Int8Isa>(&self, isa: M) -> ([f32; OUTLIERS], bool) {
        let ops = isa.isa().f32();
        let (mut first, mut second) = (ops.zero(), ops.zero());
        // 0 × finite = 0; 0 × NaN and 0 × ∞ are NaN.
        let mut zeros = ops.zero();
        let (whole, rest) = self.0.split_at(self.0.len() - self.0.len() % ops.len());
        for values in whole.chunks_exact(ops.len()) {
            let value = ops.abs(ops.load(values));
            zeros = ops.mul_add(value, ops.zero(), zeros);
            second = ops.max(second, ops.min(first, value));
            first = ops.max(first, value);
        }
        let mut sum = 0.0;
        for zero in zeros.to_array().as_ref() {
            sum += zero;
        }
        for value in rest {
            sum += value * 0.0;
        }
        let (first, second) = (first.to_array(), second.to_array());
        let all = first.as_ref().iter().chain(second.as_ref()).chain(rest);
        let mut largest = [0.0; OUTLIERS];
        for value in all {
            let value = value.abs();
            if value > largest[0] {
                largest = [value, largest[0]];
            } else if value > largest[1] {
                largest[1] = value;
            }
        }
        (largest, sum == 0.0)
    }

    /// Minimum and maximum of the values whose magnitude is below a bound, zero included.
    #[inline(always)]
    fn range_below<M: Int8Isa>(&self, isa: M, bound: f32) -> (f32, f32) {
        let ops = isa.isa().f32();
        let (mut min, mut max) = (ops.zero(), ops.zero());
        let (whole, rest) = self.0.split_at(self.0.len() - self.0.len() % ops.len());
        let limit = ops.splat(bound);
        for values in whole.chunks_exact(ops.len()) {
            let value = ops.load(values);
            let within = ops.lt(ops.abs(value), limit);
            let value = ops.select(value, ops.zero(), within);
            min = ops.min(min, value);
            max = ops.max(max, value);
        }
        let (min, max) = (min.to_array(), max.to_array());
        let mut range = (0.0_f32, 0.0_f32);
        let rest = rest.iter().filter(|value| value.abs() < bound);
        for value in min.as_ref().iter().chain(max.as_ref()).chain(rest) {
            range = (range.0.min(*value), range.1.max(*value));
        }
        range
    }
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
mod tests {
    use super::*;

    /// The values that the stored row stands for.
    fn dequantized(cpu: Cpu, row: &[f32]) -> (Vec<f32>, RowQuantParams) {
        let mut rows = QuantizedActivations::default();
        rows.quantize_rows(cpu, row, row.len());
        let params = *rows.params(0);
        let bytes = rows
            .words_from(0)
            .iter()
            .flat_map(|word| word.to_ne_bytes());
        let mut values: Vec<f32> = bytes
            .take(row.len())
            .map(|byte| (f32::from(byte) - params.zero) * params.scale)
            .collect();
        for outlier in params.outliers {
            values[outlier.channel] += outlier.value;
        }
        (values, params)
    }

    #[test]
    fn a_row_is_off_by_a_step_at_most() {
        let wave = |count: usize| (1..=count).map(|index| (index * index) as f32 % 17.0 - 8.0);
        let rows = [
            vec![0.0; 70],
            vec![1.0; 70],
            vec![-3.5; 5],
            vec![2.0],
            vec![-2.0, 7.0],
            // One value among zeros, in front, in the middle and last.
            [vec![5.0], vec![0.0; 69]].concat(),
            [vec![0.0; 64], vec![-5.0], vec![0.0; 9]].concat(),
            [vec![0.0; 69], vec![5.0]].concat(),
            // All on one side of zero.
            wave(100).map(|value| value + 20.0).collect(),
            wave(100).map(|value| value - 20.0).collect(),
            // The two largest, the first of which comes last, beside several of the second's size.
            [vec![9.0, -9.0, 9.0], wave(40).collect(), vec![100.0]].concat(),
            [vec![100.0, 9.0, -9.0, 9.0], wave(40).collect()].concat(),
            // The smallest and the largest that there are.
            vec![f32::from_bits(1); 20],
            wave(33).map(|value| value * f32::MIN_POSITIVE).collect(),
            wave(33).map(|value| value * 1e37).collect(),
            wave(769).collect(),
        ];
        for cpu in Cpu::all() {
            for row in &rows {
                let (ours, params) = dequantized(cpu, row);
                for (ours, value) in ours.iter().zip(row) {
                    let distance = (ours - value).abs();
                    assert!(
                        distance <= params.scale * 1.001,
                        "{cpu:?}: {value} became {ours} in {row:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_two_largest_are_kept_exactly() {
        let mut row: Vec<f32> = (0..200_u8).map(|index| f32::from(index) / 100.0).collect();
        row[17] = -77.7;
        row[130] = 33.3;
        for cpu in Cpu::all() {
            let (ours, params) = dequantized(cpu, &row);
            assert_eq!(ours[17].to_bits(), (-77.7_f32).to_bits());
            assert_eq!(ours[130].to_bits(), 33.3_f32.to_bits());
            // They do not widen the steps of the others.
            assert!(params.scale <= 2.0 / 127.0, "{cpu:?}: {}", params.scale);
        }
    }

    #[test]
    fn nan_and_infinity_do_not_become_numbers() {
        for broken in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for (length, place) in [(1, 0), (64, 3), (70, 69), (70, 0)] {
                let mut row = vec![1.0; length];
                row[place] = broken;
                for cpu in Cpu::all() {
                    let (_, params) = dequantized(cpu, &row);
                    assert!(params.scale.is_nan(), "{cpu:?}: {broken} at {place}");
                }
            }
        }
    }
}
