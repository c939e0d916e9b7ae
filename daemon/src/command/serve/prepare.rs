//! Preparation of a daemon before it loads its model: settings, sockets and lock.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gte_shared::client::{Notice, stop_if_started_by_client};
use gte_shared::endpoint::{Endpoint, EndpointError};
use gte_shared::environment::variable_os;
use gte_shared::wire::ErrorReply;
use tokio::runtime::Runtime;

use super::logging::{self, LogLevel};
use super::options::Serve;
use super::settings::{Activated, ServeSettings};
use crate::engine::SharedCache;
use crate::lifecycle::{IfHeld, InheritedSocket, InheritedSockets, InstanceError, InstanceLock};
use crate::serve::{self, BoundSocket, HttpBound, HttpRules, HttpServer};

/// A daemon before it loads its model.
pub(super) struct Prepared {
    pub(super) settings: ServeSettings,
    pub(super) level: LogLevel,
    /// The daemon's own socket; `None` if it serves HTTP alone.
    pub(super) own: Option<OwnSocket>,
    pub(super) http: Option<HttpServer>,
    pub(super) activated: Activated,
    pub(super) shared_cache: Option<SharedCache>,
}

/// The daemon's own socket.
pub(super) struct OwnSocket {
    pub(super) socket: BoundSocket,
    pub(super) endpoint: Endpoint,
    pub(super) lock: Arc<InstanceLock>,
}

/// Failure to prepare, and the clients that wait.
pub(super) struct NotPrepared {
    pub(super) error: anyhow::Error,
    pub(super) waiting: Box<Waiting>,
}

/// Sockets of a service manager, in which clients may wait.
#[derive(Default)]
pub(super) struct Waiting {
    own: Option<(BoundSocket, Endpoint)>,
    http: Option<HttpBound>,
}

impl Waiting {
    /// Takes over the sockets of a service manager.
    fn take_over(inherited: InheritedSockets) -> anyhow::Result<Self> {
        let http = inherited.http;
        let http = http.map(|socket| HttpBound::inherit(socket.descriptor, socket.address));
        Ok(Self {
            own: inherited.own.map(take_over).transpose()?,
            http: http.transpose()?,
        })
    }

    fn activated(&self) -> Activated {
        Activated {
            own: self.own.is_some(),
            http: self.http.is_some(),
            opened_http: None,
        }
    }

    /// Answers the clients with an error.
    pub(super) async fn refuse(self, reason: &ErrorReply) {
        if let Some((socket, _)) = self.own {
            serve::refuse_waiting(socket, reason).await;
        }
        if let Some(http) = self.http {
            http.refuse_waiting(reason).await;
        }
    }
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
        let waiting = Waiting::take_over(inherited).map_err(|error| NotPrepared {
            error,
            waiting: Box::default(),
        })?;
        let activated = waiting.activated();
        let prepare = || {
            let settings = ServeSettings::read(options, activated)?;
            let level = logging::begin(settings.log_format, settings.live.verbose);
            logging::hide_messages_of_panics();
            let shared_cache = settings.shared_cache()?;
            let places = take_places(options, &settings, runtime, &waiting)?;
            anyhow::Ok((settings, level, places, shared_cache))
        };
        let (settings, level, places, shared_cache) = match prepare() {
            Ok(prepared) => prepared,
            Err(error) => {
                let waiting = Box::new(waiting);
                return Err(NotPrepared { error, waiting });
            }
        };
        let own = match (waiting.own, places.lock) {
            (Some((socket, endpoint)), Some(lock)) => Some(OwnSocket {
                socket,
                endpoint,
                lock,
            }),
            _ => places.own,
        };
        let activated = Activated {
            opened_http: Some(places.http.is_some()),
            ..activated
        };
        let http = waiting.http.or(places.http).zip(places.rules);
        Ok(Self {
            settings,
            level,
            own,
            http: http.map(|(socket, rules)| HttpServer::new(socket, rules)),
            activated,
            shared_cache,
        })
    }

    /// The lock of the daemon's own socket.
    pub(super) fn lock(&self) -> Option<Arc<InstanceLock>> {
        self.own.as_ref().map(|own| Arc::clone(&own.lock))
    }
}

/// Sockets and locks that a daemon takes besides the sockets of a service manager.
#[derive(Default)]
struct Places {
    /// Lock of a service manager's socket.
    lock: Option<Arc<InstanceLock>>,
    own: Option<OwnSocket>,
    http: Option<HttpBound>,
    rules: Option<Arc<HttpRules>>,
}

