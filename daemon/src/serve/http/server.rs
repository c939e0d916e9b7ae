//! An HTTP service: its socket, its rules, and its connections.

use std::io;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use gte_shared::settings::HttpAddress;
use gte_shared::wire::ErrorReply;
use ipnet::IpNet;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::access::Access;
use super::bound::HttpBound;
use super::connection::Connection;
use super::error::HttpError;
use super::http1::HalfClosed;
use super::listener::{Io, Listener};
use super::open_connections::OpenConnections;
use super::progress::Progress;
use super::router::{guarded_routes, routes_in_fc};
use super::tls::Tls;
use crate::serve::service::Service;

/// Most connections: with up to 64 KiB of what is read and as much of small requests each, they
/// take 128 MiB at the very most.
const MAX_CONNECTIONS: usize = 1024;

/// Descriptors for all else: files, the runtime's, and those of models that are being loaded.
const OTHER_DESCRIPTORS: usize = 64;

/// Time between two looks at the file of a Unix socket.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// Pause after a failed accept, so that a lack of file descriptors does not cause a busy loop.
const PAUSE_AFTER_REFUSAL: Duration = Duration::from_millis(100);

/// Settings of an HTTP service.
#[derive(Clone, Debug, Default)]
pub struct HttpSettings {
    /// File of the tokens that clients must send.
    pub token_file: Option<PathBuf>,
    /// True if other machines may connect without tokens.
    pub no_auth: bool,
    /// Names that the `Host` header may have besides those of this machine.
    pub hosts: Vec<String>,
    /// Origins of web pages that may call.
    pub origins: Vec<String>,
    /// Proxies that tell the addresses of their clients.
    pub proxies: Vec<IpNet>,
    /// Requests per second of one caller.
    pub rate: Option<NonZero<u32>>,
    /// Certificate chain and private key, in PEM.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// True in Alibaba's Function Compute, which calls paths of its own.
    pub in_fc: bool,
}

impl HttpSettings {
    /// Makes the rules of access. Hosts are checked at a loopback address, and where some are
    /// named.
    pub(super) fn access(self, is_loopback: bool) -> Result<Access, HttpError> {
        let hosts = self.hosts.iter().map(|host| host.to_ascii_lowercase());
        let hosts: Vec<String> = hosts.collect();
        Access::new(
            self.token_file,
            (is_loopback || !hosts.is_empty()).then_some(hosts),
            self.origins,
            self.proxies,
            self.rate,
        )
    }
}

/// Rules of a service that can be read again while it runs.
pub struct HttpRules {
    access: Arc<Access>,
    tls: Option<Tls>,
    in_fc: bool,
}

impl HttpRules {
    /// Makes the rules of a service at `address`.
    ///
    /// # Errors
    ///
    /// If a file of the settings cannot be used, or if other machines could connect and nothing
    /// keeps them out.
    pub fn new(address: &HttpAddress, settings: HttpSettings) -> Result<Arc<Self>, HttpError> {
        if !address.is_local() && settings.token_file.is_none() && !settings.no_auth {
            return Err(HttpError::Open(address.clone()));
        }
        let is_loopback = matches!(address, HttpAddress::Tcp(_)) && address.is_local();
        let tls = settings.tls.clone();
        let tls = tls.map(|(certificate, key)| Tls::new(certificate, key));
        Ok(Arc::new(Self {
            in_fc: settings.in_fc,
            access: Arc::new(settings.access(is_loopback)?),
            tls: tls.transpose()?,
        }))
    }

    fn routes(&self) -> Router {
        if self.in_fc {
            routes_in_fc(&self.access)
        } else {
            guarded_routes(&self.access)
        }
    }

    /// Reads the tokens and the certificate again; returns what could not be used. What was read
    /// before then stays in force.
    #[must_use]
    pub fn reload(&self) -> Vec<HttpError> {
        let tls = self.tls.as_ref().map_or(Ok(()), Tls::reload);
        let outcomes = [self.access.reload(), tls];
        outcomes.into_iter().filter_map(Result::err).collect()
    }
}

/// An HTTP service that is ready to listen.
pub struct HttpServer {
    socket: HttpBound,
    rules: Arc<HttpRules>,
}

