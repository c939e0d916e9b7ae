//! Connection in the JSON protocol.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use serde_json::Value;

/// A connection that sends and receives one JSON value per line.
pub struct JsonConnection(BufReader<UnixStream>);

impl JsonConnection {
    pub(crate) fn new(stream: UnixStream) -> Self {
        Self(BufReader::new(stream))
    }

    /// Sends a line and waits for its reply.
    ///
    /// # Panics
    ///
    /// If the connection ends, or the reply is not JSON.
    pub fn ask(&mut self, line: &str) -> Value {
        let stream = self.0.get_mut();
        writeln!(stream, "{line}").expect("a line can be sent");
        let mut reply = String::new();
        self.0.read_line(&mut reply).expect("the daemon replies");
        serde_json::from_str(&reply).expect("the reply is JSON")
    }
}
