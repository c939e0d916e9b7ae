//! The options that say how a model is computed.

use std::num::NonZero;

use clap::{Args, ValueEnum};
use gte_daemon::model::Compute;
use gte_shared::wire::Precision;

/// How to compute.
#[derive(Args, Debug)]
pub(super) struct Computing {
    /// Threads to compute with [default: as many as this process has cores]
    #[arg(long, value_name = "N")]
    threads: Option<NonZero<usize>>,

    /// What linear layers multiply in: auto is int8 where this CPU is faster in it, else f32
    #[arg(long, value_enum, default_value_t = Choice::Auto)]
    precision: Choice,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Choice {
    F32,
    Int8,
    Auto,
}

impl Computing {
    pub(super) fn resolve(&self) -> Compute {
        // Respects the process's affinity and its cgroup's quota.
        let cores = std::thread::available_parallelism();
        let threads = self.threads.or(cores.ok());
        Compute {
            threads: threads.map_or(1, NonZero::get),
            precision: match self.precision {
                Choice::F32 => Precision::F32,
                Choice::Int8 => Precision::Int8,
                Choice::Auto => Compute::best_precision(),
            },
        }
    }
}
