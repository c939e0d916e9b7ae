//! Run of the daemon, from its socket to its end.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use gte_shared::endpoint::Endpoint;
use gte_shared::environment::{variable_os, xdg_folder};
use gte_shared::wire::ErrorCode;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::error::NotStarted;
use super::installed::Installed;
use super::logging::{self, LogLevel};
use super::options::Serve;
use super::reload::Reloader;
use super::settings::ServeSettings;
use super::supervisor;
use crate::command::hints;
use crate::engine::DiskCache;
use crate::lifecycle::{
    IfHeld, InheritedSocket, InstanceLock, Signal, Signals, detach, inherited_socket, memory,
    service_manager,
};
use crate::serve::{self, BoundSocket, Loaded, Service, StartedBy};
use crate::store::Store;

/// Number of threads that serve connections. The model computes with threads of its own.
const IO_THREADS: usize = 2;

/// Time between two requests for more time to start: a third of what each asks for.
const EXTENSION_INTERVAL: Duration = Duration::from_secs(10);

/// A daemon before it loads its model.
struct Prepared {
    settings: ServeSettings,
    level: LogLevel,
    endpoint: Endpoint,
    lock: Arc<InstanceLock>,
}

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
        let inherited = inherited_socket().map_err(not_started)?;
        let inherited = inherited.map(|socket| take_over(&runtime, socket));
        let inherited = inherited.transpose().map_err(NotStarted)?;
        match self.prepare(inherited.as_ref().map(|(_, endpoint)| endpoint)) {
            Ok(prepared) => {
                let lock = Arc::clone(&prepared.lock);
                let socket = inherited.map(|(socket, _)| socket);
                let served = runtime.block_on(self.start_and_serve(prepared, socket));
                // Does not wait for a model that is still loading.
                runtime.shutdown_background();
                if served.is_ok() {
                    lock.clear();
                }
                served
            }
            Err(error) => {
                if let Some((socket, _)) = inherited {
                    let reason = hints::reply(&error, ErrorCode::Internal);
                    runtime.block_on(serve::refuse_waiting(socket, &reason));
                }
                Err(NotStarted(error).into())
            }
        }
    }

    /// Reads the settings, begins to log, and takes the lock. A second daemon on the socket exits
    /// here, before it loads anything.
    fn prepare(&self, inherited: Option<&Endpoint>) -> anyhow::Result<Prepared> {
        let settings = ServeSettings::read(self, inherited.is_some())?;
        let level = logging::begin(settings.log_format, settings.live.verbose);
        // The message of a panic may quote the text that caused it.
        std::panic::set_hook(Box::new(|panic| {
            let location = panic.location().map(ToString::to_string);
            tracing::error!(location, "panic");
        }));
        let named = Endpoint::resolve(settings.socket.as_deref())?;
        let (endpoint, if_held) = match inherited {
            Some(endpoint) => (endpoint.clone(), IfHeld::Wait),
            None => (named.clone(), IfHeld::Refuse),
        };
        if settings.socket.is_some() && endpoint != named {
            let (listening, named) = (endpoint.path().display(), named.path().display());
            tracing::warn!(%listening, %named, "the service manager's socket is not the one named");
        }
        let drain = settings.live.drain_timeout.as_secs();
        let place = lock_place(&endpoint, inherited.is_some())?;
        let lock = Arc::new(InstanceLock::acquire(&place, drain, if_held)?);
        Ok(Prepared {
            settings,
            level,
            endpoint,
            lock,
        })
    }

    async fn start_and_serve(
        self,
        prepared: Prepared,
        inherited: Option<BoundSocket>,
    ) -> anyhow::Result<()> {
        let Prepared {
            settings,
            level,
            endpoint,
            lock,
        } = prepared;
        let activated = inherited.is_some();
        let mut signals = Signals::catch().context("signals cannot be caught")?;
        // Bound before the model is loaded: a client that connects meanwhile waits for the model.
        let socket = match inherited {
            Some(socket) => socket,
            None => BoundSocket::bind(&endpoint).map_err(not_started)?,
        };
        let disk = settings.disk_cache.map(disk_cache);
        let installed = Installed::new(
            Store::of_user(),
            settings.compute,
            settings.rules,
            settings.second_model_memory,
            disk.clone(),
            Arc::clone(&lock),
        );
        let installed = Arc::new(installed);
        let loaded = match load(&installed, settings.model.clone(), &mut signals).await {
            Ok(Some(loaded)) => loaded,
            Ok(None) => return Ok(()),
            Err(error) => {
                if activated {
                    let reason = hints::reply(&error, ErrorCode::Model);
                    serve::refuse_waiting(socket, &reason).await;
                }
                return Err(NotStarted(error).into());
            }
        };
        if let Some(reason) = endpoint.of_this_session_only() {
            tracing::warn!("{reason}");
        }
        tracing::info!(socket = %endpoint.path().display(), "ready");
        let limits = serve::Limits {
            drain_timeout: settings.live.drain_timeout,
            ..serve::Limits::default()
        };
        let started_by = match (activated, self.detached) {
            (true, _) => StartedBy::ServiceManager,
            (false, true) => StartedBy::Client,
            (false, false) => StartedBy::Other,
        };
        let service = Arc::new(Service::new(loaded, installed, limits, started_by));
        let owner = Arc::clone(&lock);
        let owns_path = move || owner.keep();
        let serving = tokio::spawn(serve::serve(socket, Arc::clone(&service), owns_path));
        service_manager::ready();
        service.set_idle_unload(settings.live.idle_unload);
        let (live, watching) = watch::channel(settings.live);
        tokio::spawn(supervisor::watch_idle(Arc::clone(&service), watching));
        tokio::spawn(supervisor::feed_watchdog(Arc::clone(&service)));
        tokio::spawn(supervisor::tell_status(Arc::clone(&service)));
        let stopping = Arc::clone(&service);
        let ending = Arc::clone(&lock);
        tokio::spawn(async move {
            stopping.stopped().await;
            ending.record_ending();
            service_manager::stopping(stopping.drain_timeout());
        });
        let mut reloader = Reloader::new(self, activated, settings.written, level, lock);
        let ended = end_on_signal(&mut signals, &service, || {
            if let Some(new) = reloader.reload(&service) {
                live.send_replace(new);
            }
        });
        tokio::select! {
            served = serving => served.context("serving panicked")?,
            () = ended => tracing::warn!("second signal: exiting without draining"),
        }
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

/// Endpoint whose lock the daemon takes: its own, unless a service manager has put the socket into
/// a folder of another user. It then gives the service a folder (`RuntimeDirectory=`).
fn lock_place(endpoint: &Endpoint, activated: bool) -> anyhow::Result<Endpoint> {
    if endpoint.has_own_folder() || !activated {
        return Ok(endpoint.clone());
    }
    let Some(folder) = variable_os("RUNTIME_DIRECTORY") else {
        return Ok(endpoint.clone());
    };
    Ok(Endpoint::resolve(Some(
        &Path::new(&folder).join("gted.sock"),
    ))?)
}

/// Opens the disk cache of this user: `$XDG_CACHE_HOME/gte`, else `~/.cache/gte`.
fn disk_cache(bytes: u64) -> DiskCache {
    let folder = xdg_folder(variable_os, "XDG_CACHE_HOME", ".cache");
    let path = folder.map(|folder| folder.join("gte/vectors.sqlite"));
    DiskCache::open(path, bytes)
}

fn not_started(error: impl Into<anyhow::Error>) -> NotStarted {
    NotStarted(error.into())
}

/// Takes over the socket of a service manager.
fn take_over(
    runtime: &Runtime,
    socket: InheritedSocket,
) -> anyhow::Result<(BoundSocket, Endpoint)> {
    let _guard = runtime.enter();
    let endpoint = Endpoint::resolve(Some(&socket.path))?;
    let bound = BoundSocket::inherit(&endpoint, socket.descriptor)?;
    Ok((bound, endpoint))
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
