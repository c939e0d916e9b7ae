//! The daemon's socket: one resolver of its path for both ends.

use std::ffi::OsString;
use std::fs::{DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use interprocess::local_socket::{GenericFilePath, Name, ToFsName};

use crate::environment::not_empty;

/// Longest path of a Unix socket, in bytes: `sun_path` of `sockaddr_un` without its closing NUL
/// (unix(7)).
pub const MAX_SOCKET_PATH_BYTES: usize = 107;

/// Mode of the socket's folder: only the owner may enter it.
const DIRECTORY_MODE: u32 = 0o700;

/// Address that the daemon listens at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    socket: PathBuf,
    /// True if anybody can make folders beside the socket's folder, so that its owner is checked.
    in_shared_place: bool,
}

/// Failure to find a usable endpoint.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The path is too long for the operating system.
    #[error(
        "the socket path {} is {} bytes long; the limit is {MAX_SOCKET_PATH_BYTES}",
        .0.display(), .0.as_os_str().len()
    )]
    TooLong(PathBuf),
    /// A path that cannot be a socket's.
    #[error("{} cannot be a socket's path: {source}", path.display())]
    Name {
        /// The path.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// The folder cannot be created or read.
    #[error("the socket's folder {} cannot be used: {source}", path.display())]
    Directory {
        /// The folder.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// The folder under the shared temporary folder may be another user's.
    #[error("the socket's folder {} is not safe: it {problem}", path.display())]
    Unsafe {
        /// The folder.
        path: PathBuf,
        /// Fault of the folder.
        problem: &'static str,
    },
}

impl EndpointError {
    /// Next step for the user, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::TooLong(_) => {
                Some("choose a shorter path with --socket or GTE_SOCKET".to_owned())
            }
            Self::Unsafe { .. } => {
                Some("remove it, or choose another path with GTE_SOCKET".to_owned())
            }
            Self::Name { .. } | Self::Directory { .. } => None,
        }
    }
}

impl Endpoint {
    /// Finds the endpoint to use: `explicit` (a `--socket` option), else `GTE_SOCKET`, else
    /// `$XDG_RUNTIME_DIR/gte/gted.sock`, else a folder of this user under the temporary folder.
    ///
    /// # Errors
    ///
    /// If the path is longer than a socket's may be.
    pub fn resolve(explicit: Option<&Path>) -> Result<Self, EndpointError> {
        Self::from_sources(explicit, |name| std::env::var_os(name))
    }

    fn from_sources(
        explicit: Option<&Path>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, EndpointError> {
        let path_in = |name| not_empty(variable(name)).map(PathBuf::from);
        let (socket, in_shared_place) = if let Some(path) = explicit {
            (path.to_owned(), false)
        } else if let Some(path) = path_in("GTE_SOCKET") {
            (path, false)
        } else if let Some(directory) =
            // The XDG Base Directory Specification: relative paths are ignored.
            path_in("XDG_RUNTIME_DIR").filter(|path| path.is_absolute())
        {
            (directory.join("gte").join("gted.sock"), false)
        } else {
            let user = rustix::process::getuid().as_raw();
            let directory = std::env::temp_dir().join(format!("gte-{user}"));
            (directory.join("gted.sock"), true)
        };
        if socket.as_os_str().len() > MAX_SOCKET_PATH_BYTES {
            return Err(EndpointError::TooLong(socket));
        }
        Ok(Self {
            socket,
            in_shared_place,
        })
    }

    /// Path of the socket.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.socket
    }

    /// File that the daemon of this socket holds a lock on.
    #[must_use]
    pub fn lock_path(&self) -> PathBuf {
        self.beside("lock")
    }

    /// File that a daemon started by a client writes its log to.
    #[must_use]
    pub fn log_path(&self) -> PathBuf {
        self.beside("log")
    }

    fn beside(&self, extension: &str) -> PathBuf {
        let mut name = self.socket.clone().into_os_string();
        name.push(".");
        name.push(extension);
        name.into()
    }

