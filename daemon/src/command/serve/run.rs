//! Run of the daemon, from its socket to its end.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use gte_shared::environment::{variable_os, xdg_folder};
use gte_shared::wire::{ErrorCode, ErrorReply};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::error::{NotStarted, not_started};
use super::installed::{Caches, Installed};
use super::options::Serve;
use super::prepare::{NotPrepared, OwnSocket, Prepared};
use super::reload::{Reloader, Running};
use super::settings::Activated;
use super::supervisor;
use crate::command::hints;
use crate::engine::DiskCache;
use crate::lifecycle::{
    Signal, Signals, descriptors, detach, inherited_sockets, memory, service_manager,
};
use crate::serve::{self, HttpListener, HttpServer, Loaded, Service, StartedBy};

/// Number of threads that serve connections. The model computes with threads of its own.
const IO_THREADS: usize = 2;

/// Longest wait at the end for the shared cache to keep new vectors.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(1);

/// Time between two requests for more time to start: a third of what each asks for.
const EXTENSION_INTERVAL: Duration = Duration::from_secs(10);

impl Serve {
    /// Serves until a signal, a client or an idle time ends it.
    ///
    /// # Errors
    ///
    /// [`NotStarted`] if the socket is not free or the model cannot be loaded.
    pub(in crate::command) fn run(self) -> anyhow::Result<()> {
        if self.detached {
            // Before anything is opened, which would be closed again.
            detach().context("the daemon cannot leave the session of its caller")?;
        }
        memory::limit_retained();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(IO_THREADS)
            .enable_all()
            .build()
            .context("the runtime cannot be started")?;
        let inherited = inherited_sockets().map_err(not_started)?;
        let prepared = match Prepared::new(&self, &runtime, inherited) {
            Ok(prepared) => prepared,
            Err(NotPrepared { error, waiting }) => {
                let reason = hints::reply(&error, ErrorCode::Internal);
                runtime.block_on(waiting.refuse(&reason));
                return Err(NotStarted(error).into());
            }
        };
        let lock = prepared.lock();
        let served = runtime.block_on(self.start_and_serve(prepared));
        // Does not wait for a model that is still loading.
        runtime.shutdown_background();
        if let (Ok(()), Some(lock)) = (&served, lock) {
            lock.clear();
        }
        served
    }

    async fn start_and_serve(self, prepared: Prepared) -> anyhow::Result<()> {
        let Prepared {
            settings,
            level,
            own,
            http,
            activated,
            shared_cache,
        } = prepared;
        let mut signals = Signals::catch().context("signals cannot be caught")?;
        let lock = own.as_ref().map(|own| Arc::clone(&own.lock));
        let disk = settings.disk_cache.map(disk_cache);
        let caches = Caches {
            disk: disk.clone(),
            shared: shared_cache,
        };
        let installed = Installed::new(&settings, caches, lock.clone())?;
        let installed = Arc::new(installed);
        let loaded = match load(&installed, settings.model.clone(), &mut signals).await {
            Ok(Some(loaded)) => loaded,
            Ok(None) => return Ok(()),
            Err(error) => {
                let reason = hints::reply(&error, ErrorCode::Model);
                refuse_waiting(own, http, activated, &reason).await;
                return Err(NotStarted(error).into());
            }
        };
        let limits = serve::Limits {
            drain_timeout: settings.live.drain_timeout,
            ..serve::Limits::default()
        };
        let started_by = match (activated.own || activated.http, self.detached) {
            (true, _) => StartedBy::ServiceManager,
            (false, true) => StartedBy::Client,
            (false, false) => StartedBy::Other,
        };
        let service = Arc::new(Service::new(loaded, installed, limits, started_by));
        let http_rules = http.as_ref().map(|http| Arc::clone(http.rules()));
        let descriptors = descriptors::raise_limit();
        // Only now: a load balancer takes an open port for a service that answers.
        let http = match http.map(|http| http.listen(descriptors)).transpose() {
            Ok(http) => http,
            Err(error) => {
                let error = error.into();
                let reason = hints::reply(&error, ErrorCode::Internal);
                refuse_waiting(own, None, activated, &reason).await;
                return Err(NotStarted(error).into());
            }
        };
        let serving = tokio::spawn(serve_all(own, http, Arc::clone(&service)));
        service_manager::ready();
        service.set_idle_unload(settings.live.idle_unload);
        let (live, watching) = watch::channel(settings.live);
        tokio::spawn(supervisor::watch_idle(Arc::clone(&service), watching));
        tokio::spawn(supervisor::feed_watchdog(Arc::clone(&service)));
        tokio::spawn(supervisor::tell_status(Arc::clone(&service)));
        let stopping = Arc::clone(&service);
        let ending = lock.clone();
        tokio::spawn(async move {
            stopping.stopped().await;
            if let Some(lock) = ending {
                lock.record_ending();
            }
            service_manager::stopping(stopping.drain_timeout());
        });
        let running = Running {
            lock,
            level,
            http: http_rules,
        };
        let mut reloader = Reloader::new(self, activated, settings.written, running);
        let ended = end_on_signal(&mut signals, &service, || {
            if let Some(new) = reloader.reload(&service) {
                live.send_replace(new);
            }
        });
        tokio::select! {
            served = serving => served.context("serving panicked")?,
            () = ended => tracing::warn!("second signal: exiting without draining"),
        }
        service.settle(SETTLE_TIMEOUT).await;
        if let Some(disk) = disk {
            disk.close();
        }
        anyhow::ensure!(
            !service.has_failed(),
            "the thread of the model failed twice"
        );
        tracing::info!("ended");
        Ok(())
    }
}

