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
    /// Model that answers.
    pub model: ModelInfo,
    /// Threads that it computes with.
    pub threads: u32,
    /// Seconds since it began to answer.
    pub uptime_seconds: u64,
    /// Open connections, the asking one included.
    pub connections: u64,
    /// Requests answered so far, failed ones included.
    pub requests: u64,
    /// Texts embedded so far.
    pub texts: u64,
    /// Texts waiting or being computed now.
    pub pending_texts: u64,
    /// Memory resident in RAM, in bytes; 0 where the system does not tell.
    pub resident_bytes: u64,
}
