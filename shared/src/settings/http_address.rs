//! Address of an HTTP service.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// Address that HTTP is served at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpAddress {
    /// An address of the network, such as `127.0.0.1:8765`.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(HttpSocket),
}

/// A Unix socket that HTTP is served at, such as `unix:/run/gte/http.sock,mode=660,group=www-data`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSocket {
    /// Absolute path of the socket.
    pub path: PathBuf,
    /// Permissions of the socket's file; only its user may connect without them.
    pub mode: u32,
    /// Group of the socket's file, by name or number.
    pub group: Option<String>,
}

/// Permissions of a socket without others: its user alone may connect.
const OWN: u32 = 0o600;

/// Most significant permissions of a file.
const ALL: u32 = 0o777;

const EXPECTED: &str =
    "expected IP:PORT, localhost:PORT, or unix:/PATH with ,mode=660 and ,group=NAME if needed";

impl HttpAddress {
    /// Returns true if only programs on this machine can connect.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().is_loopback(),
            Self::Unix(_) => true,
        }
    }
}

impl FromStr for HttpAddress {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, String> {
        if let Some(socket) = value.strip_prefix("unix:") {
            return socket.parse().map(Self::Unix);
        }
        let address = match value.strip_prefix("localhost:") {
            Some(port) => format!("127.0.0.1:{port}").parse(),
            None => value.parse(),
        };
        address.map(Self::Tcp).map_err(|_| EXPECTED.to_owned())
    }
}

impl FromStr for HttpSocket {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, String> {
        let wrong = || EXPECTED.to_owned();
        let mut parts = value.split(',');
        let path = PathBuf::from(parts.next().unwrap_or_default());
        if !path.is_absolute() {
            return Err(wrong());
        }
        let mut socket = Self {
            path,
            mode: OWN,
            group: None,
        };
        for part in parts {
            match part.split_once('=') {
                Some(("mode", mode)) => {
                    let mode = u32::from_str_radix(mode, 8).map_err(|_| wrong())?;
                    socket.mode = Some(mode).filter(|mode| *mode <= ALL).ok_or_else(wrong)?;
                }
                Some(("group", group)) if !group.is_empty() => {
                    socket.group = Some(group.to_owned());
                }
                _ => return Err(wrong()),
            }
        }
        Ok(socket)
    }
}

impl fmt::Display for HttpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(socket) => write!(f, "unix:{}", socket.path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_both_kinds_are_read() {
        let tcp = |address: &str| HttpAddress::Tcp(address.parse().unwrap());
        let unix = |mode, group: Option<&str>| {
            HttpAddress::Unix(HttpSocket {
                path: "/run/s".into(),
                mode,
                group: group.map(str::to_owned),
            })
        };
        for (value, expected, local) in [
            ("127.0.0.1:8765", tcp("127.0.0.1:8765"), true),
            ("localhost:80", tcp("127.0.0.1:80"), true),
            ("[::1]:80", tcp("[::1]:80"), true),
            ("0.0.0.0:80", tcp("0.0.0.0:80"), false),
            ("unix:/run/s", unix(0o600, None), true),
            (
                "unix:/run/s,mode=0660,group=www",
                unix(0o660, Some("www")),
                true,
            ),
        ] {
            let address: HttpAddress = value.parse().unwrap();
            assert_eq!(address, expected);
            assert_eq!(address.is_local(), local);
        }
        for wrong in [
            "",
            "8765",
            "example.com:80",
            "127.0.0.1",
            "unix:",
            "unix:run/s",
            "unix:/s,mode=9",
            "unix:/s,mode=1777",
            "unix:/s,group=",
            "unix:/s,user=x",
        ] {
            assert!(wrong.parse::<HttpAddress>().is_err(), "{wrong}");
        }
    }
}
