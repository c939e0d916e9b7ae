//! Peak rates of the machine, for a comparison with what is reached.

use std::hint::black_box;
use std::time::Instant;

use rayon::ThreadPool;
use rten_simd::Isa;
use rten_simd::ops::{BitOps, NumOps};

use crate::gemm::MR;
use crate::isa::{Cpu, Int8Isa, Kernel};

/// Peak rates of the machine, all threads together.
#[derive(Clone, Copy, Debug)]
pub struct Peak {
    /// Instruction set.
    pub cpu: Cpu,
    /// Operations (multiplications and additions) of f32 values per second, in registers alone.
    pub f32: f64,
    /// The same of eight-bit integers.
    pub int8: f64,
    /// Bytes read from memory per second.
    pub memory: f64,
}

/// Measurements of each rate, the best of which counts.
const RUNS: usize = 15;

/// Steps of one measurement: tens of milliseconds.
const STEPS: usize = 1 << 21;

/// Values that are read from memory, 256 MiB: more than any cache has.
const VALUES: usize = 1 << 26;

impl Peak {
    /// Measures with the threads of a pool, which takes less than a second.
    #[must_use]
    pub fn measure(cpu: Cpu, pool: &ThreadPool) -> Self {
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
        let values = vec![1.0; VALUES];
        let part = VALUES / pool.current_num_threads().max(1);
        Self {
            cpu,
            f32: rate(&|| cpu.dispatch(F32Operations)),
            int8: rate(&|| cpu.dispatch(Int8Operations)),
            memory: rate(&|| {
                let first = rayon::current_thread_index().unwrap_or_default() * part;
                cpu.dispatch(Read(&values[first..first + part]))
            }),
        }
    }
}

/// Multiplies and adds in as many registers as a tile has. Gives the number of operations.
struct F32Operations;

impl Kernel for F32Operations {
    type Output = usize;

    #[inline(always)]
    fn eval<M: Int8Isa>(self, isa: M) -> usize {
        let ops = isa.isa().f32();
        let (value, column) = (ops.splat(black_box(0.5)), ops.splat(black_box(1.0)));
        let mut sums = [[ops.zero(); 2]; MR];
        for _ in 0..STEPS {
            for row in &mut sums {
                for sum in row {
                    *sum = ops.mul_add(value, *sum, column);
                }
            }
        }
        for row in sums {
            for sum in row {
                black_box(sum);
            }
        }
        2 * STEPS * MR * 2 * ops.len()
    }
}

/// The same in eight bits.
struct Int8Operations;

impl Kernel for Int8Operations {
    type Output = usize;

    #[inline(always)]
    fn eval<M: Int8Isa>(self, isa: M) -> usize {
        let (ints, bytes) = (isa.isa().i32(), isa.isa().i8());
        let (value, column) = (bytes.splat(black_box(1)), bytes.splat(black_box(2)));
        let mut sums = [[ints.zero(); 2]; MR];
        for _ in 0..STEPS {
            for row in &mut sums {
                for sum in row {
                    *sum = isa.dot_i8(value, column, *sum);
                }
            }
        }
        for row in sums {
            for sum in row {
                black_box(sum);
            }
        }
        2 * STEPS * MR * 2 * bytes.len()
    }
}

/// Reads values. Gives the number of bytes.
struct Read<'a>(&'a [f32]);

impl Kernel for Read<'_> {
    type Output = usize;

    #[inline(always)]
    fn eval<M: Int8Isa>(self, isa: M) -> usize {
        let ops = isa.isa().f32();
        let mut sums = [ops.zero(); 8];
        for values in self.0.chunks_exact(8 * ops.len()) {
            for (sum, values) in sums.iter_mut().zip(values.chunks_exact(ops.len())) {
                *sum = ops.add(*sum, ops.load(values));
            }
        }
        for sum in sums {
            black_box(sum);
        }
        size_of_val(self.0)
    }
}
