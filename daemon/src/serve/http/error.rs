//! Reasons why HTTP cannot be served.

use std::io;
use std::path::PathBuf;

use gte_shared::settings::HttpAddress;
use rustix::io::Errno;

/// Error of a process that may not have sockets of the network.
const EAFNOSUPPORT: i32 = Errno::AFNOSUPPORT.raw_os_error();

/// Least characters of a token: 96 bits in hexadecimal, which nobody guesses.
pub(super) const MIN_TOKEN_CHARS: usize = 24;

/// Failure to serve HTTP. The message says what is wrong; [`hint`](Self::hint) says what to do
/// next.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Other machines could connect, and nothing keeps them out.
    #[error("HTTP at {0} is open to other machines, and no tokens are set")]
    Open(HttpAddress),
    /// The system refuses to listen there.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// The address.
        address: HttpAddress,
        /// Error of the system.
        source: io::Error,
    },
    /// A file that is not a socket has the socket's path.
    #[error("{} exists and is not a socket", .0.display())]
    Occupied(PathBuf),
    /// Another program listens at the socket.
    #[error("another program listens at {}", .0.display())]
    InUse(PathBuf),
    /// The socket's group does not exist.
    #[error("no group is called {0}")]
    Group(String),
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// A line of the token file is not a token.
    #[error("{}: line {line} is not a name and a token of {MIN_TOKEN_CHARS} characters at least", path.display())]
    Token {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// Two lines of the token file have the same name.
    #[error("{}: the name {name} is there twice", path.display())]
    TokenName {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// The token file has no tokens.
    #[error("{} has no tokens", .0.display())]
    NoTokens(PathBuf),
    /// One of the two files of TLS is not named.
    #[error("a certificate and its key belong together, and only one of them is named")]
    HalfTls,
    /// A certificate or its key cannot be used.
    #[error("{}: {problem}", path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// Problem of the library.
        problem: String,
    },
}

impl HttpError {
    /// Next step for the user, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Open(_) => {
                "name a file of tokens with --token-file, or use --no-auth where something else \
                 lets clients in"
            }
            Self::Occupied(_) => "remove it, or choose another path",
            Self::InUse(_) => "end that program, or choose another path",
            Self::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
                "end the program that listens there, or choose another port"
            }
            Self::Listen { source, .. } if source.raw_os_error() == Some(EAFNOSUPPORT) => {
                "a service has no network of its own: have systemd listen, as \
                 daemon/systemd/gted-http.socket does"
            }
            Self::Token { .. } => {
                "write a name, a space and a token; `openssl rand -hex 32` makes one"
            }
            Self::NoTokens(_) => "write a line for each client: a name, a space and a token",
            Self::HalfTls => "set tls_cert and tls_key",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
