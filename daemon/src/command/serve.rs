//! `gted serve`: hold the model and answer on a local socket.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use gte_shared::endpoint::{AnsweringModel, Endpoint};
use gte_shared::report;
use gte_shared::wire::{ErrorCode, ErrorReply};
use tracing::level_filters::LevelFilter;

use super::compute_options::ComputeOptions;
use crate::engine::{self, Engine};
use crate::lifecycle::{InstanceLock, Termination, detach, memory};
use crate::model::Compute;
use crate::serve::{self, BoundSocket, Loaded, Models, Service, StartedBy};
use crate::store::{Store, StoreError};

/// Number of threads that serve connections. The model computes with threads of its own.
const IO_THREADS: usize = 2;

/// Seconds of the drain timeout by default: a service manager gives 90 s (`TimeoutStopSec`,
/// systemd.service(5)), and few requests take longer.
const DRAIN_SECONDS: u64 = 30;

/// Hold the model and answer on a local socket until a signal or `gte stop` ends it
#[derive(Args, Debug)]
pub(super) struct Serve {
    /// Socket of the daemon [default: $GTE_SOCKET, else $XDG_RUNTIME_DIR/gte/gted.sock]
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,

    /// Model: the name of an installed one, or a folder in the Hugging Face layout [default: the
    /// one selected with `gted use`, else gte-base-zh if it is installed, else the built-in one]
    #[arg(long, value_name = "NAME|DIR")]
    model: Option<String>,

    #[command(flatten)]
    compute: ComputeOptions,

    /// Seconds for running requests to be answered after a signal or `gte stop`
    #[arg(long, value_name = "SECONDS", default_value_t = DRAIN_SECONDS)]
    drain_timeout: u64,

    /// Leave the caller's session, folder and open files: for clients that start the daemon
    #[arg(long, hide = true)]
    detached: bool,

    /// Log each connection and request (sizes and times, never texts)
    #[arg(short, long)]
    verbose: bool,
}

impl Serve {
    /// Serves until a signal or a client ends it.
    ///
    /// # Errors
    ///
    /// If the socket is not free or the model cannot be loaded.
    pub(super) fn run(self) -> anyhow::Result<()> {
        if self.detached {
            // Before anything is opened, which would be closed again.
            detach().context("the daemon cannot leave the session of its caller")?;
        }
        memory::limit_retained();
        let level = if self.verbose {
            LevelFilter::DEBUG
        } else {
            LevelFilter::INFO
        };
        tracing_subscriber::fmt()
            .with_max_level(level)
            .with_writer(std::io::stderr)
            // A log on a full disk would be a panic.
            .log_internal_errors(false)
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .init();
        // The message of a panic may quote the text that caused it.
        std::panic::set_hook(Box::new(|panic| {
            let location = panic.location().map(ToString::to_string);
            tracing::error!(location, "panic");
        }));
        let endpoint = Endpoint::resolve(self.socket.as_deref())?;
        // A second daemon on the socket exits here, before it loads anything.
        let lock = Arc::new(InstanceLock::acquire(&endpoint, self.drain_timeout)?);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(IO_THREADS)
            .enable_all()
            .build()
            .context("the runtime cannot be started")?;
        let served = runtime.block_on(self.serve(&endpoint, &lock));
        // Does not wait for a model that is still loading.
        runtime.shutdown_background();
        if served.is_ok() {
            lock.clear();
        }
        served
    }

    async fn serve(self, endpoint: &Endpoint, lock: &Arc<InstanceLock>) -> anyhow::Result<()> {
        let mut termination = Termination::catch().context("signals cannot be caught")?;
        // Bound before the model is loaded: a client that connects meanwhile waits for the model.
        let socket = BoundSocket::bind(endpoint)?;
        let installed = Arc::new(Installed {
            store: Store::of_user(),
            compute: self.compute.resolve(),
            lock: Arc::clone(lock),
        });
        let models = Arc::clone(&installed);
        let loading = tokio::task::spawn_blocking(move || installed.load(self.model.as_deref()));
        let loaded = tokio::select! {
            biased;
            signal = termination.next() => {
                tracing::info!(signal, "signal while loading");
                return Ok(());
            }
            loaded = loading => loaded.context("loading the model panicked")??,
        };
        lock.record(AnsweringModel::from(&loaded.model));
        if let Some(reason) = endpoint.of_this_session_only() {
            tracing::warn!("{reason}");
        }
        tracing::info!(socket = %endpoint.path().display(), "ready");
        let limits = serve::Limits {
            drain_timeout: Duration::from_secs(self.drain_timeout),
            ..serve::Limits::default()
        };
        let started_by = if self.detached {
            StartedBy::Client
        } else {
            StartedBy::Other
        };
        let service = Arc::new(Service::new(loaded, models, limits, started_by));
        let owner = Arc::clone(lock);
        let owns_path = move || owner.is_current();
        let serving = tokio::spawn(serve::serve(socket, Arc::clone(&service), owns_path));
        let ended = end_on_signal(&mut termination, &service);
        tokio::select! {
            served = serving => served.context("serving panicked")?,
            () = ended => tracing::warn!("second signal: exiting without draining"),
        }
        anyhow::ensure!(
            !service.has_failed(),
            "the thread of the model failed twice"
        );
        tracing::info!("ended");
        Ok(())
    }
}

/// The models on this machine, with threads and precision to compute them.
struct Installed {
    store: Store,
    compute: Compute,
    /// Lock whose record names the model that answers.
    lock: Arc<InstanceLock>,
}

impl Installed {
    fn load(&self, name: Option<&str>) -> anyhow::Result<Loaded> {
        let start = Instant::now();
        let model = self.store.load(name, self.compute)?;
        let timings = model.timings;
        let info = model.info;
        let engine = Engine::start(model.tokenizer, model.encoder, engine::Limits::default())
            .context("the engine cannot be started")?;
        tracing::info!(
            model = info.id,
            dimension = info.dimension,
            threads = engine.threads(),
            precision = ?info.precision,
            loaded_in = ?start.elapsed(),
            "loaded"
        );
        tracing::debug!(
            tokenizer = ?timings.tokenizer,
            map = ?timings.map,
            convert = ?timings.convert,
            pack = ?timings.pack,
            warm_up = ?timings.warm_up,
            "time of loading"
        );
        Ok(Loaded {
            engine,
            model: info,
        })
    }
}

impl Models for Installed {
    fn use_model(&self, name: &str) -> Result<Loaded, ErrorReply> {
        let use_model = || {
            // Refuses a folder, which `load` would accept.
            self.store.available(name)?;
            let loaded = self.load(Some(name))?;
            self.store.use_model(name)?;
            self.lock.record(AnsweringModel::from(&loaded.model));
            anyhow::Ok(loaded)
        };
        use_model().map_err(|error| {
            let reply = ErrorReply::new(ErrorCode::Model, report::message(error.as_ref()));
            match error.downcast_ref().and_then(StoreError::hint) {
                Some(hint) => reply.with_hint(hint),
                None => reply,
            }
        })
    }
}

/// Drains the service at the first signal, and returns at the second.
async fn end_on_signal(termination: &mut Termination, service: &Service) {
    let signal = termination.next().await;
    tracing::info!(signal, "signal received");
    service.stop();
    termination.next().await;
}
