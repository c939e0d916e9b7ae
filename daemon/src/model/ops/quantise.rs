//! Activations in eight bits: each row with a scale and a zero point of its own, so that what a text
//! becomes does not depend on its neighbours.
//!
//! A few channels of a BERT's hidden states are far larger than all others (Dettmers et al. 2022, "LLM.int8()").
//! A scale that spans them leaves the others only a few steps. So the largest numbers of each row are set apart and
//! multiplied as they are.

use std::mem::MaybeUninit;

use rayon::prelude::*;
use rten_simd::ops::{BitOps, FloatOps, NumOps};
use rten_simd::{Isa, Simd, SimdOp};
use rten_vecmath::Quantize;

use super::machine::{Cpu, Machine, Work};

/// Rows of numbers from 0 to 255: `number ≈ (stored - zero) × scale`, but for the outliers.
#[derive(Debug, Default)]
pub(in crate::model) struct Quantised {
    /// Four numbers a word, in the order of memory.
    words: Vec<i32>,
    /// Words of a row.
    stride: usize,
    scales: Vec<Scale>,
}

/// How to read a row.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scale {
    pub(super) zero: f32,
    pub(super) scale: f32,
    pub(super) outliers: [Outlier; OUTLIERS],
}

/// A number that is not stored with the others: a zero is in its place.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outlier {
    /// Which number of the row.
    pub(super) channel: usize,
    pub(super) number: f32,
}

/// The numbers of each row that are set apart. Measured: with none cosines are off by up to 0.011, with
/// one 0.006, with two 0.003 (the embedded model's golden pairs); more cost more than they help.
pub(super) const OUTLIERS: usize = 2;

/// Numbers that are worth handing to another thread.
const SHARE: usize = 16 * 1024;

impl Quantised {
    /// Takes over `rows` of `width` numbers each. What was there is forgotten, and memory is kept.
    pub(super) fn take(&mut self, cpu: Cpu, rows: &[f32], width: usize) {
        let width = width.max(1);
        self.stride = width.div_ceil(4);
        self.scales.resize(rows.len() / width, Scale::default());
        self.words.resize(self.scales.len() * self.stride, 0);
        self.words
            .par_chunks_exact_mut(self.stride)
            .zip(&mut self.scales)
            .zip(rows.par_chunks_exact(width))
            .with_min_len(SHARE.div_ceil(width))
            .for_each(|((words, scale), row)| *scale = quantise(cpu, row, words));
    }

    /// How many rows.
    pub(super) fn count(&self) -> usize {
        self.scales.len()
    }

    /// Words from one row's beginning to the next one's.
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// The rows from `row` on.
    #[inline(always)]
    pub(super) fn rows(&self, row: usize) -> &[i32] {
        &self.words[row * self.stride..]
    }

    /// How to read a row.
    #[inline(always)]
    pub(super) fn scale(&self, row: usize) -> &Scale {
        &self.scales[row]
    }
}

/// Stores a row, with zeros in the place of its outliers.
fn quantise(cpu: Cpu, row: &[f32], words: &mut [i32]) -> Scale {
    let Spread {
        outliers,
        least,
        most,
        is_finite,
    } = cpu.run(Survey(row));
    if !is_finite {
        // Bytes cannot say "not a number", and what comes of one must not pass for a number.
        return Scale {
            scale: f32::NAN,
            ..Scale::default()
        };
    }
    let range = most - least;
    let largest = f32::from(cpu.largest());
    // Anything smaller is as good as zero, and its reciprocal is no number.
    let scale = if range > f32::MIN_POSITIVE * largest {
        range / largest
    } else {
        1.0
    };
    let zero = (-least / scale).round_ties_even().min(largest);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within 0 and 255"
    )]
    let zero = zero as u8;
    let bytes = words.as_mut_ptr().cast::<MaybeUninit<u8>>();
    // Safety: the words are four bytes each and as many as hold the row; any byte may be written.
    let bytes = unsafe { std::slice::from_raw_parts_mut(bytes, row.len()) };
    let bytes = Quantize::new(row, bytes, scale.recip(), zero).dispatch();
    for outlier in outliers {
        bytes[outlier.channel] = zero;
    }
    Scale {
        zero: f32::from(zero),
        scale,
        outliers,
    }
}

/// What there is to know of a row before it is stored.
struct Spread {
    outliers: [Outlier; OUTLIERS],
    /// Least and most of the others. With zero between them no zero point is beyond them.
    least: f32,
    most: f32,
    /// Whether all of them are numbers.
    is_finite: bool,
}

/// Finds that out.
struct Survey<'a>(&'a [f32]);

impl Work for Survey<'_> {
    type Output = Spread;

    #[inline(always)]
    fn run<M: Machine>(self, machine: M) -> Spread {
        let row = self.0;
        let ([first, second], is_finite) = self.largest(machine);
        let (mut least, mut most) = self.range_below(machine, second);

        // All that are as large as the second: it and the first, and more only if some are just as large.
        let mut outliers = [Outlier::default(); OUTLIERS];
        let mut found = 0;
        let mut count = 0;
        for (block, numbers) in row.chunks(BLOCK).enumerate() {
            let mut any = false;
            for number in numbers {
                any |= number.abs() >= second;
            }
            if !any {
                continue;
            }
            for (place, number) in numbers.iter().enumerate() {
                count += usize::from(number.abs() >= second);
                // The first must not be left out for several that are as large as the second.
                let wanted =
                    found == 0 || number.abs() >= first || outliers[0].number.abs() >= first;
                if number.abs() >= second && found < OUTLIERS && wanted {
                    outliers[found] = Outlier {
                        channel: block * BLOCK + place,
                        number: *number,
                    };
                    found += 1;
                }
            }
        }
        if count > OUTLIERS {
            (least, most) = (least.min(-second), most.max(second));
        }
        Spread {
            outliers,
            least,
            most,
            is_finite,
        }
    }
}