    /// Name of the socket, as the interprocess crate expects it.
    ///
    /// # Errors
    ///
    /// If the path contains a NUL byte.
    pub fn name(&self) -> Result<Name<'_>, EndpointError> {
        self.socket
            .as_path()
            .to_fs_name::<GenericFilePath>()
            .map_err(|source| EndpointError::Name {
                path: self.socket.clone(),
                source,
            })
    }

    /// Creates the socket's folder if it is missing, open to its owner alone.
    ///
    /// # Errors
    ///
    /// If the folder cannot be created, or is not safe (see
    /// [`check_directory`](Self::check_directory)).
    pub fn prepare_directory(&self) -> Result<(), EndpointError> {
        let directory = self.directory();
        DirBuilder::new()
            .recursive(true)
            .mode(DIRECTORY_MODE)
            .create(directory)
            .map_err(|source| EndpointError::Directory {
                path: directory.to_owned(),
                source,
            })?;
        self.check_directory()
    }

    /// Checks that a socket's folder under the shared temporary folder belongs to this user, so
    /// that nobody else can have put a socket there. Both ends check it. A missing folder passes.
    ///
    /// # Errors
    ///
    /// If the folder is a link, belongs to another user, or is open to other users.
    pub fn check_directory(&self) -> Result<(), EndpointError> {
        if !self.in_shared_place {
            return Ok(());
        }
        let directory = self.directory();
        match std::fs::symlink_metadata(directory) {
            Ok(metadata) => match problem_with(&metadata) {
                None => Ok(()),
                Some(problem) => Err(EndpointError::Unsafe {
                    path: directory.to_owned(),
                    problem,
                }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(EndpointError::Directory {
                path: directory.to_owned(),
                source,
            }),
        }
    }

    fn directory(&self) -> &Path {
        match self.socket.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        }
    }
}

fn problem_with(metadata: &Metadata) -> Option<&'static str> {
    if !metadata.is_dir() {
        Some("is not a folder")
    } else if metadata.uid() != rustix::process::getuid().as_raw() {
        Some("belongs to another user")
    } else if metadata.permissions().mode() & 0o077 != 0 {
        Some("is open to other users")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(
        explicit: Option<&str>,
        variables: &[(&str, &str)],
    ) -> Result<Endpoint, EndpointError> {
        Endpoint::from_sources(explicit.map(Path::new), |name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn the_sources_come_in_their_order() {
        let all = [("GTE_SOCKET", "/b.sock"), ("XDG_RUNTIME_DIR", "/run/u")];
        let path = |explicit, variables: &[_]| {
            let endpoint = resolve(explicit, variables).unwrap();
            endpoint.path().to_string_lossy().into_owned()
        };
        assert_eq!(path(Some("/a.sock"), &all), "/a.sock");
        assert_eq!(path(None, &all), "/b.sock");
        assert_eq!(path(None, &all[1..]), "/run/u/gte/gted.sock");
        let fallback = path(None, &[("GTE_SOCKET", ""), ("XDG_RUNTIME_DIR", "relative")]);
        let user = rustix::process::getuid().as_raw();
        assert!(fallback.ends_with(&format!("/gte-{user}/gted.sock")));
    }

    #[test]
    fn the_longest_path_is_taken_and_a_longer_one_refused() {
        let longest = format!("/{}", "x".repeat(MAX_SOCKET_PATH_BYTES - 1));
        assert!(resolve(Some(&longest), &[]).is_ok());
        let error = resolve(Some(&format!("{longest}x")), &[]).unwrap_err();
        assert!(matches!(error, EndpointError::TooLong(_)));
    }

    #[test]
    fn a_folder_in_a_shared_place_must_be_ours_alone() {
        let place = tempfile::tempdir().unwrap();
        let endpoint = |name: &str| Endpoint {
            socket: place.path().join(name).join("gted.sock"),
            in_shared_place: true,
        };
        let ours = endpoint("made");
        assert!(ours.check_directory().is_ok(), "missing is fine");
        ours.prepare_directory().unwrap();
        let mode = std::fs::metadata(ours.directory())
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, DIRECTORY_MODE);

        let open = endpoint("open");
        DirBuilder::new()
            .mode(0o755)
            .create(open.directory())
            .unwrap();
        assert!(matches!(
            open.check_directory(),
            Err(EndpointError::Unsafe { .. })
        ));

        let link = endpoint("link");
        std::os::unix::fs::symlink(ours.directory(), link.directory()).unwrap();
        assert!(matches!(
            link.check_directory(),
            Err(EndpointError::Unsafe { .. })
        ));
    }
}
