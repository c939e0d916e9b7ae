//! A Unix socket of HTTP: its file, with mode and group.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use gte_shared::settings::{HttpAddress, HttpSocket};
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with,
};
use tokio::net::UnixListener;

use super::error::HttpError;
use crate::serve::socket::is_alive;

/// Connections that the system keeps until they are accepted: what Linux allows by default.
pub(super) const BACKLOG: u32 = 4096;

/// A Unix socket at which nobody listens yet.
pub(super) struct UnixSocket {
    place: HttpSocket,
    group: Option<u32>,
}

/// The file of a Unix socket, which is removed with this value, unless another is in its place.
pub(super) struct File {
    path: PathBuf,
    /// Device and inode.
    number: (u64, u64),
}

impl Drop for File {
    fn drop(&mut self) {
        let now = self.path.symlink_metadata();
        if now.is_ok_and(|now| (now.dev(), now.ino()) == self.number) {
            // Left behind, it is replaced by the next daemon.
            drop(std::fs::remove_file(&self.path));
        }
    }
}

impl UnixSocket {
    /// Checks that a socket can have its place and its group.
    ///
    /// # Errors
    ///
    /// If another program listens there, another kind of file has the path, or the group is
    /// unknown.
    pub(super) fn check(place: &HttpSocket) -> Result<Self, HttpError> {
        check_free(place)?;
        let group = place.group.as_deref().map(group_id).transpose()?;
        let folder = place.path.parent().unwrap_or(Path::new("/"));
        folder.metadata().map_err(failed(place))?;
        let socket = Self {
            place: place.clone(),
            group,
        };
        // A path that is too long is found out now, not when the model is loaded.
        let aside = SocketAddrUnix::new(socket.aside());
        aside.map_err(|error| failed(place)(error.into()))?;
        Ok(socket)
    }

    /// Listens. The socket has its mode and group before anybody can connect, and then its path, in
    /// the place of a socket at which nobody listens any more.
    ///
    /// # Errors
    ///
    /// If another program has taken the path, or the system refuses.
    pub(super) fn listen(&self) -> Result<(UnixListener, File), HttpError> {
        let path = &self.place.path;
        let aside = self.aside();
        let bound = self.bind(&aside).map_err(failed(&self.place))?;
        let number = aside.symlink_metadata().map_err(failed(&self.place))?;
        // Another daemon may have come meanwhile.
        check_free(&self.place)?;
        std::fs::rename(&aside, path).map_err(failed(&self.place))?;
        let file = File {
            path: path.clone(),
            number: (number.dev(), number.ino()),
        };
        Ok((bound, file))
    }

    /// Returns true if nothing has the path of the socket any more.
    pub(super) fn is_removed(&self) -> bool {
        let file = self.place.path.symlink_metadata();
        file.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    }

    /// Path of the socket before it has its own, which no other path shares.
    fn aside(&self) -> PathBuf {
        let mut name = OsString::from(".");
        name.push(self.place.path.file_name().unwrap_or_default());
        name.push("~");
        self.place.path.with_file_name(name)
    }

    fn bind(&self, aside: &Path) -> io::Result<UnixListener> {
        remove(aside)?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        bind(&socket, &SocketAddrUnix::new(aside)?)?;
        if self.group.is_some() {
            chown(aside, None, self.group)?;
        }
        std::fs::set_permissions(aside, PermissionsExt::from_mode(self.place.mode))?;
        listen(&socket, BACKLOG.cast_signed())?;
        UnixListener::from_std(socket.into())
    }
}

fn failed(place: &HttpSocket) -> impl Fn(io::Error) -> HttpError {
    let address = HttpAddress::Unix(place.clone());
    move |source| HttpError::Listen {
        address: address.clone(),
        source,
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Checks that a path is free, or belongs to a socket at which nobody listens any more.
fn check_free(place: &HttpSocket) -> Result<(), HttpError> {
    let path = &place.path;
    match path.symlink_metadata() {
        Ok(metadata) if metadata.file_type().is_socket() => {
            if is_alive(path).map_err(failed(place))? {
                return Err(HttpError::InUse(path.clone()));
            }
            Ok(())
        }
        Ok(_) => Err(HttpError::Occupied(path.clone())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed(place)(error)),
    }
}

fn group_id(group: &str) -> Result<u32, HttpError> {
    let named = uzers::get_group_by_name(group).map(|group| group.gid());
    let found = named.or_else(|| group.parse().ok());
    found.ok_or_else(|| HttpError::Group(group.to_owned()))
}
