//! Access to an HTTP service: hosts, origins, tokens and rates.

use std::net::IpAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ipnet::IpNet;

use super::caller_name::CallerName;
use super::connection::Connection;
use super::error::HttpError;
use super::failure::{Failure, RATE_LIMITED};
use super::rate_limit::{Caller, RateLimit};
use super::tokens::Tokens;

/// Header in which proxies name their clients.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Paths that anybody may call: the page, which holds nothing, and the probe of load balancers.
const OPEN_PATHS: [&str; 2] = ["/", HEALTH];

/// Path of the probe.
const HEALTH: &str = "/health";

/// Rules of access to an HTTP service.
pub(super) struct Access {
    token_file: Option<PathBuf>,
    tokens: RwLock<Option<Arc<Tokens>>>,
    /// Names that the `Host` header may have; `None` if it may have any.
    hosts: Option<Vec<String>>,
    origins: Vec<String>,
    proxies: Vec<IpNet>,
    rate_limit: Option<RateLimit>,
}

impl Access {
    /// Creates the rules. Hosts are checked at a loopback address: a page of anybody could
    /// otherwise give itself a name that leads there (DNS rebinding).
    ///
    /// # Errors
    ///
    /// If the tokens cannot be read.
    pub(super) fn new(
        token_file: Option<PathBuf>,
        hosts: Option<Vec<String>>,
        origins: Vec<String>,
        proxies: Vec<IpNet>,
        rate: Option<NonZero<u32>>,
    ) -> Result<Self, HttpError> {
        let access = Self {
            token_file,
            tokens: RwLock::new(None),
            hosts,
            origins,
            proxies,
            rate_limit: rate.map(RateLimit::new),
        };
        access.reload()?;
        Ok(access)
    }

    /// Origins of web pages that may call.
    pub(super) fn origins(&self) -> &[String] {
        &self.origins
    }

    /// Reads the tokens again.
    ///
    /// # Errors
    ///
    /// If they cannot be read; the former ones stay in force.
    pub(super) fn reload(&self) -> Result<(), HttpError> {
        if let Some(path) = &self.token_file {
            let tokens = Arc::new(Tokens::read(path)?);
            let mut now = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
            *now = Some(tokens);
        }
        Ok(())
    }

    /// Checks a request; returns the name of its token, if there are tokens.
    fn check(&self, request: &Request) -> Result<Option<CallerName>, Failure> {
        if request.headers().get_all(HOST).iter().count() > 1 {
            return Err(Failure::bad_request("the request has several Host headers").closing());
        }
        // Probes of load balancers may have none, and learn nothing.
        if request.uri().path() != HEALTH {
            self.check_host(request)?;
        }
        self.check_origin(request.headers())?;
        let name = self.check_token(request.headers());
        let caller = match &name {
            Ok(Some(name)) => Caller::Named(name.clone()),
            _ => Caller::at(self.client(request)),
        };
        // Attempts with wrong tokens count as well.
        let path = request.uri().path();
        if let Some(limit) = &self.rate_limit
            && path != HEALTH
        {
            limit.count(&caller).map_err(|after| {
                let message = "too many requests in too short a time";
                Failure::new(StatusCode::TOO_MANY_REQUESTS, RATE_LIMITED, message).with_retry(after)
            })?;
        }
        match name {
            Err(_) if OPEN_PATHS.contains(&path) && request.method().is_safe() => Ok(None),
            name => name,
        }
    }

    fn check_host(&self, request: &Request) -> Result<(), Failure> {
        let Some(hosts) = &self.hosts else {
            return Ok(());
        };
        let allowed = |authority: &Authority| {
            let host = authority.host().trim_end_matches('.').to_ascii_lowercase();
            is_of_this_machine(&host) || hosts.contains(&host)
        };
        let header = request.headers().get(HOST);
        let header = header.and_then(|host| host.to_str().ok()?.parse().ok());
        let target = request.uri().authority().cloned();
        // A request names its host once or twice; each must be one of these.
        let mut named = header.into_iter().chain(target).peekable();
        if named.peek().is_some() && named.all(|host| allowed(&host)) {
            return Ok(());
        }
        let message = "the Host header does not name this machine";
        let refusal = Failure::new(StatusCode::FORBIDDEN, "forbidden", message);
        Err(refusal.with_hint("allow another name with allow_host"))
    }

    /// Refuses requests of web pages elsewhere. Where neither hosts nor origins are named, a
    /// gateway may have let such a page in.
    fn check_origin(&self, headers: &HeaderMap) -> Result<(), Failure> {
        let Some(origin) = headers.get(ORIGIN) else {
            return Ok(());
        };
        let origin = origin.to_str().unwrap_or_default().to_ascii_lowercase();
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let own = origin.split_once("://").map(|(_, authority)| authority);
        let same = own
            .zip(host)
            .is_some_and(|(own, host)| own.eq_ignore_ascii_case(host));
        let open = self.hosts.is_none() && self.origins.is_empty();
        if same || open || self.origins.contains(&origin) {
            return Ok(());
        }
        let message = "the request comes from a web page of another origin";
        let refusal = Failure::new(StatusCode::FORBIDDEN, "forbidden", message);
        Err(refusal.with_hint("allow its origin with cors"))
    }

    fn check_token(&self, headers: &HeaderMap) -> Result<Option<CallerName>, Failure> {
        let tokens = self
            .tokens
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let Some(tokens) = tokens else {
            return Ok(None);
        };
        let sent = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let sent = sent.and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        if let Some(name) = sent.and_then(|token| tokens.name_of(token)) {
            return Ok(Some(name.clone()));
        }
        let message = "the request needs one of the service's tokens";
        let refusal = Failure::new(StatusCode::UNAUTHORIZED, "unauthorized", message);
        Err(refusal.with_hint("send it as `Authorization: Bearer TOKEN`"))
    }

    /// Address of the client: that of the connection, or the one that a trusted proxy tells. Of
    /// several, each trusted proxy has added the one behind it, so the last other one counts.
    fn client(&self, request: &Request) -> Option<IpAddr> {
        let address = request.extensions().get::<Connection>()?.address;
        let trusted = |address: &IpAddr| {
            let address = address.to_canonical();
            self.proxies
                .iter()
                .any(|network| network.contains(&address))
        };
        // Who may connect to a Unix socket is trusted where others are.
        if self.proxies.is_empty() || address.is_some_and(|address| !trusted(&address)) {
            return address;
        }
        let headers = request.headers().get_all(FORWARDED_FOR).iter().rev();
        let values = headers.filter_map(|value| value.to_str().ok());
        let told = values.flat_map(|value| value.rsplit(','));
        let told = told.map_while(|address| address.trim().parse::<IpAddr>().ok());
        { told }.find(|address| !trusted(address)).or(address)
    }
}

/// Returns true if a host is a name or address of the loopback interface.
fn is_of_this_machine(host: &str) -> bool {
    let address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let address = address.unwrap_or(host).parse::<IpAddr>();
    host == "localhost"
        || host.ends_with(".localhost")
        || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Lets a request through, or refuses it.
pub(super) async fn guard(
    State(access): State<Arc<Access>>,
    request: Request,
    next: Next,
) -> Response {
    match access.check(&request) {
        Ok(name) => {
            let mut reply = next.run(request).await;
            if let Some(name) = name {
                reply.extensions_mut().insert(name);
            }
            reply
        }
        Err(refusal) => refusal.into_response(),
    }
}
