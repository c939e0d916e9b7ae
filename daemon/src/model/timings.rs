//! Time of the phases of loading a model.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Time of the phases of loading a model.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LoadTimings {
    /// Reading the configuration and the tokenizer.
    pub(crate) tokenizer: Spent,
    /// Opening the weights files and listing their tensors.
    pub(crate) map: Spent,
    /// Packing the weights for the kernels.
    pub(crate) pack: Spent,
    /// Computing a first batch, one token per thread.
    pub(crate) warm_up: Spent,
}

/// Time that something took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    /// Time of the clock.
    pub(crate) wall: Duration,
    /// Time of the processor, of all threads of the program.
    pub(crate) cpu: Duration,
}

/// A watch for consecutive phases.
pub(crate) struct Stopwatch {
    wall: Instant,
    cpu: Duration,
}

impl Stopwatch {
    /// Begins the first phase.
    #[must_use]
    pub(crate) fn start() -> Self {
        Self {
            wall: Instant::now(),
            cpu: cpu_time(),
        }
    }

    /// Time of the processor since the program began, of all its threads.
    #[must_use]
    pub(crate) fn since_start_of_program() -> Duration {
        cpu_time()
    }

    /// Ends a phase and begins the next; returns the time of the one that ended.
    pub(crate) fn lap(&mut self) -> Spent {
        let before = std::mem::replace(self, Self::start());
        Spent {
            wall: self.wall - before.wall,
            cpu: self.cpu.saturating_sub(before.cpu),
        }
    }
}

/// Time of the processor since the program began, of all its threads.
fn cpu_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_time_of_the_processor() {
        let mut watch = Stopwatch::start();
        let mut number = 1_u64;
        let until = cpu_time() + Duration::from_millis(5);
        while cpu_time() < until {
            number = std::hint::black_box(number.wrapping_mul(3));
        }
        assert!(watch.lap().cpu >= Duration::from_millis(5));
    }
}
