//! Peak rates of the machine, and the fraction of them that a model reaches.

use gte_kernels::{Cpu, Peak};
use gte_shared::wire::Precision;
use serde::Serialize;

use crate::engine::Embed;
use crate::model::Model;

/// Peak rates of the machine, and the fraction of them that a model reaches.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct MachinePeak {
    /// Instruction set.
    pub(crate) cpu: String,
    /// Number of threads of the model.
    pub(crate) threads: usize,
    /// Precision of the model.
    pub(crate) precision: Precision,
    /// Peak rate in f32, in billions of operations per second.
    pub(crate) f32_gops: f64,
    /// Peak rate in int8, in billions of operations per second.
    pub(crate) int8_gops: f64,
    /// Peak rate of reading memory, in gigabytes per second.
    pub(crate) memory_gb_per_s: f64,
    /// Fastest measurement as a fraction of the peak rate in the model's precision, from 0 to 1.
    pub(crate) share: f64,
}

impl MachinePeak {
    /// Measures the peak rates with the threads of a model; `rates` are the operations per second
    /// that the model has reached.
    #[must_use]
    pub(crate) fn measure(model: &Model, rates: impl Iterator<Item = f64>) -> Self {
        let peak = Peak::measure(Cpu::detect(), model.encoder.pool());
        let precision = model.info.precision;
        let most = match precision {
            Precision::F32 => peak.f32,
            Precision::Int8 => peak.int8,
        };
        Self {
            cpu: peak.cpu.name().to_owned(),
            threads: model.encoder.threads(),
            precision,
            f32_gops: peak.f32 / 1e9,
            int8_gops: peak.int8 / 1e9,
            memory_gb_per_s: peak.memory / 1e9,
            share: rates.fold(0.0, f64::max) / most,
        }
    }
}
