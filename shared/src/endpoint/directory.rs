//! The socket's folder: its creation, and the checks that no other user can replace what is in it.

use std::fs::{DirBuilder, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

use super::error::EndpointError;

/// Mode of a folder that is made for the socket: only the owner may enter it.
const MODE: u32 = 0o700;

/// Permission bits of the group and of all other users.
const OTHERS: u32 = 0o077;

/// Write permission of the group and of all other users.
const OTHERS_WRITE: u32 = 0o022;

/// Sticky bit: in the folder, users can only replace files of their own (inode(7)).
const STICKY: u32 = 0o1000;

/// User id of root, who can replace any file.
const ROOT: u32 = 0;

/// Requirement on the socket's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Requirement {
    /// A folder that this program makes: no link, and open to this user alone.
    Private,
    /// A folder that the user named: no other user can replace a file of this user in it.
    Safe,
}

/// Creates the folder if it is missing, open to its owner alone, and checks it.
pub(super) fn prepare(directory: &Path, requirement: Requirement) -> Result<(), EndpointError> {
    DirBuilder::new()
        .recursive(true)
        .mode(MODE)
        .create(directory)
        .map_err(|source| EndpointError::Directory {
            path: directory.to_owned(),
            source,
        })?;
    check(directory, requirement)
}

/// Checks the folder. A missing one passes.
pub(super) fn check(directory: &Path, requirement: Requirement) -> Result<(), EndpointError> {
    let metadata = match requirement {
        Requirement::Private => std::fs::symlink_metadata(directory),
        Requirement::Safe => std::fs::metadata(directory),
    };
    match metadata {
        Ok(metadata) => match problem_with(&metadata, requirement) {
            None => Ok(()),
            Some((problem, hint)) => Err(EndpointError::Unsafe {
                path: directory.to_owned(),
                problem,
                hint,
            }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(EndpointError::Directory {
            path: directory.to_owned(),
            source,
        }),
    }
}

/// Returns true if `path` is a folder of this user.
pub(super) fn is_ours(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| {
        metadata.is_dir() && metadata.uid() == rustix::process::geteuid().as_raw()
    })
}

/// Fault of a folder, and the next step for the user.
fn problem_with(
    metadata: &Metadata,
    requirement: Requirement,
) -> Option<(&'static str, &'static str)> {
    let ours = metadata.uid() == rustix::process::geteuid().as_raw();
    let another = "choose another path with --socket or GTE_SOCKET";
    let mode = metadata.mode();
    if !metadata.is_dir() {
        return Some((
            "is not a folder",
            "remove it, or choose another path with GTE_SOCKET",
        ));
    }
    match requirement {
        _ if !ours && (requirement == Requirement::Private || metadata.uid() != ROOT) => {
            Some(("belongs to another user", another))
        }
        Requirement::Private if mode & OTHERS != 0 => Some((
            "is open to other users",
            "close it with `chmod 700`, or choose another path with GTE_SOCKET",
        )),
        Requirement::Safe if mode & OTHERS_WRITE != 0 && mode & STICKY == 0 => Some((
            "can be written to by other users",
            "close it with `chmod go-w`, or choose another path with --socket or GTE_SOCKET",
        )),
        Requirement::Private | Requirement::Safe => None,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn problem(checked: Result<(), EndpointError>) -> &'static str {
        match checked {
            Ok(()) => "none",
            Err(EndpointError::Unsafe { problem, .. }) => problem,
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_folder_that_is_made_is_open_to_its_owner_alone() {
        let place = tempfile::tempdir().unwrap();
        let made = place.path().join("one/two");
        assert!(check(&made, Requirement::Private).is_ok(), "missing passes");
        prepare(&made, Requirement::Private).unwrap();
        let metadata = std::fs::metadata(&made).unwrap();
        assert_eq!(metadata.mode() & 0o777, MODE);
    }

    #[test]
    fn modes_that_let_others_in_are_refused() {
        let place = tempfile::tempdir().unwrap();
        for (mode, private, safe) in [
            (0o700, "none", "none"),
            (0o755, "is open to other users", "none"),
            (
                0o775,
                "is open to other users",
                "can be written to by other users",
            ),
            (
                0o707,
                "is open to other users",
                "can be written to by other users",
            ),
            (0o1777, "is open to other users", "none"),
        ] {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(place.path(), permissions).unwrap();
            let checked = |requirement| problem(check(place.path(), requirement));
            assert_eq!(checked(Requirement::Private), private, "{mode:o}");
            assert_eq!(checked(Requirement::Safe), safe, "{mode:o}");
        }
    }

    #[test]
    fn a_link_to_a_folder_is_refused_where_we_make_it() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("folder");
        prepare(&folder, Requirement::Private).unwrap();
        let link = place.path().join("link");
        symlink(&folder, &link).unwrap();
        let checked = |requirement| problem(check(&link, requirement));
        assert_eq!(checked(Requirement::Private), "is not a folder");
        assert_eq!(checked(Requirement::Safe), "none");
    }
}