fn take_places(
    options: &Serve,
    settings: &ServeSettings,
    runtime: &Runtime,
    waiting: &Waiting,
) -> anyhow::Result<Places> {
    let mut places = Places::default();
    let named = settings.http.address.as_ref();
    let inherited = waiting.http.as_ref().map(HttpBound::address);
    if let (Some(listening), Some(named)) = (inherited, named)
        && listening.to_string() != named.to_string()
    {
        tracing::warn!(%listening, %named, "http is at the service manager's socket");
    }
    let address = inherited.or(named);
    // What can be found out is, before another daemon makes way.
    places.rules = address
        .map(|address| settings.http.rules(address))
        .transpose()?;
    let own_address = address.filter(|_| inherited.is_none());
    let bind_http = || own_address.cloned().map(HttpBound::bind).transpose();
    let http = bind_http();
    if let Some((_, endpoint)) = &waiting.own {
        places.lock = Some(lock_inherited(settings, endpoint)?);
        // The daemon that ended meanwhile may have had the address.
        places.http = http.or_else(|_| bind_http())?;
        return Ok(places);
    }
    // A daemon of a client has the same settings.
    let replaces = address.is_some() && !options.detached;
    let (own, made_way) = bind(settings, runtime, address.is_some(), replaces)?;
    places.own = own;
    // The daemon that made way may have had the address.
    places.http = if made_way && http.is_err() {
        bind_http()?
    } else {
        http?
    };
    Ok(places)
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

/// Binds the daemon's own socket; returns true beside it if another daemon has made way. Where none
/// can be, as in a container, and none was named, HTTP is served alone.
fn bind(
    settings: &ServeSettings,
    runtime: &Runtime,
    wants_http: bool,
    replaces: bool,
) -> anyhow::Result<(Option<OwnSocket>, bool)> {
    let bind = || {
        let endpoint = Endpoint::resolve(settings.socket.as_deref())?;
        let (lock, made_way) = take_lock(settings, &endpoint, runtime, replaces)?;
        // Bound before the model is loaded: a client that connects meanwhile waits for the model.
        let socket = BoundSocket::bind(&endpoint)?;
        let own = OwnSocket {
            socket,
            endpoint,
            lock: Arc::new(lock),
        };
        anyhow::Ok((Some(own), made_way))
    };
    match bind() {
        Err(error) if wants_http && settings.socket.is_none() && lacks_a_place(&error) => {
            tracing::warn!(%error, "no place for a local socket: serving http alone");
            Ok((None, false))
        }
        bound => bound,
    }
}

/// Returns true if a socket cannot be made since its folder or its lock cannot.
fn lacks_a_place(error: &anyhow::Error) -> bool {
    let of_endpoint = match error.downcast_ref() {
        Some(InstanceError::Endpoint(error)) => Some(error),
        Some(InstanceError::Lock { .. }) => return true,
        Some(InstanceError::AlreadyRunning(_)) => return false,
        None => error.downcast_ref(),
    };
    matches!(
        of_endpoint,
        Some(EndpointError::Directory { .. } | EndpointError::Lock { .. })
    )
}

/// Attempts to take the lock from daemons that clients start: another client may be quicker.
const ATTEMPTS: usize = 5;

/// Takes the lock of a socket; returns true beside it if another daemon has made way. One that
/// `replaces` has daemons make way that clients have started: they would not have HTTP, and their
/// clients are served by this one.
fn take_lock(
    settings: &ServeSettings,
    endpoint: &Endpoint,
    runtime: &Runtime,
    replaces: bool,
) -> anyhow::Result<(InstanceLock, bool)> {
    let drain = settings.live.drain_timeout.as_secs();
    let mut made_way = false;
    for _ in 0..ATTEMPTS {
        match InstanceLock::acquire(endpoint, drain, IfHeld::Refuse) {
            Err(InstanceError::AlreadyRunning(_)) if replaces => {}
            acquired => return Ok((acquired?, made_way)),
        }
        let notify = |notice: &Notice| tracing::info!(%notice, "replacing a daemon");
        if !runtime.block_on(stop_if_started_by_client(endpoint, &notify))? {
            break;
        }
        tracing::info!("a daemon that a client had started makes way for http");
        made_way = true;
    }
    let lock = InstanceLock::acquire(endpoint, drain, IfHeld::Refuse)?;
    Ok((lock, made_way))
}
