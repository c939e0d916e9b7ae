//! The path of the socket, and of the files beside it.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use interprocess::local_socket::{GenericFilePath, Name, ToFsName};

use super::directory::{self, Requirement};
use super::error::EndpointError;
use super::holder::{Holder, MAX_BYTES};
use super::limits::MAX_SOCKET_PATH_BYTES;
use crate::environment::not_empty;
use crate::private_file;

/// Folder of the users' runtime folders, each named by a user id (pam_systemd(8)).
const RUNTIME_FOLDERS: &str = "/run/user";

/// Permissions of other users.
const OTHERS: u32 = 0o077;

/// Address that the daemon listens at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    socket: PathBuf,
    place: Place,
}

/// Origin of the socket's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The user has named it.
    Named,
    /// The runtime folder of this user.
    Runtime,
    /// A folder of this user in the temporary folder.
    Temporary,
}

impl Endpoint {
    /// Finds the endpoint to use: the socket that the user has named (see
    /// [`keys::SOCKET`](crate::settings::keys::SOCKET)), else `gte/gted.sock` in `$XDG_RUNTIME_DIR`
    /// or in `/run/user/UID`, whichever is there and belongs to this user, else a folder of this
    /// user under the temporary folder.
    ///
    /// # Errors
    ///
    /// If the path is longer than a socket's may be.
    pub fn resolve(named: Option<&Path>) -> Result<Self, EndpointError> {
        let variable = |name: &str| std::env::var_os(name);
        Self::from_sources(named, variable, Path::new(RUNTIME_FOLDERS))
    }

    fn from_sources(
        named: Option<&Path>,
        variable: impl Fn(&str) -> Option<OsString>,
        runtime_folders: &Path,
    ) -> Result<Self, EndpointError> {
        let path_in = |name| not_empty(variable(name)).map(PathBuf::from);
        let user = rustix::process::geteuid().as_raw().to_string();
        let (socket, place) = if let Some(path) = named {
            (path.to_owned(), Place::Named)
        } else {
            // The XDG Base Directory Specification: relative paths are ignored. `su` leaves the
            // folder of another user in the variable, cron and ssh leave the variable out.
            let folders = [
                path_in("XDG_RUNTIME_DIR").filter(|path| path.is_absolute()),
                Some(runtime_folders.join(&user)),
            ];
            let ours = |path: &PathBuf| directory::is_ours(path);
            if let Some(folder) = folders.into_iter().flatten().find(ours) {
                (folder.join("gte").join("gted.sock"), Place::Runtime)
            } else {
                let folder = std::env::temp_dir().join(format!("gte-{user}"));
                (folder.join("gted.sock"), Place::Temporary)
            }
        };
        if socket.as_os_str().len() > MAX_SOCKET_PATH_BYTES {
            return Err(EndpointError::TooLong(socket));
        }
        Ok(Self { socket, place })
    }

    /// The same endpoint by its absolute path, for a program with another current folder.
    ///
    /// # Errors
    ///
    /// If the absolute path is longer than a socket's may be, or the current folder is gone.
    pub fn absolute(&self) -> Result<Self, EndpointError> {
        let socket = std::path::absolute(&self.socket).map_err(|source| EndpointError::Name {
            path: self.socket.clone(),
            source,
        })?;
        if socket.as_os_str().len() > MAX_SOCKET_PATH_BYTES {
            return Err(EndpointError::TooLong(socket));
        }
        Ok(Self { socket, ..*self })
    }

    /// Reason why programs of another session may use another socket, if they may.
    #[must_use]
    pub fn of_this_session_only(&self) -> Option<&'static str> {
        (self.place == Place::Temporary).then_some(
            "this session has no runtime folder, so programs of other sessions may use another \
             daemon; GTE_SOCKET names one for all",
        )
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

    /// File that notes what the user has been told about the running daemon.
    pub(crate) fn told_path(&self) -> PathBuf {
        self.beside("told")
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
        directory::prepare(self.directory(), self.requirement())
    }

    /// Checks that no other user can have put a socket in the place of the daemon's. Both ends
    /// check it. A missing folder passes.
    ///
    /// # Errors
    ///
    /// If the folder belongs to another user or is open to other users: for reading in a place that
    /// this program has chosen, for writing in one that the user named.
    pub fn check_directory(&self) -> Result<(), EndpointError> {
        directory::check(self.directory(), self.requirement())
    }

    fn requirement(&self) -> Requirement {
        match self.place {
            Place::Named => Requirement::Safe,
            Place::Runtime | Place::Temporary => Requirement::Private,
        }
    }

    /// Record of the daemon that holds the socket, or of the last one if that one has crashed;
    /// `None` without a record, or while one is being written.
    #[must_use]
    pub fn holder(&self) -> Option<Holder> {
        let file = self.lock_file().ok()??;
        let mut json = Vec::new();
        file.take(MAX_BYTES).read_to_end(&mut json).ok()?;
        serde_json::from_slice(&json).ok()
    }

    /// Returns true if no daemon runs, whoever listens at the socket: nobody holds the lock. A
    /// service manager that listens there would start one. If the lock cannot be in the folder
    /// because that belongs to another user, or if other users may connect, as to a daemon of the
    /// system, nobody knows.
    ///
    /// # Errors
    ///
    /// If the lock file is there and cannot be opened.
    pub fn is_free(&self) -> Result<bool, EndpointError> {
        let socket = self.socket.symlink_metadata();
        let is_private = socket.map_or(true, |socket| socket.mode() & OTHERS == 0);
        Ok(!self.is_held()? && self.has_own_folder() && is_private)
    }

