//! Peak rates of the machine, and the part of them that a model reaches.

use gte_kernels::{Cpu, Peak};
use gte_shared::wire::Precision;
use serde::Serialize;

use crate::engine::Embed;
use crate::model::Model;

/// Peak rates of the machine, and the part of them that a model reaches.
#[derive(Clone, Debug, Serialize)]
pub struct MachinePeak {
    /// Instruction set.
    pub cpu: String,
    /// Threads of the model.
    pub threads: usize,
    /// Precision of the model.
    pub precision: Precision,
    /// Billions of f32 operations per second at most.
    pub f32_gops: f64,
    /// Billions of int8 operations per second at most.
    pub int8_gops: f64,
    /// Gigabytes per second from memory at most.
    pub memory_gb_per_s: f64,
    /// Fastest measurement as a part of the peak in the precision of the model, from 0 to 1.
    pub share: f64,
}

impl MachinePeak {
    /// Measures the peak rates with the threads of a model; `rates` are the operations per second that
    /// the model has reached.
    #[must_use]
    pub fn measure(model: &Model, rates: impl Iterator<Item = f64>) -> Self {
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
