//! The state of the daemon.

use serde::{Deserialize, Serialize};

use super::model_info::ModelInfo;

/// The state of the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Version of the daemon.
    pub version: String,
    /// Protocol number of the daemon.
    pub protocol: u32,
    /// Process id.
    pub pid: u32,
    /// True if a client has started the daemon, with the options by default.
    pub detached: bool,
    /// Model that answers.
    pub model: ModelInfo,
    /// Number of threads that the model computes with.
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
    /// Resident memory (RSS), in bytes; 0 if the system does not report it.
    pub resident_bytes: u64,
}
