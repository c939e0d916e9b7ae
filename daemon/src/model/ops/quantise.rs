//! Activations in eight bits: each row with a scale and a zero point of its own, so that what a text
//! becomes does not depend on its neighbours.
//!
//! A few channels of a BERT's hidden states are far larger than all others (Dettmers et al. 2022, "LLM.int8()").
//! A scale that spans them leaves the others only a few steps. So the largest numbers of each row are set apart and
//! multiplied as they are.

use std::cell::RefCell;
use std::mem::MaybeUninit;

use rayon::prelude::*;
use rten_simd::SimdOp;
use rten_vecmath::{MinMax, Quantize};

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

thread_local! {
    /// Room for a row, kept from one to the next.
    static ROOM: RefCell<Vec<f32>> = RefCell::default();
}

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
            .for_each(|((words, scale), row)| {
                ROOM.with_borrow_mut(|room| {
                    room.clear();
                    room.extend_from_slice(row);
                    *scale = quantise(cpu, room, words);
                });
            });
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

/// Stores a row, and leaves zeros in the place of its outliers.
fn quantise(cpu: Cpu, row: &mut [f32], words: &mut [i32]) -> Scale {
    let outliers = [(); OUTLIERS].map(|()| {
        let (least, most) = MinMax::new(row).dispatch();
        let number = if -least > most { least } else { most };
        let channel = cpu.run(Position { row, number });
        row[channel] = 0.0;
        Outlier { channel, number }
    });
    let (least, most) = MinMax::new(row).dispatch();
    // With zero within the range, no zero point is beyond it, and a row of zeros has a scale.
    let (least, most) = (least.min(0.0), most.max(0.0));
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
    Quantize::new(row, bytes, scale.recip(), zero).dispatch();
    Scale {
        zero: f32::from(zero),
        scale,
        outliers,
    }
}

/// Where a number of the row is.
struct Position<'a> {
    row: &'a [f32],
    number: f32,
}

impl Work for Position<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<M: Machine>(self, _: M) -> usize {
        /// Numbers that are compared at once.
        const TOGETHER: usize = 64;
        let (blocks, _) = self.row.as_chunks::<TOGETHER>();
        let mut first = 0;
        for block in blocks {
            let mut has = false;
            for number in block {
                has |= *number == self.number;
            }
            if has {
                break;
            }
            first += TOGETHER;
        }
        for (channel, number) in self.row.iter().enumerate().skip(first) {
            if *number == self.number {
                return channel;
            }
        }
        // Only if it is not a number at all.
        0
    }
}
