//! Model hub on loopback that answers as Hugging Face and ModelScope do: it redirects large files
//! to a second server, and has faults on demand.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::scripted::read_head;

/// Commit id of every file.
pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Path that Hugging Face redirects small files to, on its own server.
const RESOLVED: &str = "/api/resolve-cache/";

/// Faults of a hub. The default has none.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Status of every response.
    pub status: Option<u16>,
    /// Value of `Retry-After` with such a status; 17 by default.
    pub retry_after: Option<&'static str>,
    /// Sends a web page instead of a file.
    pub web_page: bool,
    /// Redirects every request to itself.
    pub redirect_loop: bool,
    /// Offset in a large file at which the connection ends, whatever range was requested.
    pub cut_at: Option<usize>,
    /// Bytes of a large file per connection, which then ends.
    pub cut_each: Option<usize>,
    /// Bytes that large files have beyond the stated size.
    pub too_long: usize,
    /// States neither checksums nor sizes.
    pub no_checksums: bool,
    /// Additional paths in ModelScope's list, unchanged.
    pub listed: Vec<String>,
    /// Changes the last byte of large files.
    pub corrupt: bool,
    /// Ignores ranges.
    pub no_ranges: bool,
}

impl Faults {
    /// Connections that end at this offset in a large file.
    #[must_use]
    pub fn cut_at(offset: usize) -> Self {
        Self {
            cut_at: Some(offset),
            ..Self::default()
        }
    }

    /// A hub that states neither checksums nor sizes.
    #[must_use]
    pub fn no_checksums() -> Self {
        Self {
            no_checksums: true,
            ..Self::default()
        }
    }

    /// Responses that all have this status.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            status: Some(status),
            ..Self::default()
        }
    }
}

/// A request that the hub has received.
#[derive(Clone, Debug)]
pub struct Request {
    /// Request line: method, target and version.
    pub line: String,
    /// Header values, by their names in lower case.
    pub headers: HashMap<String, String>,
    /// True if the second server received it.
    pub to_cdn: bool,
}

impl Request {
    /// Returns true for a GET request whose target contains `path`.
    #[must_use]
    pub fn asks_for(&self, path: &str) -> bool {
        self.line.starts_with("GET") && self.line.contains(path)
    }
}

/// A running hub. Its threads end with the test's process.
pub struct Hub {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    files: Mutex<HashMap<String, Vec<u8>>>,
    cdn: SocketAddr,
    faults: Mutex<Faults>,
    requests: Mutex<Vec<Request>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Offset of the first byte of a `Range` header.
fn range_from(range: &str) -> Option<usize> {
    range
        .strip_prefix("bytes=")?
        .strip_suffix('-')?
        .parse()
        .ok()
}

/// Decodes the `%XX` sequences of a part of an address.
fn percent_decoded(part: &str) -> String {
    let mut pieces = part.split('%');
    let mut decoded = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (number, rest) = piece.split_at(2);
        let byte = u8::from_str_radix(number, 16).expect("two digits follow a %");
        decoded.push(byte.into());
        decoded.push_str(rest);
    }
    decoded
}

/// Returns true for files that a hub keeps on its second server.
fn is_large(path: &str) -> bool {
    path.ends_with(".safetensors") || path.ends_with(".bin")
}

impl Hub {
    /// Starts a hub whose repositories all have the files of this folder.
    #[must_use]
    pub fn serving(folder: &Path) -> Self {
        let mut files = HashMap::new();
        collect(folder, "", &mut files);
        let bind = || TcpListener::bind("127.0.0.1:0").expect("a port of loopback is free");
        let (hub, cdn) = (bind(), bind());
        let address = |listener: &TcpListener| listener.local_addr().expect("it has an address");
        let shared = Arc::new(Shared {
            files: Mutex::new(files),
            cdn: address(&cdn),
            faults: Mutex::default(),
            requests: Mutex::default(),
        });
        let running = Self {
            address: address(&hub),
            shared: Arc::clone(&shared),
        };
        for (listener, to_cdn) in [(hub, false), (cdn, true)] {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let shared = Arc::clone(&shared);
                    std::thread::spawn(move || {
                        // Fails if the client disconnects early, which tests may do.
                        drop(shared.answer(stream, to_cdn));
                    });
                }
            });
        }
        running
    }

    /// Address of the hub, for `HF_ENDPOINT` and `MODELSCOPE_ENDPOINT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets the faults that later responses have.
    pub fn set_faults(&self, faults: Faults) {
        *locked(&self.shared.faults) = faults;
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.set_faults(Faults::default());
    }

    /// Removes and returns the requests received so far.
    pub fn take_requests(&self) -> Vec<Request> {
        std::mem::take(&mut *locked(&self.shared.requests))
    }

    /// Size of a file in bytes.
    #[must_use]
    pub fn size(&self, path: &str) -> usize {
        locked(&self.shared.files)[path].len()
    }

    /// Replaces the content of a file, as a new commit does.
    pub fn change(&self, path: &str, content: Vec<u8>) {
        locked(&self.shared.files).insert(path.to_owned(), content);
    }
}

fn collect(folder: &Path, prefix: &str, files: &mut HashMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("the folder exists").flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{name}/"), files);
        } else {
            files.insert(name, fs::read(entry.path()).expect("the file can be read"));
        }
    }
}

