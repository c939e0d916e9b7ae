//! Supervision of a running daemon: idle times, the service manager's watchdog, and the line of its
//! state.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::settings::Live;
use crate::lifecycle::service_manager;
use crate::serve::Service;

/// Time between two messages about the state of the daemon, if it has changed.
const STATUS_INTERVAL: Duration = Duration::from_secs(5);

/// Shortest time between two looks of the watchdog.
const SHORTEST_LOOK: Duration = Duration::from_millis(1);

/// Messages to the watchdog within the time that it allows: a batch may take three quarters of it.
const FEEDS: u32 = 4;

/// Unloads the model and ends the daemon when it has been idle for as long as the settings say.
pub(super) async fn watch_idle(service: Arc<Service>, mut live: watch::Receiver<Live>) {
    loop {
        let Live {
            idle_exit,
            idle_unload,
            ..
        } = *live.borrow_and_update();
        let idle = service.idle_time().unwrap_or_default();
        if let Some(limit) = idle_exit
            && idle >= limit
        {
            tracing::info!(?idle, "idle: ending");
            service.stop();
            return;
        }
        let mut unload_in = idle_unload.map(|limit| limit.saturating_sub(idle));
        if unload_in == Some(Duration::ZERO) {
            if service.unload() {
                tracing::info!(?idle, "idle: model unloaded");
            }
            // It may be loaded again meanwhile.
            unload_in = idle_unload;
        }
        let exit_in = idle_exit.map(|limit| limit.saturating_sub(idle));
        let next = exit_in.into_iter().chain(unload_in).min();
        tokio::select! {
            changed = live.changed() => if changed.is_err() {
                return;
            },
            () = sleep_or_never(next) => {}
        }
    }
}

async fn sleep_or_never(time: Option<Duration>) {
    match time {
        Some(time) => sleep(time).await,
        None => std::future::pending().await,
    }
}

/// Tells the service manager's watchdog that the daemon makes progress: that this runs, and that a
/// model with texts to compute has computed a batch since the last look. A queue of any length is
/// not a reason to end the daemon; a model that comes to nothing is.
pub(super) async fn feed_watchdog(service: Arc<Service>) {
    let Some(limit) = service_manager::watchdog() else {
        return;
    };
    let mut looks = interval((limit / FEEDS).max(SHORTEST_LOOK));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = Vec::new();
    loop {
        looks.tick().await;
        let busy = service.batches_of_busy();
        if busy.iter().any(|model| before.contains(model)) {
            tracing::warn!("no batch since the last look");
        } else {
            service_manager::alive();
        }
        before = busy;
    }
}

/// Tells the service manager the state of the daemon when it changes.
pub(super) async fn tell_status(service: Arc<Service>) {
    let mut looks = interval(STATUS_INTERVAL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = String::new();
    loop {
        looks.tick().await;
        let line = service.summary();
        if line != told {
            service_manager::status(&line);
            told = line;
        }
    }
}
