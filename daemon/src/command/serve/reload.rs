//! Rereading of the configuration while the daemon runs.

use std::sync::Arc;

use gte_shared::report;
use gte_shared::settings::{Key, Setting, keys};

use super::logging::LogLevel;
use super::options::Serve;
use super::settings::{Activated, Live, ServeSettings};
use crate::command::hints;
use crate::lifecycle::InstanceLock;
use crate::serve::{HttpRules, Service};

/// Settings that take effect without a restart.
const LIVE: [&Key; 4] = [
    &keys::DRAIN_TIMEOUT,
    &keys::IDLE_EXIT,
    &keys::IDLE_UNLOAD,
    &keys::VERBOSE,
];

/// Rereads the settings of a running daemon.
pub(super) struct Reloader {
    options: Serve,
    activated: Activated,
    in_force: Vec<(&'static Key, Setting)>,
    running: Running,
}

/// Parts of a running daemon that change with its settings.
pub(super) struct Running {
    pub(super) level: LogLevel,
    pub(super) lock: Option<Arc<InstanceLock>>,
    pub(super) http: Option<Arc<HttpRules>>,
}

impl Reloader {
    pub(super) fn new(
        options: Serve,
        activated: Activated,
        in_force: Vec<(&'static Key, Setting)>,
        running: Running,
    ) -> Self {
        Self {
            options,
            activated,
            in_force,
            running,
        }
    }

    /// Rereads the settings, puts those into effect that can be, and logs which ones did and which
    /// need a restart. A faulty file changes nothing.
    pub(super) fn reload(&mut self, service: &Service) -> Option<Live> {
        self.reload_http();
        let new = match ServeSettings::read(&self.options, self.activated) {
            Ok(new) => new,
            Err(error) => {
                let hint = report::hint(&error, hints::hint);
                let error = report::with_hint(&error, hint.as_deref());
                tracing::error!(error, "configuration not reread: nothing changes");
                return None;
            }
        };
        let mut effective = Vec::new();
        let mut restart = Vec::new();
        for ((key, before), (_, now)) in self.in_force.iter_mut().zip(new.written) {
            if before.value == now.value {
                continue;
            }
            let value = now.value.as_deref().unwrap_or(key.default);
            let change = format!("{} = {}", key.name, key.shown(value));
            if LIVE.contains(key) {
                effective.push(change);
                *before = now;
            } else {
                restart.push(change);
            }
        }
        service.set_drain_timeout(new.live.drain_timeout);
        service.set_idle_unload(new.live.idle_unload);
        if let Some(lock) = &self.running.lock {
            lock.set_drain(new.live.drain_timeout.as_secs());
        }
        self.running.level.set(new.live.verbose);
        tracing::info!(
            effective = list(&effective),
            after_restart = list(&restart),
            "configuration reread"
        );
        Some(new.live)
    }

    /// Reads tokens and certificate again, whose files are changed in their places.
    fn reload_http(&self) {
        let Some(http) = &self.running.http else {
            return;
        };
        let failures = http.reload();
        for error in &failures {
            let hint = report::hint(error, hints::hint);
            let error = report::with_hint(error, hint.as_deref());
            tracing::error!(error, "http goes on with what was read before");
        }
        tracing::info!(failures = failures.len(), "files of http reread");
    }
}

fn list(changes: &[String]) -> String {
    if changes.is_empty() {
        "none".to_owned()
    } else {
        changes.join(", ")
    }
}
