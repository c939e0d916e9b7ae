//! Options of the commands that compute.

use std::num::NonZero;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use gte_shared::wire::Precision;

use crate::model::Compute;

/// Threads and precision.
#[derive(Args, Debug)]
pub(super) struct ComputeOptions {
    /// Number of threads to compute with [default: the cores of this process]
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<NonZero<usize>>,

    /// Type that linear layers multiply in: auto is int8 where this CPU is faster in it, else f32
    /// [default: auto]
    #[arg(long, value_enum)]
    pub(super) precision: Option<Choice>,
}

/// Choice of the precision.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Choice {
    F32,
    Int8,
    Auto,
}

impl ComputeOptions {
    pub(super) fn resolve(&self) -> Compute {
        // Respects the affinity of the process and the quota of its cgroup.
        let cores = std::thread::available_parallelism();
        let threads = self.threads.or(cores.ok());
        Compute {
            threads: threads.map_or(1, NonZero::get),
            precision: match self.precision {
                Some(Choice::F32) => Precision::F32,
                Some(Choice::Int8) => Precision::Int8,
                Some(Choice::Auto) | None => Compute::best_precision(),
            },
        }
    }
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, String> {
        <Self as ValueEnum>::from_str(value, false)
    }
}