/// Answers the clients that wait at the sockets of a service manager with an error.
async fn refuse_waiting(
    own: Option<OwnSocket>,
    http: Option<HttpServer>,
    activated: Activated,
    reason: &ErrorReply,
) {
    if let (true, Some(own)) = (activated.own, own) {
        serve::refuse_waiting(own.socket, reason).await;
    }
    if let Some(http) = http {
        http.refuse_waiting(reason).await;
    }
}

/// Serves the daemon's own socket and HTTP until the service stops and both have drained.
async fn serve_all(own: Option<OwnSocket>, http: Option<HttpListener>, service: Arc<Service>) {
    let own = async {
        let Some(OwnSocket {
            socket,
            endpoint,
            lock,
        }) = own
        else {
            return;
        };
        if let Some(reason) = endpoint.of_this_session_only() {
            tracing::warn!("{reason}");
        }
        tracing::info!(socket = %endpoint.path().display(), "ready");
        serve::serve(socket, Arc::clone(&service), move || lock.keep()).await;
    };
    let http = async {
        if let Some(http) = http {
            http.serve(Arc::clone(&service)).await;
        }
    };
    tokio::join!(own, http);
}

/// Opens the disk cache of this user: `$XDG_CACHE_HOME/gte`, else `~/.cache/gte`.
fn disk_cache(bytes: u64) -> DiskCache {
    let folder = xdg_folder(variable_os, "XDG_CACHE_HOME", ".cache");
    let path = folder.map(|folder| folder.join("gte/vectors.sqlite"));
    DiskCache::open(path, bytes)
}

/// Loads the first model; `None` if a signal ends the daemon meanwhile. The service manager is
/// asked for time as long as it takes.
async fn load(
    installed: &Arc<Installed>,
    model: Option<String>,
    signals: &mut Signals,
) -> anyhow::Result<Option<Loaded>> {
    let models = Arc::clone(installed);
    let mut loading = tokio::task::spawn_blocking(move || models.load_first(model.as_deref()));
    let extending = async {
        let end = Instant::now() + service_manager::LONGEST_START;
        while Instant::now() < end {
            service_manager::extend_start();
            sleep(EXTENSION_INTERVAL).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::pin!(extending);
    loop {
        tokio::select! {
            biased;
            signal = signals.next() => match signal {
                Signal::End(signal) => {
                    tracing::info!(signal, "signal while loading");
                    return Ok(None);
                }
                Signal::Reload => tracing::info!("still loading: configuration not reread"),
            },
            loaded = &mut loading => {
                return loaded.context("loading the model panicked")?.map(Some);
            }
            () = &mut extending => {}
        }
    }
}

/// Drains the service at the first signal that ends it, and returns at the second.
async fn end_on_signal(signals: &mut Signals, service: &Service, mut reload: impl FnMut()) {
    let mut draining = false;
    loop {
        match signals.next().await {
            Signal::Reload if draining => {}
            Signal::Reload => {
                service_manager::reloading();
                reload();
                service_manager::ready();
            }
            Signal::End(_) if draining => return,
            Signal::End(signal) => {
                tracing::info!(signal, "signal received");
                draining = true;
                service.stop();
            }
        }
    }
}
