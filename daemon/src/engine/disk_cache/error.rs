//! Faults of the disk cache.

use std::io;
use std::mem::{Discriminant, discriminant};
use std::path::PathBuf;

use rusqlite::ErrorCode;

/// Fault of the disk cache. The message says what is wrong; [`hint`](Self::hint) says what to do
/// next.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    /// The environment names no folder for the file.
    #[error("neither XDG_CACHE_HOME nor HOME names a folder for the disk cache")]
    NoPlace,
    /// The file or its folder cannot be made or opened.
    #[error("{}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// The file is a database of something else, or of another version of this program.
    #[error("{} is not a disk cache of this version", .0.display())]
    Foreign(PathBuf),
    /// The database fails.
    #[error("{}: {source}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// Error of SQLite.
        source: rusqlite::Error,
    },
    /// Vectors in the file are not those that were written.
    #[error("{} had damaged vectors, which were removed", .0.display())]
    Damaged(PathBuf),
    /// Somebody has removed or replaced the file.
    #[error("{} was removed or replaced", .0.display())]
    Replaced(PathBuf),
    /// The disk takes too long.
    #[error("the disk does not answer in time")]
    Slow,
    /// The model that computes cannot be told from another one.
    #[error("vectors are not kept, since the model cannot be told from others: {0}")]
    Model(io::Error),
    /// The thread that keeps the file cannot be started.
    #[error("a thread cannot be started: {0}")]
    Thread(io::Error),
}

/// Kind of a fault: kinds are logged once in an hour.
pub(super) type FaultKind = (Discriminant<FileError>, Option<ErrorCode>);

impl FileError {
    /// Next step for the user, where there is one.
    pub(super) fn hint(&self) -> Option<String> {
        match (self, self.code()) {
            (Self::Foreign(path), _)
            | (
                Self::Database { path, .. },
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase),
            ) => Some(format!(
                "stop the daemon and remove {}: it is made again",
                path.display()
            )),
            (_, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)) => {
                Some("another daemon has it; only one at a time can".to_owned())
            }
            (_, Some(ErrorCode::DiskFull)) => Some("make room on the disk".to_owned()),
            _ => None,
        }
    }

    /// Returns true if the file is of no use from now on.
    pub(super) fn is_final(&self) -> bool {
        let corrupt = [ErrorCode::DatabaseCorrupt, ErrorCode::NotADatabase];
        matches!(self, Self::Foreign(_)) || self.code().is_some_and(|code| corrupt.contains(&code))
    }

    /// Kind of the fault.
    pub(super) fn kind(&self) -> FaultKind {
        (discriminant(self), self.code())
    }

    fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Database { source, .. } => source.sqlite_error_code(),
            _ => None,
        }
    }
}
