//! Files that only their owner may read and write.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// Mode of a private file.
const MODE: u32 = 0o600;

/// Opens a file with `options`, and creates it for its owner alone if it is missing.
///
/// Refuses a symbolic link at `path`, and what is not a file of this user: in a folder that others
/// can write to, a link could lead to any other file of the owner, and a file could say anything.
///
/// # Errors
///
/// Error of the system; `ELOOP` for a symbolic link (open(2), `O_NOFOLLOW`); `PermissionDenied` for
/// what is not a file of this user.
pub fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    open_existing(options.create(true), path)
}

/// Opens a file with `options`. Refuses what [`open`] refuses.
///
/// # Errors
///
/// As of [`open`].
pub fn open_existing(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    // Opening a pipe that another user has put there would wait for its other end.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let options = options.mode(MODE).custom_flags(flags.bits().cast_signed());
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() && metadata.uid() == rustix::process::geteuid().as_raw() {
        Ok(file)
    } else {
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "it is not a file of this user",
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_created_file_is_private_and_a_link_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let mut options = OpenOptions::new();
        options.append(true);
        let opened = open(&mut options, &file).unwrap();
        let mode = opened.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
        let link = folder.path().join("link");
        symlink(&file, &link).unwrap();
        assert!(open(&mut options, &link).is_err());
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
        let refused = open_existing(OpenOptions::new().read(true), &pipe);
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    }
}
