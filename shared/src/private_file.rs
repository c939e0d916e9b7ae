//! Files that only their owner may read and write.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Mode of a private file.
const MODE: u32 = 0o600;

/// Opens a file with `options`, and creates it for its owner alone if it is missing.
///
/// Refuses a symbolic link at `path`: in a folder that others can write to, a link could lead to
/// any other file of the owner.
///
/// # Errors
///
/// Error of the system; `ELOOP` for a symbolic link (open(2), `O_NOFOLLOW`).
pub fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    open_existing(options.create(true), path)
}

/// Opens a file with `options`. Refuses a symbolic link at `path`, as [`open`] does.
///
/// # Errors
///
/// Error of the system; `ELOOP` for a symbolic link (open(2), `O_NOFOLLOW`).
pub(crate) fn open_existing(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options
        .mode(MODE)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
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
    }
}