/// Numbers that are looked through at once.
const BLOCK: usize = 64;

impl Survey<'_> {
    /// The two largest magnitudes, larger first; and whether all are finite.
    #[inline(always)]
    fn largest<M: Machine>(&self, machine: M) -> ([f32; OUTLIERS], bool) {
        let ops = machine.isa().f32();
        let (mut first, mut second) = (ops.zero(), ops.zero());
        // Zero times a number is zero, and zero times anything else is none.
        let mut nothing = ops.zero();
        let (whole, rest) = self.0.split_at(self.0.len() - self.0.len() % ops.len());
        for numbers in whole.chunks_exact(ops.len()) {
            let number = ops.abs(ops.load(numbers));
            nothing = ops.mul_add(number, ops.zero(), nothing);
            second = ops.max(second, ops.min(first, number));
            first = ops.max(first, number);
        }
        let mut sum = 0.0;
        for number in nothing.to_array().as_ref() {
            sum += number;
        }
        for number in rest {
            sum += number * 0.0;
        }
        let (first, second) = (first.to_array(), second.to_array());
        let all = first.as_ref().iter().chain(second.as_ref()).chain(rest);
        let mut largest = [0.0; OUTLIERS];
        for number in all {
            let number = number.abs();
            if number > largest[0] {
                largest = [number, largest[0]];
            } else if number > largest[1] {
                largest[1] = number;
            }
        }
        (largest, sum == 0.0)
    }

    /// Least and most of the numbers whose magnitude is below a bound, zero included.
    #[inline(always)]
    fn range_below<M: Machine>(&self, machine: M, bound: f32) -> (f32, f32) {
        let ops = machine.isa().f32();
        let (mut least, mut most) = (ops.zero(), ops.zero());
        let (whole, rest) = self.0.split_at(self.0.len() - self.0.len() % ops.len());
        let limit = ops.splat(bound);
        for numbers in whole.chunks_exact(ops.len()) {
            let number = ops.load(numbers);
            let within = ops.lt(ops.abs(number), limit);
            let number = ops.select(number, ops.zero(), within);
            least = ops.min(least, number);
            most = ops.max(most, number);
        }
        let (least, most) = (least.to_array(), most.to_array());
        let mut range = (0.0_f32, 0.0_f32);
        let rest = rest.iter().filter(|number| number.abs() < bound);
        for number in least.as_ref().iter().chain(most.as_ref()).chain(rest) {
            range = (range.0.min(*number), range.1.max(*number));
        }
        range
    }
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
mod tests {
    use super::*;

    /// What the stored row stands for.
    fn read(cpu: Cpu, row: &[f32]) -> (Vec<f32>, Scale) {
        let mut rows = Quantised::default();
        rows.take(cpu, row, row.len());
        let scale = *rows.scale(0);
        let bytes = rows.rows(0).iter().flat_map(|word| word.to_ne_bytes());
        let mut numbers: Vec<f32> = bytes
            .take(row.len())
            .map(|byte| (f32::from(byte) - scale.zero) * scale.scale)
            .collect();
        for outlier in scale.outliers {
            numbers[outlier.channel] += outlier.number;
        }
        (numbers, scale)
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
            // One number among zeros, in front, in the middle and last.
            [vec![5.0], vec![0.0; 69]].concat(),
            [vec![0.0; 64], vec![-5.0], vec![0.0; 9]].concat(),
            [vec![0.0; 69], vec![5.0]].concat(),
            // All on one side of zero.
            wave(100).map(|number| number + 20.0).collect(),
            wave(100).map(|number| number - 20.0).collect(),
            // The two largest, the first of which comes last, beside several of the second's size.
            [vec![9.0, -9.0, 9.0], wave(40).collect(), vec![100.0]].concat(),
            [vec![100.0, 9.0, -9.0, 9.0], wave(40).collect()].concat(),
            // As small as numbers get, and as large as they may.
            vec![f32::from_bits(1); 20],
            wave(33).map(|number| number * f32::MIN_POSITIVE).collect(),
            wave(33).map(|number| number * 1e37).collect(),
            wave(769).collect(),
        ];
        for cpu in Cpu::all() {
            for row in &rows {
                let (ours, scale) = read(cpu, row);
                for (ours, number) in ours.iter().zip(row) {
                    let distance = (ours - number).abs();
                    assert!(
                        distance <= scale.scale * 1.001,
                        "{cpu:?}: {number} became {ours} in {row:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_two_largest_are_kept_as_they_are() {
        let mut row: Vec<f32> = (0..200_u8).map(|index| f32::from(index) / 100.0).collect();
        row[17] = -77.7;
        row[130] = 33.3;
        for cpu in Cpu::all() {
            let (ours, scale) = read(cpu, &row);
            assert_eq!(ours[17].to_bits(), (-77.7_f32).to_bits());
            assert_eq!(ours[130].to_bits(), 33.3_f32.to_bits());
            // They do not widen the steps of the others.
            assert!(scale.scale <= 2.0 / 127.0, "{cpu:?}: {}", scale.scale);
        }
    }

    #[test]
    fn what_is_no_number_does_not_become_one() {
        for broken in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for (length, place) in [(1, 0), (64, 3), (70, 69), (70, 0)] {
                let mut row = vec![1.0; length];
                row[place] = broken;
                for cpu in Cpu::all() {
                    let (_, scale) = read(cpu, &row);
                    assert!(scale.scale.is_nan(), "{cpu:?}: {broken} at {place}");
                }
            }
        }
    }
}
