//! Requests to http servers through an http proxy: the proxy is asked for the whole address
//! (RFC 9112, section 3.2.2), as curl does, since proxies for the web refuse a tunnel to port 80.

use std::io;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ureq::config::Config;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport,
};
use ureq::{Error, Proxy, ProxyProtocol};

/// Connector that forwards requests to http servers, and leaves all others to ureq's own.
#[derive(Debug)]
pub(super) struct Forward {
    inner: DefaultConnector,
    /// Settings without a proxy, for the connection to the proxy.
    direct: Config,
}

impl Forward {
    pub(super) fn new(direct: Config) -> Self {
        Self {
            inner: DefaultConnector::default(),
            direct,
        }
    }
}

impl Connector<()> for Forward {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, Error> {
        let is_http =
            |proxy: &&Proxy| matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https);
        let forwards = details.uri.scheme_str() == Some("http");
        let proxy = details.config.proxy().filter(is_http).filter(|_| forwards);
        let Some(proxy) = proxy else {
            return self.inner.connect(details, chained);
        };
        let resolver = details.resolver;
        let to_proxy = ConnectionDetails {
            uri: proxy.uri(),
            addrs: resolver.resolve(proxy.uri(), &self.direct, details.timeout)?,
            config: &self.direct,
            request_level: details.request_level,
            resolver,
            now: details.now,
            timeout: details.timeout,
            current_time: details.current_time.clone(),
            run_connector: details.run_connector.clone(),
            register_shutdown: details.register_shutdown.clone(),
        };
        let inner = (details.run_connector)(&to_proxy)?;
        let authority = details
            .uri
            .authority()
            .map_or("", |authority| authority.as_str());
        let server = authority.rsplit('@').next().unwrap_or_default();
        Ok(Some(Box::new(Forwarded {
            inner,
            server: format!("http://{server}"),
            fields: fields(proxy),
        })))
    }
}

/// Header fields for the proxy.
fn fields(proxy: &Proxy) -> String {
    let mut fields = "Proxy-Connection: Keep-Alive\r\n".to_owned();
    if proxy.username().is_some() || proxy.password().is_some() {
        let user = proxy.username().unwrap_or_default();
        let password = proxy.password().unwrap_or_default();
        let encoded = BASE64_STANDARD.encode(format!("{user}:{password}"));
        fields.extend(["Proxy-Authorization: Basic ", &encoded, "\r\n"]);
    }
    fields
}

/// Connection to a proxy whose requests name their server.
#[derive(Debug)]
struct Forwarded {
    inner: Box<dyn Transport>,
    /// Scheme, host and port of the server.
    server: String,
    fields: String,
}

impl Transport for Forwarded {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let output = self.inner.buffers().output();
        let sent = output.get(..amount).unwrap_or_default();
        let Some(head) = forwarded(sent, &self.server, &self.fields) else {
            return self.inner.transmit_output(amount, timeout);
        };
        let Some(room) = output.get_mut(..head.len()) else {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "the request is too long");
            return Err(error.into());
        };
        room.copy_from_slice(&head);
        self.inner.transmit_output(head.len(), timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }
}

/// Head of a request with the server before its path, and fields behind its first line; `None` if
/// the bytes do not begin as a request does.
fn forwarded(head: &[u8], server: &str, fields: &str) -> Option<Vec<u8>> {
    let path = head.iter().position(|byte| *byte == b' ')? + 1;
    let line = head.windows(2).position(|end| end == b"\r\n")? + 2;
    if head.get(path) != Some(&b'/') || path > line {
        return None;
    }
    let parts = [
        &head[..path],
        server.as_bytes(),
        &head[path..line],
        fields.as_bytes(),
        &head[line..],
    ];
    Some(parts.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_its_server() {
        let head = b"GET /a?b HTTP/1.1\r\nHost: hub\r\n\r\n";
        let named = forwarded(head, "http://hub:80", "X: y\r\n").unwrap();
        let expected = "GET http://hub:80/a?b HTTP/1.1\r\nX: y\r\nHost: hub\r\n\r\n";
        assert_eq!(String::from_utf8(named).unwrap(), expected);
        assert_eq!(forwarded(b"no head", "http://hub", ""), None);
    }
}