    /// Returns true if a daemon holds the lock of the socket, and takes no further requests.
    ///
    /// # Errors
    ///
    /// If the lock file is there and cannot be opened.
    pub fn is_ending(&self) -> Result<bool, EndpointError> {
        let ending = self.holder().is_some_and(|holder| holder.ending);
        Ok(ending && self.is_held()?)
    }

    /// Returns true if the socket's folder belongs to this user.
    #[must_use]
    pub fn has_own_folder(&self) -> bool {
        directory::is_ours(self.directory())
    }

    /// Returns true if a daemon holds the lock of the socket: one that listens, starts or ends.
    ///
    /// # Errors
    ///
    /// If the lock file is there and cannot be opened.
    pub fn is_held(&self) -> Result<bool, EndpointError> {
        let Some(file) = self.lock_file()? else {
            return Ok(false);
        };
        // If it is free, it is held for the few microseconds until `file` is dropped.
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(source)) => Err(self.unreadable_lock(source)),
        }
    }

    fn lock_file(&self) -> Result<Option<File>, EndpointError> {
        self.check_directory()?;
        let opened = private_file::open_existing(OpenOptions::new().read(true), &self.lock_path());
        match opened {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(self.unreadable_lock(source)),
        }
    }

    fn unreadable_lock(&self, source: io::Error) -> EndpointError {
        EndpointError::Lock {
            path: self.lock_path(),
            source,
        }
    }

    fn directory(&self) -> &Path {
        match self.socket.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Endpoint of an environment in which the runtime folders are in `runtime_folders`.
    fn resolve(
        named: Option<&str>,
        variables: &[(&str, &Path)],
        runtime_folders: &Path,
    ) -> Result<Endpoint, EndpointError> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        };
        Endpoint::from_sources(named.map(Path::new), variable, runtime_folders)
    }

    fn user() -> String {
        rustix::process::geteuid().as_raw().to_string()
    }

    #[test]
    fn the_sources_come_in_their_order() {
        let place = tempfile::tempdir().unwrap();
        let nowhere = place.path().join("nowhere");
        let runtime = place.path().join("runtime");
        std::fs::create_dir(&runtime).unwrap();
        let variables = [("XDG_RUNTIME_DIR", runtime.as_path())];
        let path =
            |named, variables: &[_], folders| resolve(named, variables, folders).unwrap().socket;
        let named = path(Some("/a.sock"), &variables, &nowhere);
        assert_eq!(named, Path::new("/a.sock"));
        let in_runtime = runtime.join("gte/gted.sock");
        assert_eq!(path(None, &variables, &nowhere), in_runtime);
        // cron, ssh
        let folders = place.path();
        let ours = folders.join(user());
        std::fs::create_dir(&ours).unwrap();
        assert_eq!(path(None, &[], folders), ours.join("gte/gted.sock"));
        // After a logout, or with a variable that names no absolute path.
        for gone in [nowhere.as_path(), Path::new("relative"), Path::new("")] {
            let variables = [("XDG_RUNTIME_DIR", gone)];
            let found = path(None, &variables, folders);
            assert_eq!(found, ours.join("gte/gted.sock"));
        }
    }

    #[test]
    fn without_a_runtime_folder_the_session_is_told() {
        let place = tempfile::tempdir().unwrap();
        let nowhere = place.path().join("nowhere");
        let fallback = resolve(None, &[], &nowhere).unwrap();
        let path = format!("gte-{}/gted.sock", user());
        assert!(fallback.path().ends_with(path));
        assert!(fallback.of_this_session_only().is_some());
        let named = resolve(Some("s"), &[], &nowhere).unwrap();
        assert_eq!(named.of_this_session_only(), None);
    }

    #[test]
    fn a_runtime_folder_of_another_user_is_passed_over() {
        let place = tempfile::tempdir().unwrap();
        let given_away = place.path().join("theirs");
        std::fs::create_dir(&given_away).unwrap();
        // Only root can give a folder away; for all others, root's folders are foreign.
        let theirs = match std::os::unix::fs::chown(&given_away, Some(12_345), None) {
            Ok(()) => given_away.as_path(),
            Err(_) => Path::new("/"),
        };
        let nowhere = place.path().join("nowhere");
        let variables = [("XDG_RUNTIME_DIR", theirs)];
        let fallback = resolve(None, &variables, &nowhere).unwrap();
        assert_eq!(fallback.place, Place::Temporary);
    }

    #[test]
    fn the_longest_path_is_taken_and_a_longer_one_refused() {
        let longest = format!("/{}", "x".repeat(MAX_SOCKET_PATH_BYTES - 1));
        let named = |path: &str| resolve(Some(path), &[], Path::new("/"));
        assert!(named(&longest).is_ok());
        let error = named(&format!("{longest}x")).unwrap_err();
        assert!(matches!(error, EndpointError::TooLong(_)));
        let relative = named(&longest[1..]).unwrap();
        assert!(matches!(
            relative.absolute(),
            Err(EndpointError::TooLong(_))
        ));
    }

    #[test]
    fn a_held_lock_and_its_record_are_seen() {
        let place = tempfile::tempdir().unwrap();
        let socket = place.path().join("s");
        let endpoint = resolve(Some(&socket.to_string_lossy()), &[], place.path()).unwrap();
        assert!(!endpoint.is_held().unwrap());
        assert_eq!(endpoint.holder(), None);
        let record = br#"{"pid":7,"version":"1","model":null,"loading":true}"#;
        std::fs::write(endpoint.lock_path(), record).unwrap();
        assert!(!endpoint.is_held().unwrap());
        let lock = File::open(endpoint.lock_path()).unwrap();
        lock.lock().unwrap();
        assert!(endpoint.is_held().unwrap());
        assert_eq!(endpoint.holder().unwrap().pid, 7);
        drop(lock);
        assert!(!endpoint.is_held().unwrap());
    }
}
