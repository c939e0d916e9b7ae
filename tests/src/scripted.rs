//! Servers that answer as a test says: mirrors, stores and proxies.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// Status, headers and body of a response.
pub type Answer = (u16, Vec<(&'static str, String)>, Vec<u8>);

/// A server that answers HTTP requests.
pub struct Scripted {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    /// Starts a server on loopback. `answer` receives the first line of a request and its headers,
    /// with names in lower case.
    pub fn start(
        answer: impl Fn(&str, &HashMap<String, String>) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::start_at(Ipv4Addr::LOCALHOST, answer)
    }

    /// Starts a server at an address of loopback.
    pub fn start_at(
        address: Ipv4Addr,
        answer: impl Fn(&str, &HashMap<String, String>) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&requests);
        let address = serve(address, move |stream| {
            let (line, headers) = read_head(&stream)?;
            noted
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(line.clone());
            let (status, fields, body) = answer(&line, &headers);
            let mut stream = stream;
            write!(stream, "HTTP/1.1 {status} -\r\nConnection: close\r\n")?;
            for (name, value) in fields {
                write!(stream, "{name}: {value}\r\n")?;
            }
            write!(stream, "Content-Length: {}\r\n\r\n", body.len())?;
            if !line.starts_with("HEAD ") {
                stream.write_all(&body)?;
            }
            Ok(())
        });
        Self { address, requests }
    }

    /// Host and port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Address for `HF_ENDPOINT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// First lines of the requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Starts a SOCKS proxy of version 5 (RFC 1928) that leads every connection to `target`. Returns
/// its address, and the names and addresses that it was asked for.
pub fn socks_proxy(target: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&asked);
    let address = serve(Ipv4Addr::LOCALHOST, move |mut client| {
        let mut greeting = [0; 2];
        client.read_exact(&mut greeting)?;
        let mut methods = vec![0; greeting[1].into()];
        client.read_exact(&mut methods)?;
        client.write_all(&[5, 0])?;
        let mut request = [0; 4];
        client.read_exact(&mut request)?;
        let name = match request[3] {
            1 => {
                let mut address = [0; 4];
                client.read_exact(&mut address)?;
                Ipv4Addr::from(address).to_string()
            }
            3 => {
                let mut length = [0; 1];
                client.read_exact(&mut length)?;
                let mut name = vec![0; length[0].into()];
                client.read_exact(&mut name)?;
                String::from_utf8_lossy(&name).into_owned()
            }
            other => return Err(io::Error::other(format!("address of type {other}"))),
        };
        let mut port = [0; 2];
        client.read_exact(&mut port)?;
        noted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(name);
        let mut server = TcpStream::connect(target)?;
        client.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 80])?;
        let (mut up, mut down) = (client.try_clone()?, server.try_clone()?);
        let sending = std::thread::spawn(move || {
            drop(io::copy(&mut up, &mut down));
            drop(down.shutdown(Shutdown::Write));
        });
        drop(io::copy(&mut server, &mut client));
        drop(client.shutdown(Shutdown::Both));
        drop(sending.join());
        Ok(())
    });
    (address, asked)
}

/// First line and headers of a request, with names in lower case.
pub(crate) fn read_head(stream: &TcpStream) -> io::Result<(String, HashMap<String, String>)> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let line = lines.next().transpose()?.unwrap_or_default();
    let mut headers = HashMap::new();
    for header in lines {
        let header = header?;
        let Some((name, value)) = header.split_once(": ") else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    Ok((line, headers))
}

/// Runs `handle` for each connection. A connection that breaks ends with its client.
fn serve(
    address: Ipv4Addr,
    handle: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind((address, 0)).expect("a port of loopback is free");
    let address = listener.local_addr().expect("it has an address");
    let handle = Arc::new(handle);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let handle = Arc::clone(&handle);
            std::thread::spawn(move || drop(handle(stream)));
        }
    });
    address
}