impl Shared {
    fn answer(&self, stream: TcpStream, to_cdn: bool) -> std::io::Result<()> {
        let (line, headers) = read_head(&stream)?;
        let mut words = line.split(' ');
        let head = words.next() == Some("HEAD");
        let target = words.next().unwrap_or_default();
        // As a proxy, the hub is asked for the whole addresses of its servers.
        let (target, to_cdn) = match target
            .strip_prefix("http://")
            .and_then(|rest| rest.split_once('/'))
        {
            Some((server, path)) => (format!("/{path}"), server == self.cdn.to_string()),
            None => (target.to_owned(), to_cdn),
        };
        let range = headers.get("range").cloned();
        locked(&self.requests).push(Request {
            line,
            headers,
            to_cdn,
        });
        let (status, fields, body) = self.respond(&target, range.as_deref(), to_cdn);
        let faults = locked(&self.faults).clone();
        let large = is_large(&target);
        let mut stream = stream;
        write!(stream, "HTTP/1.1 {status} -\r\nConnection: close\r\n")?;
        let states_size = !(head && faults.no_checksums);
        if states_size && !fields.iter().any(|(name, _)| *name == "Content-Length") {
            write!(stream, "Content-Length: {}\r\n", body.len())?;
        }
        for (name, value) in fields {
            write!(stream, "{name}: {value}\r\n")?;
        }
        stream.write_all(b"\r\n")?;
        if head {
            return Ok(());
        }
        let from = range
            .as_deref()
            .filter(|_| status == 206)
            .and_then(range_from);
        let rest = |cut: usize| cut.saturating_sub(from.unwrap_or_default());
        let cuts = [faults.cut_at.map(rest), faults.cut_each];
        let cut = cuts.into_iter().flatten().min().filter(|_| large);
        stream.write_all(&body[..cut.unwrap_or(body.len()).min(body.len())])
    }

    fn respond(&self, target: &str, range: Option<&str>, to_cdn: bool) -> Response {
        let faults = locked(&self.faults).clone();
        if let Some(status) = faults.status {
            let retry_after = faults.retry_after.unwrap_or("17").to_owned();
            return (status, vec![("Retry-After", retry_after)], Vec::new());
        }
        if faults.web_page {
            let kind = ("Content-Type", "text/html; charset=utf-8".to_owned());
            return (200, vec![kind], b"<html>please log in</html>".to_vec());
        }
        if faults.redirect_loop {
            return (302, vec![("Location", target.to_owned())], Vec::new());
        }
        if target.contains("/repo/files?") {
            return (200, Vec::new(), self.modelscope_list());
        }
        let path = if to_cdn {
            target.strip_prefix("/blob/").unwrap_or_default()
        } else if let Some(path) = target.strip_prefix(RESOLVED) {
            path
        } else if let Some((_, path)) = target.split_once("FilePath=") {
            path
        } else {
            // /owner/name/resolve/revision/path
            target.splitn(6, '/').nth(5).unwrap_or_default()
        };
        let decoded = percent_decoded(path);
        let Some(content) = locked(&self.files).get(&decoded).cloned() else {
            return (404, Vec::new(), b"not found".to_vec());
        };
        if !to_cdn && is_large(path) {
            let location = format!("http://{}/blob/{path}", self.cdn);
            if faults.no_checksums {
                return (302, vec![("Location", location)], Vec::new());
            }
            let fields = vec![
                ("Location", location),
                ("X-Repo-Commit", COMMIT.to_owned()),
                (
                    "X-Linked-Etag",
                    format!("\"{:x}\"", Sha256::digest(&content)),
                ),
                ("X-Linked-Size", content.len().to_string()),
            ];
            return (302, fields, Vec::new());
        }
        let mut content = content;
        let mut fields = Vec::new();
        if to_cdn {
            if let Some(last) = content.last_mut().filter(|_| faults.corrupt) {
                *last ^= 1;
            }
            content.resize(content.len() + faults.too_long, 0);
        } else if target.contains("/resolve/") && !faults.no_checksums {
            // A small file is redirected within the hub, and this response states its checksum.
            let mut hasher = Sha1::new();
            hasher.update(format!("blob {}\0", content.len()));
            hasher.update(&content);
            let fields = vec![
                ("Location", format!("{RESOLVED}{path}")),
                ("X-Repo-Commit", COMMIT.to_owned()),
                ("ETag", format!("\"{:x}\"", hasher.finalize())),
                ("X-Linked-Size", content.len().to_string()),
            ];
            return (307, fields, Vec::new());
        }
        let from = range.and_then(range_from).filter(|_| !faults.no_ranges);
        match from {
            None => (200, fields, content),
            Some(from) if from >= content.len() => (416, fields, Vec::new()),
            Some(from) => {
                let range = format!("bytes {from}-{}/{}", content.len() - 1, content.len());
                fields.push(("Content-Range", range));
                (206, fields, content.split_off(from))
            }
        }
    }

    fn modelscope_list(&self) -> Vec<u8> {
        let faults = locked(&self.faults).clone();
        let no_content = Vec::new();
        let named = locked(&self.files).clone();
        let others = faults.listed.iter().map(|path| (path, &no_content));
        let files: Vec<_> = named
            .iter()
            .chain(others)
            .map(|(path, content)| {
                let sha256 = format!("{:x}", Sha256::digest(content));
                serde_json::json!({
                    "Path": path,
                    "Size": content.len(),
                    "Sha256": if faults.no_checksums { "" } else { &sha256 },
                    "Type": "blob",
                })
            })
            .collect();
        let answer = serde_json::json!({ "Code": 200, "Data": { "Files": files } });
        answer.to_string().into_bytes()
    }
}

/// Status, headers and body.
type Response = (u16, Vec<(&'static str, String)>, Vec<u8>);
