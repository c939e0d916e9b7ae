//! What a machine can do at most, to hold against it what is made of it.

use std::hint::black_box;
use std::time::Instant;

use rayon::ThreadPool;
use rten_simd::Isa;
use rten_simd::ops::{BitOps, NumOps};

use super::machine::{Cpu, Machine, Work};
use super::tile::ROWS;

/// What a machine can do at most, all threads together.
#[derive(Clone, Debug)]
pub struct Peak {
    /// The kind of CPU.
    pub cpu: String,
    /// Multiplications and additions of f32 a second, with nothing but registers.
    pub f32: f64,
    /// The same of eight-bit numbers.
    pub int8: f64,
    /// Bytes read from memory a second.
    pub memory: f64,
}

/// Times that each is measured, the best of which counts.
const RUNS: usize = 15;

/// Steps of one run: tens of milliseconds.
const STEPS: usize = 1 << 21;

/// Numbers that are read from memory, 256 MiB: more than any cache has.
const NUMBERS: usize = 1 << 26;

impl Peak {
    /// Measures it with the threads of a pool, which takes less than a second.
    pub(in crate::model) fn measure(cpu: Cpu, pool: &ThreadPool) -> Self {
        let rate = |run: &(dyn Fn() -> usize + Sync)| {
            let mut best = 0.0_f64;
            for _ in 0..RUNS {
                let start = Instant::now();
                let done: usize = pool.broadcast(|_| run()).into_iter().sum();
                #[expect(clippy::cast_precision_loss, reason = "for people to read")]
                let rate = done as f64 / start.elapsed().as_secs_f64();
                best = best.max(rate);
            }
            best
        };
        let numbers = vec![1.0; NUMBERS];
        let part = NUMBERS / pool.current_num_threads();
        Self {
            cpu: format!("{cpu:?}"),
            f32: rate(&|| cpu.run(Floats)),
            int8: rate(&|| cpu.run(Bytes)),
            memory: rate(&|| {
                let first = rayon::current_thread_index().unwrap_or_default() * part;
                cpu.run(Read(&numbers[first..first + part]))
            }),
        }
    }
}

/// Multiplies and adds in as many registers as a tile has, and says how many operations that were.
struct Floats;

impl Work for Floats {
    type Output = usize;

    #[inline(always)]
    fn run<M: Machine>(self, machine: M) -> usize {
        let ops = machine.isa().f32();
        let (number, column) = (ops.splat(black_box(0.5)), ops.splat(black_box(1.0)));
        let mut sums = [[ops.zero(); 2]; ROWS];
        for _ in 0..STEPS {
            for row in &mut sums {
                for sum in row {
                    *sum = ops.mul_add(number, *sum, column);
                }
            }
        }
        for row in sums {
            for sum in row {
                black_box(sum);
            }
        }
        2 * STEPS * ROWS * 2 * ops.len()
    }
}

/// The same in bytes.
struct Bytes;

impl Work for Bytes {
    type Output = usize;

    #[inline(always)]
    fn run<M: Machine>(self, machine: M) -> usize {
        let (ints, bytes) = (machine.isa().i32(), machine.isa().i8());
        let (number, column) = (bytes.splat(black_box(1)), bytes.splat(black_box(2)));
        let mut sums = [[ints.zero(); 2]; ROWS];
        for _ in 0..STEPS {
            for row in &mut sums {
                for sum in row {
                    *sum = machine.dot(number, column, *sum);
                }
            }
        }
        for row in sums {
            for sum in row {
                black_box(sum);
            }
        }
        2 * STEPS * ROWS * 2 * bytes.len()
    }
}

/// Reads numbers, and says how many bytes that were.
struct Read<'a>(&'a [f32]);

impl Work for Read<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<M: Machine>(self, machine: M) -> usize {
        let ops = machine.isa().f32();
        let mut sums = [ops.zero(); 8];
        for numbers in self.0.chunks_exact(8 * ops.len()) {
            for (sum, numbers) in sums.iter_mut().zip(numbers.chunks_exact(ops.len())) {
                *sum = ops.add(*sum, ops.load(numbers));
            }
        }
        for sum in sums {
            black_box(sum);
        }
        size_of_val(self.0)
    }
}
