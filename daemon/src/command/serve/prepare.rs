//! Preparation of a daemon before it loads its model: settings, sockets and lock.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gte_shared::client::{Notice, stop_if_started_by_client};
use gte_shared::endpoint::Endpoint;
use gte_shared::environment::variable_os;
use tokio::runtime::Runtime;

use super::logging::{self, LogLevel};
use super::options::Serve;
use super::settings::ServeSettings;
use crate::lifecycle::{IfHeld, InheritedSocket, InheritedSockets, InstanceError, InstanceLock};
use crate::serve::{BoundSocket, HttpServer};

/// A daemon before it loads its model.
pub(super) struct Prepared {
    pub(super) settings: ServeSettings,
    pub(super) level: LogLevel,
    /// The daemon's own socket; `None` if it serves HTTP alone.
    pub(super) own: Option<OwnSocket>,
    pub(super) http: Option<HttpServer>,
    /// True if a service manager has bound the daemon's own socket.
    pub(super) activated: bool,
}

/// The daemon's own socket.
pub(super) struct OwnSocket {
    pub(super) socket: BoundSocket,
    pub(super) endpoint: Endpoint,
    pub(super) lock: Arc<InstanceLock>,
}

/// Failure to prepare, and the service manager's socket with the clients that wait in it.
pub(super) struct NotPrepared {
    pub(super) error: anyhow::Error,
    pub(super) socket: Option<BoundSocket>,
}

impl Prepared {
    /// Reads the settings, begins to log, and takes lock and sockets. A second daemon on the socket
    /// exits here, before it loads anything.
    pub(super) fn new(
        options: &Serve,
        runtime: &Runtime,
        inherited: InheritedSockets,
    ) -> Result<Self, NotPrepared> {
        // Sockets belong to the runtime.
        let _guard = runtime.enter();
        let taken = inherited.own.map(take_over).transpose();
        let taken = taken.map_err(|error| NotPrepared {
            error,
            socket: None,
        })?;
        let (socket, endpoint) = taken.unzip();
        let prepare = || {
            let mut settings = ServeSettings::read(options, endpoint.is_some())?;
            let level = logging::begin(settings.log_format, settings.live.verbose);
            // The message of a panic may quote the text that caused it.
            std::panic::set_hook(Box::new(|panic| {
                let location = panic.location().map(ToString::to_string);
                tracing::error!(location, "panic");
            }));
            let http = std::mem::take(&mut settings.http);
            let wants_http = http.address.is_some() || inherited.http.is_some();
            let lock = match &endpoint {
                Some(endpoint) => Some(lock_inherited(&settings, endpoint)?),
                None => None,
            };
            let bound = match &endpoint {
                Some(_) => None,
                None => bind(&settings, runtime, wants_http)?,
            };
            let http = http.bind(inherited.http)?;
            anyhow::Ok((settings, level, lock, bound, http))
        };
        let (settings, level, lock, bound, http) = match prepare() {
            Ok(prepared) => prepared,
            Err(error) => return Err(NotPrepared { error, socket }),
        };
        let activated = endpoint.is_some();
        let own = match (socket, endpoint, lock) {
            (Some(socket), Some(endpoint), Some(lock)) => Some(OwnSocket {
                socket,
                endpoint,
                lock,
            }),
            _ => bound,
        };
        Ok(Self {
            settings,
            level,
            own,
            http,
            activated,
        })
    }

    /// The lock of the daemon's own socket.
    pub(super) fn lock(&self) -> Option<Arc<InstanceLock>> {
        self.own.as_ref().map(|own| Arc::clone(&own.lock))
    }
}

/// Takes over the socket of a service manager.
fn take_over(socket: InheritedSocket<PathBuf>) -> anyhow::Result<(BoundSocket, Endpoint)> {
    let endpoint = Endpoint::resolve(Some(&socket.address))?;
    let bound = BoundSocket::inherit(&endpoint, socket.descriptor)?;
    Ok((bound, endpoint))
}

/// Takes the lock of a service manager's socket.
fn lock_inherited(
    settings: &ServeSettings,
    endpoint: &Endpoint,
) -> anyhow::Result<Arc<InstanceLock>> {
    let named = Endpoint::resolve(settings.socket.as_deref())?;
    if settings.socket.is_some() && *endpoint != named {
        let (listening, named) = (endpoint.path().display(), named.path().display());
        tracing::warn!(%listening, %named, "the service manager's socket is not the one named");
    }
    let drain = settings.live.drain_timeout.as_secs();
    let lock = InstanceLock::acquire(&lock_place(endpoint)?, drain, IfHeld::Wait)?;
    Ok(Arc::new(lock))
}

/// Endpoint whose lock the daemon takes: its own, unless a service manager has put the socket into
/// a folder of another user. It then gives the service a folder (`RuntimeDirectory=`).
fn lock_place(endpoint: &Endpoint) -> anyhow::Result<Endpoint> {
    if endpoint.has_own_folder() {
        return Ok(endpoint.clone());
    }
    let Some(folder) = variable_os("RUNTIME_DIRECTORY") else {
        return Ok(endpoint.clone());
    };
    Ok(Endpoint::resolve(Some(
        &Path::new(&folder).join("gted.sock"),
    ))?)
}

/// Binds the daemon's own socket. Where none can be, as in a container, and none was named,
/// HTTP is served alone.
fn bind(
    settings: &ServeSettings,
    runtime: &Runtime,
    wants_http: bool,
) -> anyhow::Result<Option<OwnSocket>> {
    let bind = || {
        let endpoint = Endpoint::resolve(settings.socket.as_deref())?;
        let lock = lock(settings, &endpoint, runtime, wants_http)?;
        // Bound before the model is loaded: a client that connects meanwhile waits for the model.
        let socket = BoundSocket::bind(&endpoint)?;
        anyhow::Ok(OwnSocket {
            socket,
            endpoint,
            lock: Arc::new(lock),
        })
    };
    let is_place = |error: &anyhow::Error| {
        let instance = error.downcast_ref::<InstanceError>();
        !matches!(instance, Some(InstanceError::AlreadyRunning(_)))
    };
    match bind() {
        Ok(own) => Ok(Some(own)),
        Err(error) if wants_http && settings.socket.is_none() && is_place(&error) => {
            tracing::info!(%error, "no place for a local socket: serving http alone");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Takes the lock of a socket. With HTTP, a daemon that a client has started gives way: it would
/// not have HTTP, and its clients are served by this one.
fn lock(
    settings: &ServeSettings,
    endpoint: &Endpoint,
    runtime: &Runtime,
    wants_http: bool,
) -> anyhow::Result<InstanceLock> {
    let drain = settings.live.drain_timeout.as_secs();
    let acquire = || InstanceLock::acquire(endpoint, drain, IfHeld::Refuse);
    match acquire() {
        Err(InstanceError::AlreadyRunning(_)) if wants_http => {
            let notify = |notice: &Notice| tracing::info!(%notice, "replacing a daemon");
            if runtime.block_on(stop_if_started_by_client(endpoint, &notify))? {
                tracing::info!("replaced the daemon that a client had started, to serve http");
            }
            Ok(acquire()?)
        }
        acquired => Ok(acquired?),
    }
}