impl HttpServer {
    /// Creates a service at a socket.
    #[must_use]
    pub fn new(socket: HttpBound, rules: Arc<HttpRules>) -> Self {
        Self { socket, rules }
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> &Arc<HttpRules> {
        &self.rules
    }

    /// Answers the clients that wait at a service manager's socket with an error.
    pub async fn refuse_waiting(self, reason: &ErrorReply) {
        self.socket.refuse_waiting(reason).await;
    }

    /// Listens from now on, in a process that may have this many file descriptors.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub fn listen(self, descriptors: usize) -> Result<HttpListener, HttpError> {
        let scheme = if self.rules.tls.is_some() {
            "https"
        } else {
            "http"
        };
        let (listener, address) = self.socket.listen()?;
        tracing::info!(address = %format_args!("{scheme}://{address}"), "serving http");
        Ok(HttpListener {
            listener,
            rules: self.rules,
            descriptors,
        })
    }
}

/// A listening HTTP service.
pub struct HttpListener {
    listener: Listener,
    rules: Arc<HttpRules>,
    descriptors: usize,
}

impl HttpListener {
    /// Accepts connections until the service stops, then waits until every one has answered its
    /// request, at most for the drain timeout.
    pub async fn serve(mut self, service: Arc<Service>) {
        // Every connection holds a sender, and the channel closes when the last one ends.
        let (alive, mut all_ended) = mpsc::channel::<()>(1);
        let open = Arc::new(OpenConnections::default());
        // The other connections need a descriptor each as well.
        let others = service.limits().connections + OTHER_DESCRIPTORS;
        let most = self
            .descriptors
            .saturating_sub(others)
            .clamp(1, MAX_CONNECTIONS);
        let http = &service.metrics().http;
        http.connections_limit
            .set(i64::try_from(most).unwrap_or(i64::MAX));
        let connections = http.connections.clone();
        let router = self.rules.routes();
        let mut looks = interval(LOOK_INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let accepted = tokio::select! {
                () = service.stopped() => break,
                _ = looks.tick() => {
                    self.keep_in_place(&service);
                    continue;
                }
                accepted = self.listener.accept() => accepted,
            };
            let (stream, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "connection not accepted");
                    open.close_oldest();
                    tokio::time::sleep(PAUSE_AFTER_REFUSAL).await;
                    continue;
                }
            };
            tokio::select! {
                () = service.stopped() => break,
                () = open.make_room(most) => {}
            }
            let progress = Progress::new();
            let connection = Connection::new(&service, address, Arc::clone(&progress));
            let opened = open.add(connection.caller.0, progress, connections.clone());
            let (router, rules) = (router.clone(), Arc::clone(&self.rules));
            let (service, alive) = (Arc::clone(&service), alive.clone());
            tokio::spawn(async move {
                let counted = service.count_connection();
                if let Err(error) = run(stream, connection, router, &rules).await {
                    tracing::debug!(%error, "connection failed");
                }
                drop((counted, opened, alive));
            });
        }
        drop((self.listener, alive));
        if timeout(service.drain_timeout(), all_ended.recv())
            .await
            .is_err()
        {
            tracing::warn!("drain timeout: exiting with http requests unanswered");
        }
    }

    /// Listens anew at a Unix socket whose file has been removed, or stops the service.
    fn keep_in_place(&mut self, service: &Service) {
        match self.listener.keep_in_place() {
            Ok(false) => {}
            Ok(true) => tracing::warn!("the socket of http was removed: listening again"),
            Err(error) => {
                tracing::error!(%error, "the socket of http was removed: ending");
                service.stop();
            }
        }
    }
}

/// Serves one connection.
async fn run(
    stream: Box<dyn Io>,
    connection: Connection,
    router: Router,
    rules: &HttpRules,
) -> io::Result<()> {
    let served = match &rules.tls {
        None => connection.serve(stream, router, HalfClosed::Gone).await,
        Some(tls) => {
            let limit = connection.service.limits().handshake_timeout;
            let secure = tokio::select! {
                () = connection.service.stopped() => return Ok(()),
                () = connection.closing() => return Ok(()),
                secure = timeout(limit, tls.acceptor().accept(stream)) => secure??,
            };
            connection.serve(secure, router, HalfClosed::Gone).await
        }
    };
    served.map_err(io::Error::other)
}
