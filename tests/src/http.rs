//! HTTP from a test: a client that sends what it is told to, byte for byte.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;

use serde_json::Value;

use crate::wait::TEST_TIMEOUT;

/// A reply.
#[derive(Debug)]
pub struct HttpReply {
    /// Status.
    pub status: u16,
    /// Names in small letters, and values.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl HttpReply {
    /// Value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(of, _)| of == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// If it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    /// The body as text.
    ///
    /// # Panics
    ///
    /// If it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is UTF-8")
    }
}

/// A connection that stays open between requests.
pub struct HttpConnection<S>(BufReader<S>);

impl HttpConnection<TcpStream> {
    /// Connects to an address of the network.
    ///
    /// # Panics
    ///
    /// If nobody listens there.
    #[must_use]
    pub fn tcp(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("somebody listens");
        let timeout = Some(TEST_TIMEOUT);
        stream
            .set_read_timeout(timeout)
            .expect("a socket has a timeout");
        Self(BufReader::new(stream))
    }
}

impl HttpConnection<TcpStream> {
    /// Ends the sending side.
    pub fn finish(&mut self) {
        // The service may have closed the connection already.
        drop(self.0.get_ref().shutdown(Shutdown::Write));
    }
}

impl HttpConnection<UnixStream> {
    /// Speaks HTTP over a Unix socket.
    #[must_use]
    pub fn unix(stream: UnixStream) -> Self {
        Self(BufReader::new(stream))
    }
}

impl<S: Read + Write> HttpConnection<S> {
    /// Sends bytes, and reads a reply if one comes before the connection ends.
    pub fn exchange(&mut self, bytes: &[u8]) -> Option<HttpReply> {
        // The service may have closed its side already, with a reply.
        drop(self.0.get_mut().write_all(bytes));
        self.reply()
    }

    /// Sends bytes.
    ///
    /// # Errors
    ///
    /// If the connection has ended.
    pub fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.get_mut().write_all(bytes)
    }

    /// Reads a reply if one comes before the connection ends.
    ///
    /// # Panics
    ///
    /// If it is not one of HTTP, or neither comes in time.
    pub fn reply(&mut self) -> Option<HttpReply> {
        let mut line = String::new();
        match self.0.read_line(&mut line) {
            Ok(0) => return None,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
            Err(error) => panic!("neither a reply nor the end: {error}"),
        }
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let status = status.expect("a status line");
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).expect("a head is whole");
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.map_or(0, |(_, length)| length.parse().expect("a length"));
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("a body is whole");
        Some(HttpReply {
            status,
            headers,
            body,
        })
    }

    /// Sends a request with a body, and reads its reply.
    ///
    /// # Panics
    ///
    /// If none comes.
    pub fn ask(&mut self, request: &str, headers: &[(&str, &str)], body: &[u8]) -> HttpReply {
        let mut head = format!("{request} HTTP/1.1\r\ncontent-length: {}\r\n", body.len());
        if !headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("host"))
        {
            head.push_str("host: localhost\r\n");
        }
        for (name, value) in headers {
            head.push_str(name);
            head.push_str(": ");
            head.push_str(value);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        self.exchange(&[head.as_bytes(), body].concat())
            .expect("a reply")
    }

    /// Posts JSON, and reads the reply.
    pub fn post(&mut self, path: &str, body: &Value) -> HttpReply {
        self.ask(&format!("POST {path}"), &[], body.to_string().as_bytes())
    }

    /// Gets a path, and reads the reply.
    pub fn get(&mut self, path: &str) -> HttpReply {
        self.ask(&format!("GET {path}"), &[], b"")
    }
}
