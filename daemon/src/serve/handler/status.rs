//! What the daemon is doing.

use std::sync::atomic::Ordering;

use gte_shared::BUILD;
use gte_shared::wire::Status;

use super::Service;

pub(super) fn answer(service: &Service) -> Status {
    let loaded = service.loaded();
    Status {
        build: BUILD.to_owned(),
        pid: std::process::id(),
        model: loaded.model.clone(),
        embedded: loaded.embedded,
        threads: u32::try_from(loaded.engine.threads()).unwrap_or(u32::MAX),
        uptime_seconds: service.started.elapsed().as_secs(),
        connections: service.connections.load(Ordering::Relaxed),
        requests: service.requests.load(Ordering::Relaxed),
        texts: service.texts.load(Ordering::Relaxed),
        texts_in_hand: loaded.engine.texts_in_hand() as u64,
        resident_bytes: resident_bytes().unwrap_or(0),
    }
}

/// Memory resident in RAM, from `VmRSS` in `/proc/self/status` (proc(5)), which counts in KiB.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}
