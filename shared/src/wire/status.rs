//! The state of the daemon.

use serde::{Deserialize, Serialize};

use super::model_info::ModelInfo;

/// The state of the daemon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Version of the daemon.
    pub version: String,
    /// Protocol number of the daemon.
    pub protocol: u32,
    /// Process id.
    pub pid: u32,
    /// True if a client has started the daemon, with the options by default.
    pub detached: bool,
    /// True if a service manager has started the daemon, and listens at its socket.
    pub activated: bool,
    /// State of the model.
    pub state: State,
    /// Model that answers.
    pub model: ModelInfo,
    /// Model that is loaded besides, because requests have named it.
    pub second_model: Option<ModelInfo>,
    /// Number of threads that the model computes with; 0 while it is not loaded.
    pub threads: u32,
    /// Seconds since the daemon began to answer.
    pub uptime_seconds: u64,
    /// Open connections, that of this request included.
    pub connections: u64,
    /// Requests answered so far, failed ones included.
    pub requests: u64,
    /// Texts embedded so far.
    pub texts: u64,
    /// Texts waiting or being computed now.
    pub pending_texts: u64,
    /// Texts embedded per second, over the last ten seconds.
    pub texts_per_second: f64,
    /// Seconds since the last request for texts was answered; 0 while one is at work.
    pub idle_seconds: u64,
    /// Time that the most recent requests for texts took.
    pub latency: Latency,
    /// The vectors that are remembered.
    pub cache: CacheStatus,
    /// The vectors that are kept on disk; `None` without a disk cache.
    pub disk_cache: Option<DiskCacheStatus>,
    /// Resident memory (RSS), in bytes; 0 if the system does not report it.
    pub resident_bytes: u64,
}

/// State of the model of a daemon. The order of the variants is part of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is loaded.
    Ready,
    /// It is being loaded again.
    Loading,
    /// It is loaded again when somebody asks.
    Unloaded,
}

impl State {
    /// Name, as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Loading => "loading",
            Self::Unloaded => "unloaded",
        }
    }
}

/// Time that the most recent requests for texts took inside the daemon, at most 1,024 of them. All
/// values are 0 without any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// Number of requests.
    pub requests: u32,
    /// Time that half of them took at most, in microseconds.
    pub p50_micros: u64,
    /// Time that 90 % of them took at most.
    pub p90_micros: u64,
    /// Time that 99 % of them took at most.
    pub p99_micros: u64,
    /// Longest time.
    pub max_micros: u64,
}

/// The vectors that a daemon remembers, since its model was loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheStatus {
    /// Texts that were found.
    pub hits: u64,
    /// Texts that were not.
    pub misses: u64,
    /// Vectors that are remembered now.
    pub texts: u64,
    /// Memory that these take, in bytes.
    pub bytes: u64,
}

/// The vectors that a daemon keeps on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskCacheStatus {
    /// Texts that were found on disk since the daemon began, after they were not in memory.
    pub hits: u64,
    /// Texts that were not.
    pub misses: u64,
    /// Size of the files, in bytes.
    pub bytes: u64,
    /// Failures of the disk. What it did not give was computed, and what it did not take is lost.
    pub faults: u64,
    /// The latest fault, and what to do about it.
    pub problem: Option<String>,
}
